"""The door: light to open, errors leave as words and an exit code, and a closed pipe is no accident."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import Result

from routoo.cli import app
from routoo.data.errors import BundleError, InfeasibleError, InputError, MissingExtraError, RoutooError
from routoo.data.outcomes import Outcomes

Routoo = Callable[..., Result]
VERBS = ["demo", "data", "pool", "train", "export", "evaluate", "predict", "select", "assign"]


def test_it_says_its_version(routoo: Routoo) -> None:
    assert routoo("--version").stdout == f"routoo {version('routoo')}\n"


def test_help_lists_the_verbs_in_the_order_in_which_they_are_needed(routoo: Routoo) -> None:
    lines = routoo("--help").stdout.split("Commands")[1].splitlines()
    words = [line.strip("│ ").split(" ")[0] for line in lines]
    assert [word for word in words if word in VERBS] == VERBS


@pytest.mark.parametrize("verb", [*VERBS, "data inspect", "data split", "pool derive", "pool show"])
def test_every_verb_says_what_it_does(routoo: Routoo, verb: str) -> None:
    result = routoo(*verb.split(), "--help")
    assert result.exit_code == 0
    assert f"routoo {verb}" in result.stdout


def test_opening_the_door_loads_nothing_heavy() -> None:
    heavy = (
        "torch",
        "transformers",
        "lightning",
        "cvxpy",
        "polars",
        "onnxruntime",
        "altair",
        "scipy",
        "rich",
    )
    code = f"import sys, routoo.cli; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("mend it"), 2),
        (BundleError("mend it"), 2),
        (MissingExtraError("mend it"), 2),
        (InfeasibleError("mend it"), 3),
        (RoutooError("mend it"), 1),
        (PermissionError(errno.EACCES, "mend it"), 1),
        (KeyboardInterrupt("mend it"), 130),
    ],
)
def test_errors_leave_as_words_and_an_exit_code(
    routoo: Routoo, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    def read(*_: object, **__: object) -> Outcomes:
        raise error

    monkeypatch.setattr("routoo.data.formats.readers.read_frames", read)
    result = routoo("data", "inspect", "anything")
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", "routoo: mend it\n")


def test_an_interruption_without_words_gets_one(routoo: Routoo, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object, **__: object) -> Outcomes:
        raise KeyboardInterrupt

    monkeypatch.setattr("routoo.data.formats.readers.read_frames", read)
    assert routoo("data", "inspect", "anything").stderr == "routoo: interrupted\n"


def test_a_fault_of_the_program_keeps_its_trace(routoo: Routoo, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object, **__: object) -> Outcomes:
        raise ZeroDivisionError

    monkeypatch.setattr("routoo.data.formats.readers.read_frames", read)
    with pytest.raises(ZeroDivisionError):
        routoo("data", "inspect", "anything")


@pytest.mark.parametrize(
    "arguments", [["frob"], ["data", "inspect"], ["data", "inspect", "x", "--frob"], ["data", "frob"]]
)
def test_misuse_is_answered_with_2(routoo: Routoo, arguments: list[str]) -> None:
    result = routoo(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.parametrize("arguments", [["--help"], ["data", "inspect", "{data}", "--json"]])
def test_a_closed_pipe_leaves_no_trace(data_folder: Path, arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    code = "from routoo.cli import main; main()"
    command = [sys.executable, "-c", code, *(a.format(data=data_folder) for a in arguments)]
    try:
        result = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writer)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_full_disk_is_said_in_words(data_folder: Path) -> None:
    code = "from routoo.cli import main; main()"
    command = [sys.executable, "-c", code, "data", "inspect", str(data_folder)]
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (result.returncode, result.stderr) == (1, "routoo: No space left on device\n")


@pytest.mark.skipif(os.name != "posix", reason="only a POSIX shell closes a stream so")
def test_a_closed_output_is_no_fault(data_folder: Path) -> None:
    code = "from routoo.cli import main; main()"
    command = [sys.executable, "-c", code, "data", "inspect", str(data_folder)]
    closed = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    result = subprocess.run(closed, stderr=subprocess.PIPE, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_paragraph_of_help_is_a_line_that_the_terminal_wraps() -> None:
    commands: list[Any] = [typer.main.get_command(app)]
    paragraphs: list[str] = []
    for command in commands:
        commands += getattr(command, "commands", {}).values()
        paragraphs += (command.help or "").split("\n\n")[1:]  # typer joins the lines of the first itself
    assert len(commands) > len(paragraphs) > 2
    assert [paragraph for paragraph in paragraphs if "\n" in paragraph.strip()] == []


def test_flags_that_were_renamed_are_still_taken_and_no_longer_shown(routoo: Routoo) -> None:
    former = ("--trunk", "tiny", "--domain-weight", "0.2")
    assert "no such file or folder" in routoo("train", "nowhere", *former, "-o", "out").stderr
    assert not any(flag in routoo("train", "--help").stdout for flag in former[::2])
