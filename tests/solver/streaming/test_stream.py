"""A file of predictions is assigned like a batch in memory."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from routoo.data.errors import InputError, RoutooError
from routoo.data.scores import Scores
from routoo.solver.limits import ModelLimit
from routoo.solver.problem import Problem
from routoo.solver.solve import solve
from routoo.solver.streaming import prediction_files
from routoo.solver.streaming.stream import assign_parquet

MakeScores = Callable[[int, int, int], Scores]


@pytest.fixture
def scores(random_scores: MakeScores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scores:
    monkeypatch.setattr(prediction_files, "CHUNK", 300)
    found = random_scores(1, 1000, 4)
    found.to_polars().write_parquet(tmp_path / "predictions.parquet")
    return found


@pytest.mark.parametrize(
    "limits",
    [
        {"budget_usd": 2.5},
        {"min_mean_score": 0.6},
        {},
        {
            "budget_usd": 3.0,
            "max_mean_latency_s": 1.8,
            "model_limits": {"model 1": ModelLimit(max_requests=150)},
        },
        {"model_limits": {"model 1": ModelLimit(max_tokens=20_000)}},
    ],
    ids=str,
)
def test_a_file_is_assigned_like_a_batch(limits: dict[str, Any], scores: Scores, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    plan = assign_parquet(
        tmp_path / "predictions.parquet",
        tmp_path / "choices.parquet",
        progress=lambda *done: told.append(done),
        **limits,
    )
    whole = solve(Problem(scores=scores, **limits), solver="dual")
    assert plan.objective == pytest.approx(whole.objective, rel=1e-9)
    assert plan.bound == pytest.approx(whole.bound, rel=1e-9)
    assert plan.prices == pytest.approx(whole.prices)
    written = pl.read_parquet(tmp_path / "choices.parquet")
    assert written["prompt_id"].to_list() == [str(row) for row in range(1000)]
    assert written["model"].to_list() == plan.chosen
    assert written["cost_usd"].cast(pl.Float64).sum() == pytest.approx(plan.cost_usd)
    assert [use.used for use in plan.limits] == pytest.approx([use.used for use in whole.limits])
    assert told[-1] == ("writing", 1000, 1000)
    assert {what for what, _, _ in told} == {"reading", "writing"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["choices.parquet", "predictions.parquet"]


def test_what_is_infeasible_writes_nothing(scores: Scores, tmp_path: Path) -> None:
    source, target = tmp_path / "predictions.parquet", tmp_path / "choices.parquet"
    plan = assign_parquet(source, target, budget_usd=0.1)
    assert plan.status == "infeasible"
    assert plan.least_budget_usd == pytest.approx(scores.cost_usd.min(1).sum(dtype=np.float64))
    closed = assign_parquet(source, target, max_cost_usd=1e-9)
    assert "has no model within max_cost_usd" in str(closed.reason)
    fought = assign_parquet(source, target, budget_usd=1.5, max_mean_latency_s=0.9)
    assert "cannot hold together" in str(fought.reason)
    assert not target.exists()


def test_files_of_another_form_are_refused(scores: Scores, tmp_path: Path) -> None:
    frame = scores.to_polars()
    broken = {
        "stand together": frame.sort("model", maintain_order=True),
        "expected a row for each prompt and model": frame.head(-1),
        "expected columns prompt_id, model, p_correct, cost_usd": frame.drop("cost_usd"),
        "p_correct must lie in": frame.with_columns(pl.col("p_correct") + 1),
    }
    for words, wrong in broken.items():
        wrong.write_parquet(tmp_path / "broken.parquet")
        with pytest.raises(InputError, match=words):
            assign_parquet(tmp_path / "broken.parquet", tmp_path / "choices.parquet", budget_usd=1.0)
    (tmp_path / "broken.parquet").write_text("not a table")
    with pytest.raises(InputError, match="cannot be read as Parquet: damaged"):
        assign_parquet(tmp_path / "broken.parquet", tmp_path / "choices.parquet")
    with pytest.raises(InputError, match="no such file"):
        assign_parquet(tmp_path / "missing.parquet", tmp_path / "choices.parquet")
    with pytest.raises(InputError, match="weights: a file of predictions has no such columns"):
        assign_parquet(tmp_path / "predictions.parquet", tmp_path / "choices.parquet", weights=[1.0])


@pytest.fixture
def small(random_scores: MakeScores) -> pl.DataFrame:
    return random_scores(1, 700, 3).to_polars()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame.head(0), "expected a row for each prompt and model, found none"),
        (
            lambda frame: frame.with_columns(model=pl.lit(None, pl.String)),
            "expected each model once a prompt, by its name",
        ),
        (lambda frame: frame.with_columns(prompt_id=pl.lit(None, pl.String)), "expected each model once"),
        (lambda frame: frame.with_columns(prompt_id=pl.lit("same")), "expected each model once a prompt"),
        (
            lambda frame: pl.concat([frame, frame.slice(3, 3)]),
            "1 of 701 ids name several prompts, such as '1'",
        ),
        (lambda frame: frame.with_columns(model=pl.concat_list("model")), "model must be text"),
        (lambda frame: frame.with_columns(pl.col("p_correct").cast(pl.String)), "p_correct must be"),
        (lambda frame: frame.with_columns(cost_usd=pl.lit("free")), "cost_usd must be"),
        (lambda frame: frame.with_columns(latency_s=pl.lit("soon")), "latency_s must be"),
        (lambda frame: frame.with_columns(p_correct=pl.lit(None, pl.Float32)), "p_correct must lie in"),
        (lambda frame: frame.with_columns(cost_usd=pl.lit(float("inf"))), "cost_usd must lie in"),
        (
            lambda frame: frame.with_columns(model=pl.col("model").replace("model 1", None)),
            "expected each model once",
        ),
        (
            lambda frame: frame.with_columns(
                prompt_id=pl.when(pl.int_range(pl.len()) < 2097).then(pl.col("prompt_id"))
            ),
            "prompt_id must name every prompt, found nulls",
        ),
    ],
)
def test_odd_predictions_are_refused(
    small: pl.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[pl.DataFrame], pl.DataFrame],
    words: str,
) -> None:
    monkeypatch.setattr(prediction_files, "CHUNK", 300)
    monkeypatch.setattr(prediction_files, "MOST_MODELS", 4)
    change(small).write_parquet(tmp_path / "odd.parquet")
    with pytest.raises(InputError, match=words):
        assign_parquet(tmp_path / "odd.parquet", tmp_path / "choices.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["odd.parquet"]


def test_ids_of_other_types_are_read(small: pl.DataFrame, tmp_path: Path) -> None:
    for dtype in (pl.Int64, pl.Categorical):
        small.with_columns(
            pl.col("prompt_id").cast(dtype), pl.col("model").cast(pl.Categorical), latency_s=None
        ).write_parquet(tmp_path / "odd.parquet")
        assert assign_parquet(tmp_path / "odd.parquet", tmp_path / "choices.parquet").found


def test_damaged_predictions_are_refused_or_read(small: pl.DataFrame, tmp_path: Path) -> None:
    small.write_parquet(tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(100):
        broken = bytearray(whole)
        for at in rng.integers(len(whole), size=4):
            broken[at] ^= int(rng.integers(1, 256))
        (tmp_path / "broken.parquet").write_bytes(
            broken[: len(whole) if rng.random() < 0.5 else rng.integers(len(whole))]
        )
        try:
            assign_parquet(tmp_path / "broken.parquet", tmp_path / "choices.parquet")
        except InputError:
            refused += 1
    assert refused > 50


def test_a_pipe_of_predictions_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.parquet")
    with pytest.raises(InputError, match="not a regular file"):
        assign_parquet(tmp_path / "pipe.parquet", tmp_path / "choices.parquet")


def test_a_link_is_written_through_and_other_things_are_refused(small: pl.DataFrame, tmp_path: Path) -> None:
    small.write_parquet(tmp_path / "predictions.parquet")
    (tmp_path / "link.parquet").symlink_to("real.parquet")
    for _ in range(2):
        assign_parquet(tmp_path / "predictions.parquet", tmp_path / "link.parquet")
        assert (tmp_path / "link.parquet").is_symlink()
        assert len(pl.read_parquet(tmp_path / "real.parquet")) == 700
    os.mkfifo(tmp_path / "pipe.parquet")
    for odd in (tmp_path / "pipe.parquet", tmp_path):
        with pytest.raises(InputError, match=r"expected a (file|folder) to write, found"):
            assign_parquet(tmp_path / "predictions.parquet", odd)


def test_a_full_disk_leaves_the_old_choices(
    small: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.write_parquet(tmp_path / "predictions.parquet")
    (tmp_path / "choices.parquet").write_text("old")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with pytest.raises(RoutooError, match=r"choices\.parquet was not written: .*No space left on device"):
        assign_parquet(tmp_path / "predictions.parquet", tmp_path / "choices.parquet")
    assert (tmp_path / "choices.parquet").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2


_KILLED_AT = """
import os, signal, sys
from pathlib import Path
from routoo.solver.streaming.stream import assign_parquet

