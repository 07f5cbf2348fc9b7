"""The frontier against single budgets."""

from collections.abc import Callable

import numpy as np
import pytest

from routoo.data.errors import InputError
from routoo.data.scores import Scores
from routoo.solver.problem import Problem
from routoo.solver.results.frontier import frontier
from routoo.solver.solve import solve

MakeScores = Callable[[int, int, int], Scores]


@pytest.mark.parametrize("weighted", [False, True])
def test_every_budget_reaches_what_the_frontier_says(weighted: bool, random_scores: MakeScores) -> None:
    scores = random_scores(1, 300, 5)
    weights = np.random.default_rng(0).uniform(0.5, 2, 300) if weighted else None
    curve = frontier(Problem(scores=scores, weights=weights, max_cost_usd=0.05), points=10_000)
    for budget in np.linspace(curve.cost_usd[0], curve.cost_usd[-1] * 1.1, 7):
        problem = Problem(scores=scores, weights=weights, max_cost_usd=0.05, budget_usd=float(budget))
        plan = solve(problem, solver="dual")
        assert plan.objective <= curve.score_at(budget) + 1e-9
        assert plan.objective >= curve.score_at(budget) - 2.0
        assert plan.prices.get("budget_usd", 0.0) == pytest.approx(curve.price_at(budget))


def test_corners_are_assignments(random_scores: MakeScores) -> None:
    scores = random_scores(2, 200, 4)
    curve = frontier(Problem(scores=scores), points=25)
    assert len(curve) == 25
    assert (np.diff(curve.cost_usd) > 0).all()
    assert (np.diff(curve.price) <= 0).all()
    assert curve.shares.sum(axis=1) == pytest.approx(1.0)
    for at in (0, 7, 24):
        plan = solve(Problem(scores=scores, budget_usd=float(curve.cost_usd[at]) * (1 + 1e-9)))
        assert plan.score == pytest.approx(float(curve.score[at]))
        shares = [plan.shares()[name] for name in scores.models]
        assert shares == pytest.approx(curve.shares[at].tolist(), abs=0.011)
    assert curve.cost_of(float(curve.score[7])) == pytest.approx(float(curve.cost_usd[7]))
    frame = curve.to_polars()
    assert frame.columns[:3] == ["budget_usd", "mean_score", "score_per_usd"]
    assert len(frame) == 25


def test_one_prompt_that_costs_nothing() -> None:
    scores = Scores(np.full((1, 1), 0.3, np.float32), np.zeros((1, 1), np.float32), models=("a",))
    curve = frontier(Problem(scores=scores))
    assert curve.cost_usd.tolist() == [0.0]
    assert curve.price_at(1.0) == 0.0


def test_what_cannot_be_drawn_is_refused(random_scores: MakeScores) -> None:
    scores = random_scores(3, 5, 2)
    with pytest.raises(InputError, match="leave out max_mean_latency_s"):
        frontier(Problem(scores=scores, max_mean_latency_s=1))
    with pytest.raises(InputError, match="points must be a whole number of at least 2, got 1"):
        frontier(Problem(scores=scores), points=1)
    with pytest.raises(InputError, match="no model within max_cost_usd"):
        frontier(Problem(scores=scores, max_cost_usd=1e-12))
    curve = frontier(Problem(scores=scores))
    with pytest.raises(InputError, match="the cheapest assignment costs"):
        curve.score_at(0.0)
    with pytest.raises(InputError, match="out of reach"):
        curve.cost_of(5.1)
