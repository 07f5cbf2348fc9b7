"""A share of the long run in every run of the tests, with a fresh seed that is said where it fails."""

import secrets
from pathlib import Path

import pytest
from odd_files import trial_of
from read_files import faults

from routoo.data.errors import InputError

FILES = 300


class _PanicError(BaseException):
    """As panics of libraries are: none of Exception."""


def test_odd_files_end_in_a_record_or_in_words(tmp_path: Path) -> None:
    seed = secrets.token_hex(4)
    seeds = [f"{seed}/{at}" for at in range(FILES)]
    wrong = {one: found for one in seeds if (found := faults(trial_of(one), tmp_path))}
    assert not wrong


def test_a_seed_makes_the_same_file_again() -> None:
    assert trial_of("a/1") == trial_of("a/1") != trial_of("a/2")


def test_errors_and_words_of_others_are_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def panics(*_: object, **__: object) -> None:
        raise _PanicError("index out of range")

    def tells(*_: object, **__: object) -> None:
        raise InputError("found more fields than defined in 'Schema'")

    monkeypatch.setattr("read_files.Outcomes.read", panics)
    monkeypatch.setattr("read_files.read_prompts", tells)
    found = faults(trial_of("a/1"), tmp_path)
    assert [words.partition(":")[0] for words in found] == ["_PanicError", "says 'Schema'"]
