"""Whether a Parquet file is whole, read off its footer and the headers of its pages.

A page that claims more values than there is memory for ends the process in the library that reads it, and no
handler of errors sees that. So what the file says of itself is held together first: places within the file,
and as many values in the pages of a column as its footer promises.

The layout is that of https://parquet.apache.org/docs/file-format/, in Thrift's compact protocol.
"""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from routoo.data.errors import InputError
from routoo.data.storage.files import open_regular

DAMAGED = "damaged, cut off or something else; fetch or write it again"
"""What a file is that does not hold together."""

_MAGIC = b"PAR1"
_FOOTER = 8  # bytes of its length and the magic
_DEEPEST = 16
_ROW_GROUPS, _N_ROWS, _CHUNKS, _CHUNK = 4, 3, 1, 3
_CHUNK_VALUES, _DATA_AT, _DICTIONARY_AT = 5, 9, 11
_PAGE_LARGE, _PAGE_SIZE = 2, 3
_DATA_PAGE, _DICTIONARY_PAGE, _DATA_PAGE_2 = 5, 7, 8
_PAGE_VALUES = 1

Struct = dict[int, Any]  # Any: whatever a field of Thrift holds


class _BrokenError(Exception):
    """What the file says of itself cannot be."""


@dataclass
class _Compact:
    """A reader of Thrift's compact protocol."""

    held: mmap.mmap
    at: int
    end: int

    def struct(self, depth: int = 0) -> Struct:
        fields: Struct = {}
        number = 0
        while head := self.byte():
            number = number + (head >> 4) if head >> 4 else self.integer()
            fields[number] = self.value(head & 0x0F, depth)
        return fields

    def value(self, kind: int, depth: int) -> Any:  # Any: whatever a field of Thrift holds
        _check(depth < _DEEPEST)
        match kind:
            case 1 | 2:
                return kind == 1
            case 3:
                return self.byte()
            case 4 | 5 | 6:
                return self.integer()
            case 7:
                return self.skip(8)
            case 8:
                return self.skip(self.count())
            case 9 | 10:
                return self.items(depth)
            case 12:
                return self.struct(depth + 1)
        raise _BrokenError

    def items(self, depth: int) -> list[Any]:  # Any: whatever a list of Thrift holds
        head = self.byte()
        size = head >> 4 if head >> 4 < 15 else self.count()
        _check(size <= self.end - self.at)
        kind = head & 0x0F
        if kind in (1, 2):  # truth values in a list are bytes
            return [self.byte() for _ in range(size)]
        return [self.value(kind, depth) for _ in range(size)]

    def byte(self) -> int:
        _check(self.at < self.end)
        self.at += 1
        return self.held[self.at - 1]

    def count(self) -> int:
        number = shift = 0
        while True:
            byte = self.byte()
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number
            _check(shift < 70)

    def integer(self) -> int:
        number = self.count()
        return (number >> 1) ^ -(number & 1)

    def skip(self, n_bytes: int) -> None:
        _check(n_bytes <= self.end - self.at)
        self.at += n_bytes


def check_parquet(path: Path) -> None:
    """Refuses a Parquet file that is damaged or cut off.

    Raises:
        InputError: It is, or cannot be opened.
    """
    try:
        with (
            os.fdopen(open_regular(path), "rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held,
        ):
            _check_whole(held)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (_BrokenError, ValueError, TypeError, LookupError, AttributeError):
        # No byte at all, or a field of another kind.
        raise InputError(f"{path}: cannot be read as Parquet: {DAMAGED}") from None


def _check_whole(held: mmap.mmap) -> None:
    _check(held[:4] == _MAGIC and held[-4:] == _MAGIC)
    start = len(held) - _FOOTER - int.from_bytes(held[-_FOOTER:-4], "little")
    _check(start >= len(_MAGIC))
    footer = _Compact(held, start, len(held) - _FOOTER).struct()
    groups = footer[_ROW_GROUPS]
    _check(sum(group[_N_ROWS] for group in groups) == footer[_N_ROWS] >= 0)
    for group in groups:
        for chunk in group[_CHUNKS]:
            _check_chunk(held, start, chunk[_CHUNK], group[_N_ROWS])


def _check_chunk(held: mmap.mmap, end: int, chunk: Struct, n_rows: int) -> None:
    """One column of a group of rows: its pages hold the values that are promised, within the file."""
    promised, found = chunk[_CHUNK_VALUES], 0
    _check(0 <= n_rows <= promised)
    at = min(chunk.get(_DICTIONARY_AT) or chunk[_DATA_AT], chunk[_DATA_AT])
    while found < promised:
        _check(len(_MAGIC) <= at < end)
        header = _Compact(held, at, end)
        page = header.struct()
        _check(page[_PAGE_LARGE] >= 0 and 0 <= page[_PAGE_SIZE] <= end - header.at)
        for kind in (_DATA_PAGE, _DATA_PAGE_2, _DICTIONARY_PAGE):
            n_values = page.get(kind, {_PAGE_VALUES: 0})[_PAGE_VALUES]
            _check(n_values >= 0)
            found += 0 if kind == _DICTIONARY_PAGE else n_values
        at = header.at + page[_PAGE_SIZE]
    _check(found == promised)


def _check(holds: bool) -> None:
    if not holds:
        raise _BrokenError
