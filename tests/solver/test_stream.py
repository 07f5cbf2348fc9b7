"""A file of predictions is assigned like a batch in memory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from routoo.data.errors import InputError
from routoo.data.scores import Scores
from routoo.solver import stream
from routoo.solver.limits import ModelLimit
from routoo.solver.problem import Problem
from routoo.solver.solve import solve
from routoo.solver.stream import assign_parquet

MakeScores = Callable[[int, int, int], Scores]


@pytest.fixture
def scores(random_scores: MakeScores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scores:
    monkeypatch.setattr(stream, "_CHUNK", 300)
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
    assert {what for what, _, _ in told} == {"choosing", "writing"}
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
