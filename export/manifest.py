"""`router.json`: what a bundle says of itself, and the list of its files, under a hash of it all."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from routoo.data.errors import BundleError
from routoo.data.storage.file_set import FileRecord
from routoo.data.storage.files import read_regular
from routoo.export.description import Json
from routoo.export.held_file import BrokenFileError, HeldFile
from routoo.export.layout import LAYOUT, NEWEST_FORMAT, OLDEST_FORMAT

_SEAL, _FIRST_SEALED = "sha256", 5
_UNSEALED = "0" * 64
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOST_TRIES = 100


def read_manifest(folder: Path) -> tuple[Json, dict[str, HeldFile]]:
    """The document in `router.json`, and the files it lists, each found to be what it should be.

    Raises:
        BundleError: A file is missing, truncated, altered, lies outside the folder, or is of a newer format;
            the message lists all that is wrong.
    """
    before, tries = None, 0
    while True:
        content = _router_content(folder)
        document = _checked(folder, content)
        files, faults = _held_files(folder, _file_records(folder, document))
        if not faults:
            return document, files
        if content == before or tries == _MOST_TRIES:
            refuse(folder, "; ".join(faults))
        before, tries = content, tries + 1  # if the bundle has just been replaced, it says something else now


def sealed(document: Mapping[str, Any]) -> bytes:
    """The content of `router.json`: the document with a hash of the whole file, in which the hash is zeros.

    >>> content = sealed({"format_version": 6})
    >>> is_sealed(content, json.loads(content)), is_sealed(content + b" ", json.loads(content))
    (True, False)
    """
    content = to_json({**document, _SEAL: _UNSEALED})
    head, _, tail = content.rpartition(_UNSEALED.encode())
    return head + hashlib.sha256(content).hexdigest().encode() + tail


def is_sealed(content: bytes, document: Mapping[str, Any]) -> bool:
    """Whether every byte of `router.json`, read as this document, is as it was written."""
    seal = document.get(_SEAL)
    if not isinstance(seal, str) or not _SHA256.fullmatch(seal):
        return False
    head, _, tail = content.rpartition(seal.encode())
    return hashlib.sha256(head + _UNSEALED.encode() + tail).hexdigest() == seal


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


def json_of(folder: Path, name: str, content: bytes) -> Json:
    """The mapping in one of the folder's JSON files."""
    try:
        document = json.loads(content, parse_constant=_not_json, parse_float=_number)
        json.dumps(
            document, ensure_ascii=False
        ).encode()  # a lone surrogate can be written in JSON, and nowhere else
    except (ValueError, RecursionError) as error:
        refuse(folder, f"{name} is truncated or not JSON ({error})")
    if not isinstance(document, dict):
        refuse(folder, f"{name} holds a {type(document).__name__}, expected a mapping")
    return document


def _router_content(folder: Path) -> bytes:
    if not folder.is_dir():
        refuse(folder, "there is no such folder")
    if escape := _escape(folder, LAYOUT.router):
        refuse(folder, escape)
    try:
        return read_regular(folder / LAYOUT.router)
    except FileNotFoundError:
        found = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "nothing"
        refuse(folder, f"{LAYOUT.router} is missing (found {found})")
    except OSError as error:
        refuse(folder, f"{LAYOUT.router} cannot be read ({error.strerror})")


def _checked(folder: Path, content: bytes) -> Json:
    """The document in `router.json`, of a version that is read, with every byte as it was written."""
    document = json_of(folder, LAYOUT.router, content)
    _check_version(folder, document)
    if (_SEAL in document or document["format_version"] >= _FIRST_SEALED) and not is_sealed(
        content, document
    ):
        refuse(
            folder,
            f"{LAYOUT.router} was altered (its own SHA-256 is another); prices of its models are given to "
            "`Router.from_pretrained(..., pool=...)`",
        )
    return document


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _number(text: str) -> float:
    """A number that is finite, however many digits it is written with."""
    number = float(text)
    return _not_json(text) if number in (float("inf"), -float("inf")) else number


def _check_version(folder: Path, document: Json) -> None:
    version = document.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        refuse(folder, f"{LAYOUT.router}: format_version is {version!r}, expected a number from 1 on")
    if version < OLDEST_FORMAT:
        refuse(
            folder,
            f"format {version} is older than {OLDEST_FORMAT}, the oldest that is read: train and export "
            "again",
        )
    if version > NEWEST_FORMAT:
        raise BundleError(
            f"{folder} is of format {version}, and this routoo reads up to {NEWEST_FORMAT}: upgrade routoo"
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
        if (escape := _escape(folder, name)) is not None:
            refuse(folder, escape)
        if name not in LAYOUT.names[1:]:
            refuse(folder, f"{LAYOUT.router} lists {name!r}, which no bundle has")
        if not _is_record(row):
            refuse(folder, f"{LAYOUT.router}: {name!r} needs a size and a sha256")
        records[name] = FileRecord(row["size"], row["sha256"])
    return records


def _is_record(row: Any) -> bool:  # any JSON value
    return (
        isinstance(row, dict)
        and set(row) == {"size", "sha256"}
        and isinstance(row["size"], int)
        and isinstance(row["sha256"], str)
        and _SHA256.fullmatch(row["sha256"]) is not None
    )


def _held_files(folder: Path, records: Mapping[str, FileRecord]) -> tuple[dict[str, HeldFile], list[str]]:
    """The files that are what they should be, and what is wrong with the others."""
    files, faults = {}, []
    for name, record in records.items():
        try:
            files[name] = HeldFile(folder, name, record)
        except BrokenFileError as error:
            faults.append(str(error))
    return files, faults


def _escape(folder: Path, name: str) -> str | None:
    """Why a name does not stand for a file of this folder, or None.

    A link may lead to the blobs of the same repository in a hub cache, which keeps its files that way.
    """
    if name in ("", ".", "..") or any(sign in name for sign in "/\\:\0"):
        return f"{name!r} is not a plain file name"
    home = Path(os.path.realpath(folder))
    homes = [home, home.parents[1] / "blobs"] if home.parent.name == "snapshots" else [home]
    target = Path(os.path.realpath(home / name))  # which, unlike resolve, says nothing of links in a circle
    return None if target.parent in homes else f"{name} is a link that leads out of the folder"
