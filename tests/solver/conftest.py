"""Random problems, the same for the same seed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from routoo.data.assignment import Assignment
from routoo.data.scores import Scores
from routoo.solver.limits import DomainLimit, LatencyTail, ModelLimit
from routoo.solver.problem import Problem


def make_scores(seed: int, n: int, m: int) -> Scores:
    rng = np.random.default_rng(seed)
    return Scores(
        rng.random((n, m)).astype(np.float32),
        rng.lognormal(-6, 1, (n, m)).astype(np.float32),
        rng.gamma(2, 1, (n, m)).astype(np.float32),
        models=tuple(f"model {j}" for j in range(m)),
        output_tokens=rng.integers(1, 500, (n, m)).astype(np.float32),
        input_tokens=rng.integers(1, 100, (n, m)).astype(np.float32),
    )


def between(
    least_per_row: npt.NDArray[np.floating], most_per_row: npt.NDArray[np.floating], share: float
) -> float:
    """A sum at this share of the way from the least to the most."""
    least, most = (float(values.sum(dtype=np.float64)) for values in (least_per_row, most_per_row))
    return least + share * (most - least)


def make_problem(seed: int) -> Problem:
    """A small problem with any mix of limits, some of them out of reach."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 25)), int(rng.integers(2, 6))
    scores = make_scores(seed, n, m)
    cost, latency = scores.cost_usd, scores.latency

    def happens(chance: float) -> bool:
        return bool(rng.random() < chance)

    def somewhere(values: npt.NDArray[np.floating], low: float, high: float) -> float:
        return between(values.min(1), values.max(1), float(rng.uniform(low, high)))

    fields: dict[str, Any] = {"period_s": 10.0}  # Any: many kinds
    if happens(0.6):
        fields["budget_usd"] = somewhere(cost, -0.02, 0.5)
    if happens(0.4):
        fields["max_mean_latency_s"] = somewhere(latency, -0.02, 0.5) / n
    if happens(0.3):
        fields["latency_tail"] = LatencyTail(
            above_s=float(rng.uniform(1, 4)), max_share=float(rng.uniform(0, 0.6))
        )
    if happens(0.3):
        fields["min_mean_score"] = float(rng.uniform(0.3, 0.9))
    if happens(0.3):
        fields["weights"] = rng.uniform(0, 3, n)
    if happens(0.15):
        fields["max_cost_usd"] = float(np.quantile(cost, 0.9))
    if happens(0.15):
        fields["max_latency_s"] = rng.uniform(2, 8, n)
    fields["model_limits"] = {
        name: ModelLimit(
            max_requests=int(rng.integers(0, n + 1)) if happens(0.25) else None,
            max_tokens=float(rng.uniform(0, 150 * n)) if happens(0.1) else None,
            budget_usd=float(rng.uniform(0, cost.mean() * n / 2)) if happens(0.1) else None,
            max_concurrency=float(rng.uniform(0, latency.mean() * n / 10)) if happens(0.1) else None,
        )
        for name in scores.models
    }
    if happens(0.3):
        domains = [("a", "b", None)[at] for at in rng.integers(0, 3, n)]
        fields["domains"] = domains
        fields["domain_limits"] = {
            name: DomainLimit(
                budget_usd=somewhere(cost[[label == name for label in domains]], 0, 0.6)
                if happens(0.5)
                else None,
                min_mean_score=float(rng.uniform(0.2, 0.8)) if happens(0.5) else None,
            )
            for name in ("a", "b")
            if name in domains
        }
    return Problem(scores=scores, **fields)


def check_kept(problem: Problem, plan: Assignment) -> None:
    """Every prompt has one open model, and every limit holds."""
    assert plan.found, plan.reason
    rows = problem.rows(slice(None))
    assert len(plan.choice) == len(problem)
    assert ((plan.choice >= 0) & (plan.choice < len(problem.scores.models))).all()
    if rows.allowed is not None:
        assert rows.allowed[np.arange(len(problem)), plan.choice].all()
    for use in plan.limits:
        slack = 1e-12 * abs(use.limit)
        assert use.used >= use.limit - slack if use.floor else use.used <= use.limit + slack, use
    assert plan.objective <= plan.bound if problem.goal == "score" else plan.objective >= plan.bound


@pytest.fixture
def random_scores() -> Callable[[int, int, int], Scores]:
    return make_scores


@pytest.fixture
def random_problem() -> Callable[[int], Problem]:
    return make_problem


@pytest.fixture
def assert_kept() -> Callable[[Problem, Assignment], None]:
    return check_kept
