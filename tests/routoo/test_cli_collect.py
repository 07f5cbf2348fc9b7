"""`routoo collect` from recorded answers: each of its flags, and what it says."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import Result

from routoo.collect.standing import ModelStanding, Standing
from routoo.commands import collecting
from routoo.commands.collecting import in_words, watched
from routoo.data.outcomes import Outcomes
from routoo.members.recorded import RecordedModel

Routoo = Callable[..., Result]
POOL = """
[[model]]
name = "{name}"
usd_per_1m_input = 1
usd_per_1m_output = 1
[model.call]
kind = "recorded"
model = "answers.parquet"
temperature = 1.0
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with prompts, a pool, and what its models answer, as the working directory."""
    ids = [f"q{n}" for n in range(6)]
    rows = [
        {
            "prompt_id": name,
            "model": model,
            "sample": sample,
            "answer": str(n if model == "large" else 3) if sample == 0 else "none",
            "cost_usd": 0.25,
            "latency_s": 1.5,
            "signal_refusal": 0.0,
        }
        for n, name in enumerate(ids)
        for model in ("small", "large")
        for sample in (0, 1)
    ]
    pl.DataFrame(rows).write_parquet(tmp_path / "answers.parquet")
    (tmp_path / "pool.toml").write_text(POOL.format(name="small") + POOL.format(name="large"))
    prompts = [
        {"prompt_id": name, "prompt": f"Which is {n}?", "answer": str(n), "domain": "ab"[n % 2]}
        for n, name in enumerate(ids)
    ]
    (tmp_path / "prompts.jsonl").write_text("\n".join(map(json.dumps, prompts)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def collect(here: Path, routoo: Routoo) -> Routoo:
    """Runs the command on these, with a budget and a grader unless others are given."""

    def run(*further: object, prompts: str = "prompts.jsonl", stdin: str | None = None) -> Result:
        given = list(further)
        defaults = {"--budget-usd": 9, "--grader": "number", "--pool": "pool.toml"}
        defaults |= {} if "--output" in given else {"-o": "out"}
        for flag, value in defaults.items():
            given += [] if flag in given else [flag, value]
        return routoo("collect", prompts, *given, stdin=stdin)

    return run


def said(result: Result) -> dict[str, Any]:  # Any: values of JSON
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_it_ends_with_what_came_and_what_to_run_next(collect: Routoo) -> None:
    result = collect()
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["small", "6", "6", "0", "0", "0.1667", "1.500", "1.50"] in lines
    assert ["large", "6", "6", "0", "0", "1.0000", "1.500", "1.50"] in lines
    assert "out: 3.000 of 9.000 USD spent" in result.stdout
    assert result.stdout.splitlines()[-1] == "next: routoo train out -o PREDICTOR"


def test_what_it_wrote_is_what_the_next_command_reads(collect: Routoo, routoo: Routoo) -> None:
    collect("--output", "elsewhere")
    inspected = routoo("data", "inspect", "elsewhere")
    assert "6 prompts" in inspected.stdout, inspected.stderr
    assert routoo("pool", "show", "elsewhere/pool.toml").exit_code == 0


def test_a_budget_that_is_spent_is_said_with_what_goes_on(collect: Routoo) -> None:
    result = collect("--budget-usd", 1)
    assert result.exit_code == 0
    assert "calls not made: the budget is spent" in result.stdout
    assert "to go on, with a larger --budget-usd where it is spent: routoo" in result.stdout
    assert said(collect("--budget-usd", 9, "--json"))["complete"]


def test_reasons_are_counted_by_model(collect: Routoo) -> None:
    result = collect("--grader", "regex:pattern=.", "--samples", 3)
    assert "small: 6 answers without a score: no answer to it was recorded" in result.stdout


def test_samples_are_averaged(collect: Routoo, here: Path) -> None:
    collect("--samples", 2, "--grader", "exact")
    scores = Outcomes.read(here / "out").select(["large"]).outcomes["score"]
    assert scores.to_list() == [0.5] * 6


def test_a_sample_is_drawn_by_its_seed(collect: Routoo, here: Path) -> None:
    def asked(seed: int) -> frozenset[str]:
        assert said(collect("--sample", 2, "--seed", seed, "-o", f"by-{seed}", "--json"))["complete"]
        return frozenset(Outcomes.read(here / f"by-{seed}").prompt_ids)

    drawn = [asked(seed) for seed in range(4)]
    assert {len(names) for names in drawn} == {2}
    assert len(set(drawn)) > 1
    assert all({int(name[1:]) % 2 for name in names} == {0, 1} for names in drawn)


def test_signals_are_read_where_they_are_asked_for(collect: Routoo, here: Path) -> None:
    collect("-o", "plain")
    collect("-o", "read", "--signal", "refusal")
    assert "signal_refusal" not in Outcomes.read(here / "plain").outcomes.columns
    assert Outcomes.read(here / "read").outcomes["signal_refusal"].to_list() == [0.0] * 12


@pytest.mark.parametrize(
    ("flags", "mark"), [(["--columns", "prompt=question,answer=right"], ","), (["--separator", "bar"], "|")]
)
def test_files_are_read_as_elsewhere(collect: Routoo, here: Path, flags: list[str], mark: str) -> None:
    heading = ("question", "right") if mark == "," else ("prompt", "answer")
    rows = [("prompt_id", *heading), ("q1", "Which is 1?", "1"), ("q2", "Which is 2?", "2")]
    (here / "mine.csv").write_text("\n".join(map(mark.join, rows)))
    found = said(collect(*flags, "--json", prompts="mine.csv"))
    assert found["models"]["large"]["mean_score"] == 1.0


def test_prompts_may_come_on_standard_input(collect: Routoo, here: Path) -> None:
    lines = (here / "prompts.jsonl").read_text()
    assert said(collect("--json", prompts="-", stdin=lines))["models"]["large"]["scored"] == 6


def test_progress_is_said_in_lines_unless_all_is_quiet(
    collect: Routoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "LINE_EVERY_S", 0.0)
    assert "12 of 12 calls, 3.000 of 9.000 USD" in collect().stderr
    assert collect("-o", "quiet", "-q").stderr == ""


def test_on_a_terminal_it_is_a_table_by_model(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(collecting, "is_watched", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    small = ModelStanding(4, answered=3, failed=1, spent_usd=0.5)
    with watched() as tell:
        assert tell is not None
        tell(Standing({"small": small}, 0.5, 20.0, seconds=10.0))
    drawn = capsys.readouterr().err
    assert "4 of 4" in drawn
    assert "0.5000 of 20.00 USD" in drawn


def test_what_is_to_come_is_that_of_calls_like_those_that_were_made() -> None:
    fast = ModelStanding(20, before=10, answered=15, spent_usd=1.0)
    slow = ModelStanding(20, answered=2, failed=2, spent_usd=4.0)
    off = ModelStanding(20, answered=1, stopped="the budget is spent")
    standing = Standing({"fast": fast, "slow": slow, "off": off}, 5.0, 20.0, seconds=10.0)
    assert standing.usd_to_come == 15.0  # 5 calls at 0.2 and 16 at 1 would be 17
    assert standing.seconds_to_come == 40.0
    assert "and 40 s" in in_words(standing)
    assert Standing({"new": ModelStanding(5)}, 0.0, 1.0, seconds=1.0).seconds_to_come is None


def test_after_an_interrupt_it_says_how_to_go_on(
    collect: Routoo, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_one = RecordedModel.answer_one

    async def interrupted(self: RecordedModel, *given: Any, **options: Any) -> Any:  # Any: passed on
        os.kill(os.getpid(), signal.SIGINT)
        monkeypatch.setattr(RecordedModel, "answer_one", answer_one)
        return await answer_one(self, *given, **options)

    monkeypatch.setattr(RecordedModel, "answer_one", interrupted)
    result = collect()
    assert result.exit_code == 130
    assert "stopping: calls in flight are waited for" in result.stderr
    assert "interrupted; to go on: routoo" in result.stderr
    assert said(collect("--json"))["complete"]


REFUSED = {
    "no grader": (["--grader", "no"], "no grader is called 'no'"),
    "no money": (["--budget-usd", -1], "budget_usd must be a finite number"),
    "no sample": (["--sample", 0], "sample must be a whole number of at least 1"),
    "no such file": (["--pool", "other.toml"], "other.toml"),
}


@pytest.mark.parametrize(("flags", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused(collect: Routoo, here: Path, flags: list[str], words: str) -> None:
    result = collect(*flags)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not (here / "out").exists()
