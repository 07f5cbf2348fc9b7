"""Files of text as people keep them: compressed or not, with a byte order mark or without."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import polars as pl

from routoo.data.errors import InputError
from routoo.data.storage.files import open_regular
from routoo.data.storage.foreign import in_our_words

COMPRESSED = {".gz": "gzip", ".zst": "zstd"}
"""What a second ending says of a file."""

_BLOCK = 1 << 20
_LINE = 1000  # bytes of the first line by which UTF-16 is recognised
_NULLS = 3  # that stand at every other byte at least
_ZSTD = b"\x28\xb5\x2f\xfd"
_LOOKS = {
    codecs.BOM_UTF16_LE: "; it looks like UTF-16",
    codecs.BOM_UTF16_BE: "; it looks like UTF-16",
    b"\x1f\x8b": "; it looks like gzip, whose names end in .gz",
    _ZSTD: "; it looks like zstd, whose names end in .zst",
}


def compression(path: Path) -> str | None:
    """How the file is compressed, as its last ending says."""
    return COMPRESSED.get(path.suffix.lower())


def bare(path: Path) -> Path:
    """The path without the ending of a compression.

    >>> bare(Path("outcomes.csv.gz")).name
    'outcomes.csv'
    """
    return path.with_suffix("") if compression(path) else path


@contextmanager
def open_bytes(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, decompressed.

    Raises:
        InputError: It cannot be opened, or not decompressed; the latter also while the block reads.
    """
    broken = f"{path}: cannot be read as {compression(path)} of UTF-8: damaged or cut off; fetch it again"
    try:
        if compression(path) == "zstd":
            yield io.BytesIO(_zstd(path, broken))
            return
        with os.fdopen(open_regular(path), "rb") as file:
            if compression(path) == "gzip":
                with gzip.GzipFile(fileobj=file) as inside:
                    yield cast(BinaryIO, inside)
            else:
                yield file
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputError(broken) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or 'no such file'}") from None


def check_utf8(path: Path) -> None:
    """Refuses text in another encoding, and says where it stops being UTF-8.

    Raises:
        InputError: It is none.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    line, read = 1, 0
    with open_bytes(path) as file:
        while block := file.read(_BLOCK):
            if read == 0:
                _refuse_utf16(block.partition(b"\n")[0], path)
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                line += error.object.count(b"\n", 0, error.start)
                at = read + len(block) - len(error.object) + error.start
                raise _not_utf8(path, line, at, error) from None
            line += block.count(b"\n")
            read += len(block)
    if decoder.getstate()[0]:
        raise InputError(f"{path}: the text is cut off within a character; fetch the file again")


def text_lines(file: BinaryIO, source: object) -> Iterator[tuple[int, str]]:
    """Number and text of each line, with its line feed and without a byte order mark.

    Args:
        file: Bytes of UTF-8.
        source: Where they come from, for messages.

    Raises:
        InputError: A line is not UTF-8.

    >>> list(text_lines(io.BytesIO(b"one\\ntwo"), "here"))
    [(1, 'one\\n'), (2, 'two')]
    """
    read = 0
    for number, line in enumerate(file, 1):
        if number == 1:
            _refuse_utf16(line, source)
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _not_utf8(source, number, read + error.start, error) from None
        read += len(line)
        yield number, text.removeprefix("\ufeff") if number == 1 else text


def decode_utf8(raw: bytes, source: str) -> str:
    """The text of UTF-8 bytes, without a byte order mark.

    Raises:
        InputError: They are not UTF-8; the message names the line.
    """
    return "".join(text for _, text in text_lines(io.BytesIO(raw), source))


def _refuse_utf16(line: bytes, source: object) -> None:
    """Refuses a line of which every other byte is null: Latin letters in UTF-16, which pass for UTF-8."""
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # which no UTF-8 begins with
        return
    halves = line[:_LINE][::2], line[1:_LINE][::2]
    nulls = sorted(half.count(0) for half in halves)
    if nulls[0] == 0 and nulls[1] >= _NULLS and nulls[1] >= min(map(len, halves)) * 0.75:
        raise InputError(
            f"{source}: not UTF-8: every other byte is null, as in UTF-16 without a byte order mark; save it "
            "as UTF-8 and read it again"
        )


def _not_utf8(source: object, line: int, at: int, error: UnicodeDecodeError) -> InputError:
    looks = next((words for start, words in _LOOKS.items() if error.object.startswith(start)), "")
    return InputError(
        f"{source}: not UTF-8 in line {line}: byte {at} is 0x{error.object[error.start]:02x}"
        f"{looks if line == 1 else ''}; save it as UTF-8 and read it again"
    )


def _zstd(path: Path, broken: str) -> bytes:
    """What a zstd file holds; the library that reads it drops the carriage return before a line feed."""
    with os.fdopen(open_regular(path), "rb") as file:
        if file.read(len(_ZSTD)) != _ZSTD:  # the library would read it as it is
            raise InputError(broken)
    with in_our_words(broken):
        lines = pl.read_lines(path)["line"]
    return "\n".join(lines).encode()
