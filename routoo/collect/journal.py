"""What a collection has done so far, a line of JSON an event, in a file that only grows."""

from __future__ import annotations

import errno
import json
import os
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
        self._opened: int | None = None

    def write(self, event: str, **fields: Any) -> None:  # Any: values of JSON
        """Adds a line.

        Raises:
            OSError: The disk is full; nothing of the line stays.
        """
        line = json.dumps({"event": event, **fields}, ensure_ascii=False, allow_nan=False)
        content = line.encode("utf-8", "replace") + b"\n"
        if self._opened is None:
            self._opened = os.open(self.path, _FLAGS, 0o666)
        before = os.fstat(self._opened).st_size
        if os.write(self._opened, content) != len(content):
            os.ftruncate(self._opened, before)
            raise OSError(errno.ENOSPC, "no space left for a whole line", str(self.path))

    def close(self) -> None:
        """Closes the file."""
        if self._opened is not None:
            os.close(self._opened)


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
    raise InputError(f"{path}, line {at}: damaged; restore the file, or collect into a new folder")
