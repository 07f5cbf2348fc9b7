"""The journal: lines that survive, wherever their writer was killed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from routoo.collect.journal import Journal
from routoo.data.errors import InputError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.write("try", key="a", words="Zürich\nagain\u2028")
    journal.write("answer", key="b")
    journal.close()
    return journal.path


def test_what_was_written_is_read_back(path: Path) -> None:
    first, second = Journal(path).lines
    assert first == {"event": "try", "key": "a", "words": "Zürich\nagain\u2028"}
    assert second["event"] == "answer"


def test_wherever_it_is_cut_whole_lines_are_kept_and_more_can_be_written(path: Path) -> None:
    content = path.read_bytes()
    for at in range(len(content) + 1):
        path.write_bytes(content[:at])
        journal = Journal(path)
        assert len(journal.lines) == content[:at].count(b"\n")
        journal.write("run")
        journal.close()
        assert len(Journal(path).lines) == content[:at].count(b"\n") + 1


def test_a_line_that_is_damaged_is_named(path: Path) -> None:
    path.write_bytes(b"{]\n" + path.read_bytes())
    with pytest.raises(InputError, match=r"journal\.jsonl, line 1: damaged"):
        Journal(path)


def test_a_disk_that_is_full_leaves_no_part_of_a_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, write = Journal(path), os.write
    monkeypatch.setattr(os, "write", lambda handle, content: write(handle, content[:5]))
    with pytest.raises(OSError, match="no space left"):
        journal.write("answer", key="c")
    journal.close()
    assert len(Journal(path).lines) == 2


def test_nothing_is_written_without_a_line(tmp_path: Path) -> None:
    Journal(tmp_path / "journal.jsonl").close()
    assert not list(tmp_path.iterdir())


def test_one_run_at_a_time(path: Path) -> None:
    first, second = Journal(path), Journal(path)
    first.write("run")
    with pytest.raises(InputError, match="another run writes it"):
        second.write("run")
    with pytest.raises(InputError, match="another run writes it"):
        Journal(path).write("run")
    first.close()
    Journal(path).write("run")
    assert len(Journal(path).lines) == 4


def test_a_journal_that_was_begun_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    first, second = (Journal(tmp_path / "journal.jsonl") for _ in range(2))
    first.write("run")
    with pytest.raises(InputError, match="another run writes it"):
        second.write("run")
    first.close()
    with pytest.raises(InputError, match="another run writes it"):
        second.write("run")
