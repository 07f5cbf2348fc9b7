"""What a library raises and prints stays inside."""

import os

import pytest

from routoo.data.errors import InputError
from routoo.data.storage.foreign import in_our_words


class _PanicError(BaseException):
    """As panics of libraries are: none of Exception."""


@pytest.mark.parametrize("error", [ValueError("theirs"), _PanicError("theirs"), OSError("theirs")])
def test_errors_and_prints_of_a_library_stay_inside(
    error: BaseException, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        os.write(2, b"thread panicked at theirs")
        raise error

    with pytest.raises(InputError, match=r"^ours$") as caught, in_our_words("ours"):
        fail()
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert capfd.readouterr().err == ""


def test_what_is_printed_in_a_block_that_ends_well_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    with in_our_words("ours"), in_our_words("inner"):
        os.write(2, b"a word of somebody else")
    os.write(2, b", and more")
    assert capfd.readouterr().err == "a word of somebody else, and more"


def test_without_a_place_to_keep_prints_they_are_printed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def nowhere() -> None:
        raise FileNotFoundError

    monkeypatch.setattr("tempfile.TemporaryFile", nowhere)
    with in_our_words("ours"):
        os.write(2, b"a word")
    assert capfd.readouterr().err == "a word"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(2), MemoryError(), InputError("already")])
def test_what_is_no_fault_of_the_file_passes(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, in_our_words("ours"):
        raise error
    assert caught.value is error
