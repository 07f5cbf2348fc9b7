"""What is written appears whole or not at all."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from routoo.data.errors import InputError
from routoo.data.files import folder_atomically, read_regular, write_atomically
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.prompts import read_prompts
from routoo.data.sample import simulated_outcomes


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", b"old")
    write_atomically(tmp_path / "a", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"new"


@pytest.mark.parametrize("name", ["circle", "a\0b"])
def test_a_name_that_leads_nowhere_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(InputError):
        write_atomically(tmp_path / name, b"new")
    with pytest.raises((InputError, OSError)), folder_atomically(tmp_path / name):  # OSError: of the system
        pytest.fail("there is no such folder")


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


def test_of_two_writers_the_last_one_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write_folder(tmp_path / "b", x="1")
    replace = Path.replace
    raced: list[bool] = []

    def overtaken(self: Path, target: Path) -> Path:
        done = replace(self, target)
        if target.name.endswith(".old") and not raced:
            raced.append(True)
            _write_folder(tmp_path / "b", x="theirs")  # while neither the old folder nor ours is there
        return done

    monkeypatch.setattr(Path, "replace", overtaken)
    _write_folder(tmp_path / "b", x="2")
    assert raced
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert (tmp_path / "b" / "x").read_text() == "2"


def test_a_folder_that_cannot_be_put_in_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write_folder(tmp_path / "b", x="1")
    replace = Path.replace

    def forbidden(self: Path, target: Path) -> Path:
        if target.name == "b" and not self.name.endswith(".old"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", forbidden)
    with pytest.raises(PermissionError):
        _write_folder(tmp_path / "b", x="2")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert (tmp_path / "b" / "x").read_text() == "1"


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for text in ("1", "2"):
        _write_folder(tmp_path / "link", x=text)
        assert (tmp_path / "real" / "x").read_text() == text
    assert (tmp_path / "link").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


def test_the_working_directory_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"\.: expected a folder to write, found the working directory"):
        _write_folder(Path(), x="1")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
@pytest.mark.parametrize(("mask", "file", "folder"), [(0o077, 0o600, 0o700), (0o022, 0o644, 0o755)])
def test_who_may_read_is_what_the_umask_says(tmp_path: Path, mask: int, file: int, folder: int) -> None:
    before = os.umask(mask)
    try:
        write_atomically(tmp_path / "a", b"x")
        _write_folder(tmp_path / "b", x="1")
    finally:
        os.umask(before)
    found = [(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "b", "b/x")]
    assert found == [file, folder, file]


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    for text in (b"1", b"2"):
        write_atomically(tmp_path / "link", text)
        assert (tmp_path / "real").read_bytes() == text
    assert (tmp_path / "link").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "link", Path("/dev/null")):
        with pytest.raises(InputError, match="expected a file to write, found a folder, a pipe or a device"):
            write_atomically(path, b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "pipe"]


def test_the_longest_name_is_written(tmp_path: Path) -> None:
    for name in ("a" * 255, "é" * 127):
        write_atomically(tmp_path / name, b"x")
        assert read_regular(tmp_path / name) == b"x"
        (tmp_path / name).unlink()
        _write_folder(tmp_path / name, x="1")


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "zero"):
        with pytest.raises(OSError, match="not a regular file"):
            read_regular(path)


@pytest.mark.parametrize(
    "name", ["a.parquet", "a.csv", "a.jsonl", "a.csv.gz", "a.jsonl.zst", "a.toml", "a.txt"]
)
def test_no_reader_waits_for_a_pipe(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    readers: tuple[Callable[[Path], object], ...] = (read_prompts, Outcomes.read, Pool.read)
    for read in readers:
        with pytest.raises(InputError):
            read(tmp_path / name)


def test_a_folder_whose_name_is_not_utf_8(tmp_path: Path) -> None:
    try:
        (tmp_path / "\udcff").mkdir()
    except OSError:
        pytest.skip("the file system takes no such name")
    simulated_outcomes(20, seed=0).write(tmp_path / "\udcff")
    assert len(list((tmp_path / "\udcff").iterdir())) == 2
