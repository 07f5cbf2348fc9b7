"""What is written appears whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from routoo.data.errors import InputError
from routoo.data.files import folder_atomically, write_atomically


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", b"old")
    write_atomically(tmp_path / "a", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"new"


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_atomically(tmp_path / "a", b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(tmp_path / "a", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


def _write_folder(path: Path, **files: str) -> None:
    with folder_atomically(path, replaces=["stale"]) as scratch:
        for name, text in files.items():
            (scratch / name).write_text(text)


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    _write_folder(tmp_path / "in" / "b", x="1", stale="1")
    _write_folder(tmp_path / "in" / "b", x="2")
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["b"]
    assert {path.name: path.read_text() for path in (tmp_path / "in" / "b").iterdir()} == {"x": "2"}


def _interrupted(path: Path) -> None:
    with folder_atomically(path) as scratch:
        (scratch / "x").write_text("2")
        raise KeyboardInterrupt


def test_a_failure_leaves_the_old_folder(tmp_path: Path) -> None:
    _write_folder(tmp_path / "b", x="1")
    with pytest.raises(KeyboardInterrupt):
        _interrupted(tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert (tmp_path / "b" / "x").read_text() == "1"


def test_nothing_of_somebody_else_is_lost(tmp_path: Path) -> None:
    _write_folder(tmp_path / "b", x="1")
    (tmp_path / "b" / "notes").write_text("mine")
    with pytest.raises(InputError, match=r"holds other files \(notes\)"):
        _write_folder(tmp_path / "b", x="2")
    assert (tmp_path / "b" / "x").read_text() == "1"
    with pytest.raises(InputError, match="expected a folder to write, found a file"):
        _write_folder(tmp_path / "b" / "notes", x="2")
    assert (tmp_path / "b" / "notes").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
