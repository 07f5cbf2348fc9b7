"""What was done so far, a line of JSON an event, in a file that only grows."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from routoo.data.errors import InputError
from routoo.data.storage.files import read_regular

Line = Mapping[str, Any]  # Any: values of JSON
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


class Journal:
    """Lines that survive the process that wrote them: each is one write.

    A killed writer leaves at most a last line that is cut off, which is removed here. A machine that loses
    power may lose lines of the last seconds.

    Args:
        path: The file, which is made with the first line where it is not there.

    Raises:
        InputError: A line before the last is no JSON.
        OSError: It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = _read(path)
        self._handle: int | None = None
        self._closed, self._lock = False, threading.Lock()

    def write(self, event: str, **fields: Any) -> None:  # Any: values of JSON
        """Adds a line.

        Raises:
            OSError: The disk is full, so that nothing of the line stays, or the journal is closed.
        """
        line = json.dumps({"event": event, **fields}, ensure_ascii=False, allow_nan=False)
        content = line.encode("utf-8", "replace") + b"\n"
        with self._lock:
            self._write(content)

    def close(self) -> None:
        """Closes the file: whoever writes from now on is refused."""
        with self._lock:
            self._closed = True
            if self._handle is not None:
                os.close(self._handle)

    def _write(self, content: bytes) -> None:
        if self._closed:
            raise OSError(errno.EBADF, "the journal is closed", str(self.path))
        if self._handle is None:
            self._handle = os.open(self.path, _FLAGS, 0o666)
        before = os.fstat(self._handle).st_size
        if os.write(self._handle, content) != len(content):
            os.ftruncate(self._handle, before)
            raise OSError(errno.ENOSPC, "no space left for a whole line", str(self.path))


def _read(path: Path) -> list[Line]:
    """The whole lines of a journal; a last one that is cut off is removed from the file."""
    try:
        content = read_regular(path)
    except FileNotFoundError:
        return []
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
    return [_parsed(line, at, path) for at, line in enumerate(content[:whole].splitlines(), 1)]


def _parsed(line: bytes, at: int, path: Path) -> Line:
    with suppress(ValueError, RecursionError):
        found = json.loads(line)
        if isinstance(found, dict) and isinstance(found.get("event"), str):
            return found
    raise InputError(f"{path}, line {at}: damaged; restore the file, or begin a new one")
