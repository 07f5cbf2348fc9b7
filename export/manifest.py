"""The list of a bundle's files, and whether they are what the list says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from routoo.data.errors import BundleError
from routoo.export.description import Json
from routoo.export.layout import FORMAT_VERSION, FORMAT_WITH_LABELS, LAYOUT


@dataclass(frozen=True)
class FileRecord:
    """What a file must be: its size in bytes, and its SHA-256 in hexadecimal."""

    size: int
    sha256: str


def read_manifest(folder: Path) -> tuple[Json, dict[str, FileRecord]]:
    """The document in `router.json`, and the files it lists, each found to be what it should be.

    Raises:
        BundleError: A file is missing, truncated, altered, lies outside the folder, or is of a newer format;
            the message lists all that is wrong.
    """
    document = read_json(folder, LAYOUT.router)
    _check_version(folder, document)
    files = _file_records(folder, document)
    faults = [fault for name, record in files.items() if (fault := _fault(folder, name, record))]
    if faults:
        refuse(folder, "; ".join(faults))
    return document, files


def to_json(document: Mapping[str, Any]) -> bytes:
    """The document as JSON for people to read; not a number, NaN or infinite, becomes null."""
    return (json.dumps(_finite(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _finite(value: Any) -> Any:  # any JSON value
    if isinstance(value, float) and not (-float("inf") < value < float("inf")):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def refuse(folder: Path, why: str) -> NoReturn:
    """Raises what a broken bundle raises."""
    raise BundleError(f"{folder} is not a bundle that can be used: {why}; fetch or export it again")


def read_json(folder: Path, name: str) -> Json:
    """The mapping in one of the folder's JSON files."""
    if not folder.is_dir():
        refuse(folder, "there is no such folder")
    if escape := _escape(folder, name):
        refuse(folder, escape)
    try:
        document = json.loads((folder / name).read_bytes(), parse_constant=_not_json)
    except FileNotFoundError:
        found = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "nothing"
        refuse(folder, f"{name} is missing (found {found})")
    except OSError as error:
        refuse(folder, f"{name} cannot be read ({error.strerror})")
    except (ValueError, RecursionError) as error:
        refuse(folder, f"{name} is truncated or not JSON ({error})")
    if not isinstance(document, dict):
        refuse(folder, f"{name} holds a {type(document).__name__}, expected a mapping")
    return document


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _check_version(folder: Path, document: Json) -> None:
    version = document.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        refuse(folder, f"{LAYOUT.router}: format_version is {version!r}, expected a number from 1 on")
    if version < FORMAT_VERSION:
        refuse(
            folder,
            f"format {version} is older than {FORMAT_VERSION}, the oldest that is read: train and export "
            "again",
        )
    if version > FORMAT_WITH_LABELS:
        raise BundleError(
            f"{folder} is of format {version}, and this routoo reads up to {FORMAT_WITH_LABELS}: "
            "upgrade routoo"
        )


def _file_records(folder: Path, document: Json) -> dict[str, FileRecord]:
    """Size and hash of each file by name, as `router.json` lists them."""
    listed = document.get("files")
    if not isinstance(listed, dict):
        refuse(folder, f"{LAYOUT.router}: the list of files is missing")
    unlisted = [name for name in LAYOUT.required if name not in listed]
    if unlisted:
        refuse(folder, f"{LAYOUT.router} does not list {', '.join(unlisted)}")
    records = {}
    for name, row in listed.items():
        if not isinstance(row, dict) or set(row) != {"size", "sha256"} or not isinstance(row["size"], int):
            refuse(folder, f"{LAYOUT.router}: {name!r} needs a size and a sha256")
        records[name] = FileRecord(row["size"], str(row["sha256"]))
    return records


def _fault(folder: Path, name: str, record: FileRecord) -> str | None:
    """What is wrong with a file, or None."""
    if escape := _escape(folder, name):
        return escape
    path = folder / name
    if not path.is_file():
        return f"{name} is missing"
    try:
        size = path.stat().st_size
        if size < record.size:
            return f"{name} is truncated ({size} of {record.size} bytes)"
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return f"{name} cannot be read ({error.strerror})"
    if size > record.size or found != record.sha256:
        return f"{name} was altered (SHA-256 {found[:12]}…, expected {record.sha256[:12]}…)"
    return None


def _escape(folder: Path, name: str) -> str | None:
    """Why a name does not stand for a file of this folder, or None.

    A link may lead to the blobs of the same repository in a hub cache, which keeps its files that way.
    """
    if name in ("", ".", "..") or any(sign in name for sign in "/\\:\0"):
        return f"{name!r} is not a plain file name"
    home = folder.resolve()
    homes = [home, home.parents[1] / "blobs"] if home.parent.name == "snapshots" else [home]
    target = (home / name).resolve()
    return None if target.parent in homes else f"{name} is a link that leads out of the folder"
