"""Compressed or not, with a mark or without: the bytes are the same, and damage is said."""

import codecs
import gzip
import io
from pathlib import Path

import polars as pl
import pytest

from routoo.data.errors import InputError
from routoo.data.storage.text_files import bare, check_utf8, open_bytes, text_lines

TEXT = "one\n\ntwo ☕\nthree".encode()


def zstd(text: bytes) -> bytes:
    """The text as a zstd file, with a line feed at its end."""
    file = io.BytesIO()
    lines = pl.DataFrame({"line": text.decode().split("\n")}).lazy()
    lines.sink_csv(file, include_header=False, quote_style="never", compression="zstd")
    return file.getvalue()


FILES = {"a.txt": TEXT, "a.txt.gz": gzip.compress(TEXT), "a.txt.zst": zstd(TEXT)}


@pytest.mark.parametrize("name", FILES)
def test_bytes_are_the_same_however_they_are_kept(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(FILES[name])
    check_utf8(path)
    with open_bytes(path) as file:
        assert file.read() == TEXT
    assert bare(path).name == "a.txt"


@pytest.mark.parametrize("name", ["a.txt.gz", "a.txt.zst"])
def test_damage_is_said(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for content in (b"plain text", FILES[name][:-9], FILES[name][:6]):
        path.write_bytes(content)
        with pytest.raises(InputError, match=f"{name}: cannot be read as .* damaged or cut off"):
            check_utf8(path)


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_what_is_compressed_is_told_by_its_first_bytes(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(FILES[f"a.txt.{ending}"])
    with pytest.raises(InputError, match=rf"not UTF-8 in line 1: .*; it looks like .* end in \.{ending};"):
        check_utf8(path)


def test_a_mark_is_no_part_of_the_text() -> None:
    file = io.BytesIO(codecs.BOM_UTF8 + b"a\n\xef\xbb\xbfb\n")
    assert list(text_lines(file, "here")) == [(1, "a\n"), (2, "\ufeffb\n")]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_told_without_a_mark(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("prompt,modèle\nhi,m\n".encode(encoding))
    words = "not UTF-8: every other byte is null, as in UTF-16 without a byte order mark"
    with pytest.raises(InputError, match=f"a.txt: {words}"):
        check_utf8(path)
    with pytest.raises(InputError, match=f"here: {words}"):
        list(text_lines(io.BytesIO(path.read_bytes()), "here"))


def test_a_null_here_and_there_is_text(tmp_path: Path) -> None:
    for text in (b"a\0b\0c\n", b"\0\0\0\0\0\0\n", b"\0", b""):
        (tmp_path / "a.txt").write_bytes(text)
        check_utf8(tmp_path / "a.txt")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1"])
def test_other_encodings_are_named_by_their_first_byte(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("é\na".encode(encoding))
    with pytest.raises(InputError, match="not UTF-8 in line 1: byte 0 is 0x") as caught:
        check_utf8(path)
    assert ("it looks like UTF-16" in str(caught.value)) == (encoding == "utf-16")
    with pytest.raises(InputError, match="here: not UTF-8 in line 1: byte 0 is 0x"):
        list(text_lines(io.BytesIO(path.read_bytes()), "here"))
