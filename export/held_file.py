"""A file of a bundle, found by its hash and held open: what is put in its place later does not change it."""

from __future__ import annotations

import hashlib
import os
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

from routoo.data.storage.file_set import FileRecord
from routoo.data.storage.files import open_regular

_HOLDS = hasattr(os, "pread")
"""Whether a file that is open can be replaced, and be read by several threads; not on Windows."""


class BrokenFileError(Exception):
    """What is wrong with a file, in words that begin with its name; who reads the bundle adds the folder."""


class HeldFile:
    """A file that is what its record says, under its own name or the hidden one.

    In another process, to which it was pickled, and where open files cannot be replaced, it is looked for
    again when it is read, in the folder that it lay in whatever the working directory is then.

    Args:
        folder: Where it lies.
        name: What people call it.
        record: What it must be.

    Raises:
        BrokenFileError: It is not there, not a regular file, or not what it should be.
    """

    def __init__(self, folder: Path, name: str, record: FileRecord) -> None:
        self.folder, self.name, self.record = folder.absolute(), name, record
        handle = self._find()
        self._handle = handle if _HOLDS else None
        if _HOLDS:
            weakref.finalize(self, os.close, handle)
        else:
            os.close(handle)

    def read(self) -> bytes:
        """The content.

        Raises:
            BrokenFileError: It was altered since, or was replaced and could not be held.
        """
        handle = self._find() if self._handle is None else self._handle
        try:
            content = _content(handle)
        except OSError as error:
            raise BrokenFileError(f"{self.name} cannot be read ({error.strerror})") from None
        finally:
            if self._handle is None:
                os.close(handle)
        if FileRecord.of(content) != self.record:
            raise BrokenFileError(f"{self.name} was altered after it was opened")
        return content

    def __getstate__(self) -> dict[str, Any]:  # attributes, of all kinds
        return {**self.__dict__, "_handle": None}

    def _find(self) -> int:
        """The handle of the file; between two looks under its own name it may leave the hidden one."""
        for name in (self.name, self.record.hidden_name(self.name)):
            with suppress(BrokenFileError):
                return self._open(name)
        return self._open(self.name)

    def _open(self, name: str) -> int:
        """The handle of the file under this name."""
        try:
            handle = open_regular(self.folder / name)
        except FileNotFoundError:
            raise BrokenFileError(f"{self.name} is missing") from None
        except OSError as error:
            raise BrokenFileError(f"{self.name} cannot be read ({error.strerror})") from None
        try:
            self._check(handle)
        except BaseException:
            os.close(handle)
            raise
        return handle

    def _check(self, handle: int) -> None:
        """Refuses content that is not what it should be."""
        size = os.fstat(handle).st_size
        if size < self.record.size:
            raise BrokenFileError(f"{self.name} is truncated ({size} of {self.record.size} bytes)")
        if size > self.record.size:
            raise BrokenFileError(f"{self.name} was altered ({size} bytes, expected {self.record.size})")
        try:
            with open(handle, "rb", closefd=False) as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise BrokenFileError(f"{self.name} cannot be read ({error.strerror})") from None
        if found != self.record.sha256:
            expected = self.record.sha256[:12]
            raise BrokenFileError(f"{self.name} was altered (SHA-256 {found[:12]}…, expected {expected}…)")


def _content(handle: int) -> bytes:
    """All bytes of an open file, wherever others have read to."""
    if not _HOLDS:
        with open(handle, "rb", closefd=False) as file:
            return file.read()
    parts, at = [], 0
    while part := os.pread(handle, os.fstat(handle).st_size, at):
        parts.append(part)
        at += len(part)
    return b"".join(parts)
