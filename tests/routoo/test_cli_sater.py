"""`routoo sater train`: a member is trained and written as a pool."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from toy import toy_model, toy_prompts
from typer.testing import CliRunner

from routoo.cli import app
from routoo.data.pool import Pool

POOL = """\
[[model]]
name = "toy"
usd_per_1m_input = 1
usd_per_1m_output = 2
[model.call]
kind = "local"
model = "{model}"
dtype = "float32"
max_tokens = 40
"""

GRADER = """\
def even(answer, reference):
    return sum(map(ord, answer)) % 2 == 0
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pool with a toy that was hardly trained, prompts, and a grader that half of its answers pass."""
    place = tmp_path_factory.mktemp("sater")
    (place / "pool.toml").write_text(POOL.format(model=toy_model(place / "toy", steps=60)))
    (place / "grader.py").write_text(GRADER)
    toy_prompts(12).drop("grader", "level").write_csv(place / "prompts.csv")
    return place


def _run(place: Path, *flags: str) -> Any:
    given = ["prompts.csv", "--pool", "pool.toml", "--member", "toy", "--grader", "grader.py:even"]
    few = ["--samples", "4", "--temperature", "0.9", "--lessons", "30", "--pairs", "8"]
    given = [str(place / word) if (place / word.split(":")[0]).is_file() else word for word in given]
    return CliRunner().invoke(app, ["sater", "train", *given, *few, *flags])


def test_a_member_is_trained_and_written(place: Path) -> None:
    done = _run(place, "-o", str(place / "out"))
    assert done.exit_code == 0, done.output
    assert "toy-short" in done.stdout
    assert Pool.read(place / "out" / "pool.toml").names[:3] == ("toy", "toy-short", "toy-sater@0.1")
    again = _run(place, "-o", str(place / "out"), "-q")
    assert (again.exit_code, again.stdout, again.stderr) == (0, done.stdout, "")
    other = _run(place, "-o", str(place / "out"), "--seed", "1")
    assert other.exit_code == 2
    assert "a run with other settings" in other.stderr


def test_columns_and_separators_are_as_said(place: Path) -> None:
    (place / "odd.csv").write_text("q;answer\nsay 3;3\n")
    flags = ["--columns", "prompt=q", "--separator", ";", "--grader", "exact", "-o", str(place / "odd")]
    call = ["sater", "train", str(place / "odd.csv"), "--pool", str(place / "pool.toml"), "--member", "toy"]
    done = CliRunner().invoke(app, [*call, *flags])
    assert done.exit_code == 2
    assert "none of 1 prompts has a right answer" in done.stderr