def kill(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[3] == "chunk":
    progress = lambda what, done, whole: what == "writing" and kill()
else:
    progress, Path.replace = None, kill
assign_parquet(Path(sys.argv[1]), Path(sys.argv[2]), progress=progress)
"""


@pytest.mark.parametrize("when", ["chunk", "end"])
def test_what_a_killed_writer_left_is_removed_by_the_next_one(
    small: pl.DataFrame, tmp_path: Path, when: str
) -> None:
    source, target = tmp_path / "predictions.parquet", tmp_path / f"{'a' * 200}.parquet"
    small.write_parquet(source)
    target.write_text("old")
    run = subprocess.run([sys.executable, "-c", _KILLED_AT, source, target, when], check=False)
    assert run.returncode == -signal.SIGKILL
    assert target.read_text() == "old"
    assert len(list(tmp_path.rglob("*.parquet"))) == (3 if when == "chunk" else 4), "something is left"
    assert assign_parquet(source, target).found
    assert len(pl.read_parquet(target)) == 700
    assert sorted(tmp_path.iterdir()) == [target, source]


def test_a_folder_that_is_missing_is_not_made(small: pl.DataFrame, tmp_path: Path) -> None:
    small.write_parquet(tmp_path / "predictions.parquet")
    with pytest.raises(RoutooError, match=r"was not written: .*No such file"):
        assign_parquet(tmp_path / "predictions.parquet", tmp_path / "missing" / "choices.parquet")
    assert len(list(tmp_path.iterdir())) == 1
