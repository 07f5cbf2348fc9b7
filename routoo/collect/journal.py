"""What was done so far, a line of JSON an event, in a file that only grows."""

from __future__ import annotations

import errno
import json
import os
import threading
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from routoo.data.errors import InputError
from routoo.data.storage.files import read_regular
from routoo.data.storage.locks import hold

Line = Mapping[str, Any]  # Any: values of JSON
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


class Journal:
    """Lines that survive the process that wrote them: each is one write.

    A killed writer leaves at most a last line that is cut off, which is removed by the next one. A machine
    that loses power may lose lines of the last seconds. One run writes at a time: from its first line on it
    holds the lock of the file, until it is closed, forgotten, or the process is gone.

    Args:
        path: The file, which is made with the first line where it is not there.

    Raises:
        InputError: A line before the last is no JSON.
        OSError: It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None
        self._release: Callable[[], object] = lambda: None
        self._closed, self._lock = False, threading.Lock()
        content = _content(path)
        self._read, self._whole = len(content), content.rfind(b"\n") + 1
        self.lines = [
            _parsed(line, at, path) for at, line in enumerate(content[: self._whole].splitlines(), 1)
        ]

    def write(self, event: str, **fields: Any) -> None:  # Any: values of JSON
        """Adds a line.

        Raises:
            InputError: Another run writes the file, or did so since it was read.
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
            self._release()

    def _write(self, content: bytes) -> None:
        if self._closed:
            raise OSError(errno.EBADF, "the journal is closed", str(self.path))
        if self._handle is None:
            self._handle = self._open()
        before = os.fstat(self._handle).st_size
        if os.write(self._handle, content) != len(content):
            os.ftruncate(self._handle, before)
            raise OSError(errno.ENOSPC, "no space left for a whole line", str(self.path))

    def _open(self) -> int:
        """The handle of the file, whose lock is held, without a last line that is cut off."""
        handle = os.open(self.path, _FLAGS, 0o666)
        release = weakref.finalize(self, os.close, handle)
        try:
            hold(handle, wait=False)
            alone = os.fstat(handle).st_size == self._read
        except BlockingIOError:
            alone = False
        if not alone:
            release()
            raise InputError(f"{self.path}: another run writes it; wait for its end, or begin another file")
        os.ftruncate(handle, self._whole)
        self._release = release
        return handle


def _content(path: Path) -> bytes:
    """What is in the file; nothing where there is none."""
    with suppress(FileNotFoundError):
        return read_regular(path)
    return b""


def _parsed(line: bytes, at: int, path: Path) -> Line:
    with suppress(ValueError, RecursionError):
        found = json.loads(line)
        if isinstance(found, dict) and isinstance(found.get("event"), str):
            return found
    raise InputError(f"{path}, line {at}: damaged; restore the file, or begin a new one")
