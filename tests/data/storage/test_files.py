"""A file that is written appears whole or not at all, and nothing of a killed writer stays."""

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from simulated.outcomes import simulated_outcomes

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.storage.files import read_regular, write_atomically
from routoo.data.tables.prompts import read_prompts


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


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_atomically(tmp_path / "a", b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(tmp_path / "a", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
@pytest.mark.parametrize(("mask", "file"), [(0o077, 0o600), (0o022, 0o644)])
def test_who_may_read_is_what_the_umask_says(tmp_path: Path, mask: int, file: int) -> None:
    before = os.umask(mask)
    try:
        write_atomically(tmp_path / "a", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == file


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


def _scratch_of(path: Path) -> list[Path]:
    return [beside for beside in path.parent.iterdir() if beside != path]


def test_what_a_killed_writer_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 100)
    child = os.fork()
    if not child:
        os.fsync = lambda fd: os.kill(os.getpid(), signal.SIGKILL)
        write_atomically(path, b"killed")
        os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    assert len(_scratch_of(path)) == 1
    for name in (f".{path.name[:48]}.0123.part", ".b.0123456789abcdef.part", f".{path.name}.part"):
        (tmp_path / name).write_text("not of this file")
    write_atomically(path, b"next")
    assert path.read_bytes() == b"next"
    assert {found.read_text() for found in _scratch_of(path)} == {"not of this file"}
    assert len(_scratch_of(path)) == 3


def test_nothing_of_a_writer_at_work_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    rounds: list[list[Path]] = []

    def overtaken(_: int) -> None:
        if not rounds:
            rounds.append(_scratch_of(path))
            write_atomically(path, b"theirs")
            rounds.append(_scratch_of(path))

    monkeypatch.setattr(os, "fsync", overtaken)
    write_atomically(path, b"ours")
    assert len(rounds[0]) == 1
    assert rounds[0] == rounds[1]
    assert path.read_bytes() == b"ours"
    assert not _scratch_of(path)


def test_a_writer_whose_scratch_file_is_gone_writes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    removed: list[Path] = []

    def swept(_: int) -> None:
        if not removed:
            removed.extend(_scratch_of(path))
            removed[0].unlink()

    monkeypatch.setattr(os, "fsync", swept)
    write_atomically(path, b"ours")
    assert removed
    assert path.read_bytes() == b"ours"
    assert not _scratch_of(path)


def test_a_folder_whose_name_is_not_utf_8(tmp_path: Path) -> None:
    try:
        (tmp_path / "\udcff").mkdir()
    except OSError:
        pytest.skip("the file system takes no such name")
    simulated_outcomes(20, seed=0).write(tmp_path / "\udcff")
    assert len(list((tmp_path / "\udcff").iterdir())) == 2
