"""Parquet files that are named together: one by one, as a folder, or by a pattern."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from routoo.data.errors import InputError
from routoo.data.storage.addresses import is_address, local_path

_PATTERN = "*?["


def is_parquet_source(source: str | Path) -> bool:
    """Whether this names Parquet files: by its ending, or as a folder or a pattern that has any.

    An address without an ending is that of a folder.

    >>> is_parquet_source("prompts/*.parquet"), is_parquet_source("prompts.csv")
    (True, False)
    """
    if is_address(source):
        return str(source).endswith("/") or Path(str(source).partition("?")[0]).suffix in ("", ".parquet")
    path = local_path(source)
    return path.suffix.lower() == ".parquet" or (path.is_dir() and any(_within(path)))


def parquet_files(sources: Iterable[str | Path]) -> tuple[Path, ...]:
    """The files of these sources: a folder stands for all Parquet files in it, in the order of their paths.

    Args:
        sources: Files, folders and patterns such as ``prompts/*.parquet``.

    Raises:
        InputError: A folder or pattern has no Parquet file, or a file is named twice. Whether files that are
            named one by one are there is for who reads them to say.
    """
    found: list[Path] = []
    for source in sources:
        path = local_path(source)
        if path.is_dir():
            own = _within(path)
        elif path.exists() or not any(sign in str(source) for sign in _PATTERN):
            own = [path]
        else:
            own = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        if not own:
            raise InputError(f"{source}: expected Parquet files, found none")
        found += own
    if len(set(found)) < len(found):
        twice = next(path for at, path in enumerate(found) if path in found[:at])
        raise InputError(f"{twice} is named twice")
    return tuple(found)


def _within(folder: Path) -> list[Path]:
    """The Parquet files of a folder and of those in it, none of which is hidden."""
    return sorted(
        path
        for path in folder.rglob("*.parquet")
        if not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    )
