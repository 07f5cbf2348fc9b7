"""Addresses that fsspec knows, such as ``s3://bucket/prompts``: files are copied from there, and sent there.

It needs fsspec (extra `addresses`), and a driver for the kind of address.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from routoo.data.errors import InputError, MissingExtraError, RoutooError
from routoo.data.progress import Progress
from routoo.data.storage.foreign import library_errors

_HERE = "file://"


def is_address(place: str | Path) -> bool:
    """Whether this is an address, and no path of this machine.

    >>> is_address("s3://bucket/prompts"), is_address("prompts/"), is_address("file:///mnt/prompts")
    (True, False, False)
    """
    return "://" in str(place) and not str(place).startswith(_HERE)


def local_path(place: str | Path) -> Path:
    """The path of a file here, which may be written as an address of ``file://``.

    >>> local_path("file:///mnt/prompts").as_posix()
    '/mnt/prompts'
    """
    return Path(str(place).removeprefix(_HERE))


def found(address: str) -> list[str]:
    """Addresses of the Parquet files at an address, in the order of their names.

    Args:
        address: Of a file, of a folder, to which the files of folders in it belong, or a pattern with ``*``.

    Raises:
        MissingExtraError: fsspec or the driver for this kind of address is not installed.
        InputError: Nothing is there, or it cannot be read.
    """
    system, paths = _listed(address)
    return [str(system.unstrip_protocol(path)) for path in paths]


def fetched(address: str, folder: Path, progress: Progress | None = None) -> list[Path]:
    """Copies of the files that `found` finds, in their order.

    A copy that is in the folder, of a file that is still the same at its address, is not fetched again.

    Args:
        address: See `found`.
        folder: Where the copies go; made where it is missing.
        progress: Called after each copy.

    Raises:
        MissingExtraError: See `found`.
        InputError: See `found`.
    """
    system, paths = _listed(address)
    copies = list[Path]()
    with library_errors(InputError, f"{address}: cannot be read"):
        for path in paths:
            copies.append(_copied(system, path, folder))
            if progress is not None:
                progress(len(copies), len(paths))
    return copies


def check_free(address: str) -> None:
    """Refuses an address where there is a folder that holds something.

    Raises:
        MissingExtraError: See `found`.
        InputError: There is, or it cannot be reached.
    """
    system, root = _reached(address)
    with library_errors(InputError, f"{address}: cannot be read"):
        if system.isdir(root) and system.ls(root):
            raise InputError(f"{address}: expected a place to write, found a folder that holds something")


def sent(place: Path, address: str) -> None:
    """Sends a file, or the Parquet files of a folder one after the other, to an address.

    A file that is there is replaced: in one step where what lies behind the address can, as object stores do.

    Raises:
        MissingExtraError: See `found`.
        RoutooError: It cannot be written.
    """
    system, root = _reached(address)
    files = {root: place}
    if place.is_dir():
        files = {f"{root.rstrip('/')}/{path.name}": path for path in sorted(place.glob("*.parquet"))}
    with library_errors(RoutooError, f"{address} was not written"):
        for path, file in files.items():
            system.put_file(str(file), path)


def _reached(address: str) -> tuple[Any, str]:  # a file system of fsspec, which is not typed
    """What is behind an address, and the path there."""
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise MissingExtraError(
            f"{address}: addresses are reached by fsspec: pip install 'routoo[addresses]'"
        ) from error
    with library_errors(InputError, f"{address}: no such address"):
        try:
            system, path = url_to_fs(address)
        except ImportError as error:
            raise MissingExtraError(f"{address}: its driver is not installed ({error})") from error
    return system, str(path)


def _listed(address: str) -> tuple[Any, list[str]]:
    """What is behind an address, and the paths of the Parquet files there."""
    system, root = _reached(address)
    with library_errors(InputError, f"{address}: cannot be read"):
        if "*" in root:
            paths = system.glob(root)
        elif root.partition("?")[0].endswith(".parquet"):
            paths = [root]
        else:
            paths = [path for path in system.find(root) if not _is_hidden(path.removeprefix(root))]
    if not (files := sorted(path for path in paths if path.partition("?")[0].endswith(".parquet"))):
        raise InputError(f"{address}: expected Parquet files, found none")
    return system, files


def _is_hidden(path: str) -> bool:
    return any(part.startswith((".", "_")) for part in path.split("/"))


def _copied(system: Any, path: str, folder: Path) -> Path:
    """A copy that is named by all that is said of the file, and has no time of its own."""
    state = hashlib.sha256(json.dumps(system.info(path), sort_keys=True, default=str).encode()).hexdigest()
    name = path.partition("?")[0].rpartition("/")[2]
    copy = folder / f"{state[:16]}-{name.removesuffix('.parquet')[-48:]}.parquet"
    if not copy.exists():
        folder.mkdir(parents=True, exist_ok=True)
        scratch = copy.with_suffix(".part")
        system.get_file(path, str(scratch))
        os.utime(scratch, (0, 0))
        scratch.replace(copy)
    return copy
