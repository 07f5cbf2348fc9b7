"""An infeasible problem is told which limits fight, and what would do."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from routoo.data.errors import InfeasibleError
from routoo.data.scores import Scores
from routoo.solver.limits import DomainLimit, ModelLimit
from routoo.solver.problem import Problem
from routoo.solver.results.conflict import conflict, most_served
from routoo.solver.results.infeasible import rounded
from routoo.solver.search.assign import assign
from routoo.solver.select import select
from routoo.solver.solve import solve
from routoo.solver.streaming import prediction_files
from routoo.solver.streaming.stream import assign_parquet
from routoo.solver.sums.passes import InMemory

MakeScores = Callable[[int, int, int], Scores]


def tight(scores: Scores) -> Problem:
    """A budget and a latency that hold alone but not together, and a cap that has nothing to do with it."""
    return Problem(
        scores=scores,
        budget_usd=float(scores.cost_usd.min(1).sum(dtype=np.float64)) * 1.02,
        max_mean_latency_s=float(scores.latency.min(1).mean()) * 1.02,
        model_limits={scores.models[0]: ModelLimit(max_requests=len(scores))},
    )


@pytest.mark.parametrize("n", [30, 1000])
@pytest.mark.parametrize("solver", ["dual", "exact"])
def test_a_conflict_is_named_and_the_least_budget_does(
    n: int, solver: str, random_scores: MakeScores
) -> None:
    problem = tight(random_scores(1, n, 4))
    plan = solve(problem, solver=solver)
    assert plan.status == "infeasible"
    assert plan.reason is not None
    assert "budget_usd" in plan.reason
    assert "max_mean_latency_s" in plan.reason
    assert "max_requests" not in plan.reason
    assert "cannot hold together: with the others kept, budget_usd" in plan.reason
    assert plan.least_budget_usd is not None
    assert solve(replace(problem, budget_usd=plan.least_budget_usd)).found
    assert solve(replace(problem, budget_usd=plan.least_budget_usd * 0.995)).status == "infeasible"


def test_without_any_limit_of_a_conflict_the_others_hold(random_scores: MakeScores) -> None:
    problem = replace(
        tight(random_scores(2, 25, 3)),
        domains=["x"] * 25,
        domain_limits={"x": DomainLimit(min_mean_score=0.6)},
    )
    together = conflict(InMemory(problem))
    assert len(together) >= 2
    for left_out in together:
        kept = tuple(limit for limit in together if limit is not left_out)
        found = assign(InMemory(problem, limits=kept, aim={}), tolerance=1e-6, time_limit_s=5.0)
        assert found.status == "solved"


def test_too_little_room_says_how_many_can_be_served(random_scores: MakeScores) -> None:
    scores = random_scores(3, 50, 3)
    caps = {name: ModelLimit(max_requests=10) for name in scores.models}
    problem = Problem(scores=scores, model_limits=caps, budget_usd=1e6)
    assert most_served(InMemory(problem)) == 30
    plan = solve(problem)
    assert plan.status == "infeasible"
    assert "at most 30 of the 50 prompts can be served" in str(plan.reason)
    assert "max_requests of model 0 30" in str(plan.reason)


def test_a_floor_out_of_reach_says_the_most(random_scores: MakeScores) -> None:
    scores = random_scores(4, 20, 3)
    plan = solve(Problem(scores=scores, min_mean_score=0.999))
    most = float(scores.p_correct.max(1).mean(dtype=np.float64))
    assert f"the most that any assignment reaches is {rounded(most, up=False)}" in str(plan.reason)


def test_several_limits_that_fail_alone_are_all_named_and_no_figure_of_one_is_said_to_do(
    random_scores: MakeScores,
) -> None:
    plan = solve(Problem(scores=random_scores(5, 20, 3), budget_usd=0.0, max_mean_latency_s=0.0))
    assert str(plan.reason).count("is too little: any assignment needs") == 2
    assert "would do" not in str(plan.reason)
    assert plan.least_budget_usd is None


def test_a_prompt_without_an_open_model_is_named(random_scores: MakeScores) -> None:
    scores = replace(random_scores(6, 4, 2), prompt_ids=list("abcd"))
    closed = np.ones((4, 2), np.bool_)
    closed[2] = False
    plan = solve(Problem(scores=scores, allowed=closed))
    assert plan.reason == "prompt 'c' is allowed no model"


def test_a_figure_for_all_prompts_is_of_the_one_most_in_need() -> None:
    scores = Scores(
        np.full((3, 2), 0.5), np.array([[0.01, 0.5], [0.03, 0.5], [0.03, 0.5]]), models=("a", "b")
    )
    assert solve(Problem(scores=scores, max_cost_usd=0.001)).reason == (
        "prompt 1, counted from 0, has no model within max_cost_usd 0.001: "
        "the least that would do for all prompts is 0.03 USD"
    )
    assert solve(Problem(scores=scores, max_cost_usd=[0.001, 0.002, 1])).reason == (
        "prompt 0, counted from 0, has no model within max_cost_usd 0.001: "
        "the least that would do is 0.01 USD"
    )


def test_the_other_limit_is_kept_or_both_must_be_raised() -> None:
    scores = Scores(
        np.full((2, 2), 0.5),
        np.array([[0.01, 0.5], [0.02, 0.4]]),
        np.array([[9.0, 1.0], [9.0, 1.0]]),
        models=("a", "b"),
    )
    assert solve(Problem(scores=scores, max_cost_usd=0.001, max_latency_s=2.0)).reason == (
        "prompt 0, counted from 0, has no model within max_cost_usd 0.001 and max_latency_s 2 together: "
        "the least max_cost_usd that would do for all prompts with max_latency_s kept is 0.5 USD"
    )
    assert solve(Problem(scores=scores, max_cost_usd=0.001, max_latency_s=0.5)).reason == (
        "prompt 0, counted from 0, has no model within max_cost_usd 0.001 and max_latency_s 0.5 together: "
        "raising one of them alone would not do"
    )


def test_a_prompt_that_no_figure_serves_is_named_first() -> None:
    scores = Scores(np.full((2, 1), 0.5), np.array([[0.01], [0.02]]), models=("m",), prompt_ids=["a", "b"])
    allowed = np.array([[True], [False]])
    plan = solve(Problem(scores=scores, max_cost_usd=0.001, allowed=allowed))
    assert plan.reason == "prompt 'b' is allowed no model"


def opens(scores: Scores, max_cost_usd: float, max_latency_s: float) -> bool:
    """Whether every prompt has a model within both limits."""
    within = (scores.cost_usd <= np.float32(max_cost_usd)) & (scores.latency <= np.float32(max_latency_s))
    return bool(within.any(axis=1).all())


def what_would_do(scores: Scores, reason: str, limits: dict[str, float]) -> str:
    """Holds a reason against trying every figure, and says what it came to."""
    figures = {"max_cost_usd": scores.cost_usd, "max_latency_s": scores.latency}
    least = {
        name: min(
            (float(v) for v in figures[name].ravel() if opens(scores, **{**limits, name: float(v)})),
            default=np.inf,
        )
        for name in limits
    }
    if reason.endswith("raising one of them alone would not do"):
        assert set(least.values()) == {np.inf}
        return "both"
    *_, printed, unit = reason.split()
    name = {"USD": "max_cost_usd", "s": "max_latency_s"}[unit]
    assert np.float32(printed) == np.float32(least[name])
    assert opens(scores, **{**limits, name: float(printed)})
    return name


def test_a_figure_as_it_is_printed_does_for_all_prompts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction_files, "CHUNK", 2)
    seen = set()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(1, 8))
        p, cost, latency = rng.random((3, n, 3), np.float32)
        cost *= np.float32(10) ** -rng.integers(0, 8)
        scores = Scores(p, cost.astype(np.float32), latency, models=("a", "b", "c"))
        limits = {
            "max_cost_usd": float(np.quantile(scores.cost_usd, rng.random())),
            "max_latency_s": float(rng.choice([rng.random() * 0.5, 1.0])),
        }
        fields: dict[str, Any] = {**limits}  # Any: fields by name
        reason = solve(Problem(scores=scores, **fields)).reason
        source = tmp_path / f"{seed}.parquet"
        scores.to_polars().write_parquet(source)
        streamed = assign_parquet(source, tmp_path / "choices.parquet", **fields).reason
        assert (reason is None) == (streamed is None) == opens(scores, **limits)
        if reason is None or streamed is None:
            continue
        seen.add(what_would_do(scores, reason, limits))
        assert what_would_do(scores, streamed, limits) in seen
        row = int(reason.split()[1].rstrip(",")) if n > 1 else 0
        assert f"prompt '{row}' " in streamed
        with pytest.raises(InfeasibleError, match="the prompt has no model within"):
            select(scores.rows(np.array([row])), **fields)
    assert seen == {"max_cost_usd", "max_latency_s", "both"}
