"""Dual prices in words."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from routoo.data.scores import Scores
from routoo.solver.limits import LatencyTail, ModelLimit
from routoo.solver.problem import Problem
from routoo.solver.results.price_words import prices_in_words
from routoo.solver.solve import solve

MakeScores = Callable[[int, int, int], Scores]


def test_a_price_is_what_one_more_unit_buys(random_scores: MakeScores) -> None:
    scores = random_scores(1, 4000, 4)
    problem = Problem(scores=scores, budget_usd=12.0, model_limits={"model 1": ModelLimit(max_requests=500)})
    plan = solve(problem)
    money, slots = prices_in_words(plan)
    more = solve(replace(problem, budget_usd=12.05)).score - plan.score
    assert money.startswith("budget_usd: one more dollar buys ")
    assert float(money.split(" buys ")[1].split()[0]) == pytest.approx(20 * more, rel=0.03)
    assert slots.startswith("max_requests of model 1: 100 more requests is worth $")


def test_every_kind_of_price_has_words(random_scores: MakeScores) -> None:
    scores = random_scores(2, 500, 4)
    tail = solve(Problem(scores=scores, latency_tail=LatencyTail(above_s=2, max_share=0.05)))
    assert prices_in_words(tail)[0].startswith("latency_tail: 10 more slow prompts buys ")
    floor = solve(Problem(scores=scores, min_mean_score=0.7))
    assert prices_in_words(floor)[0].startswith(
        "min_mean_score: one more correct answer as the floor costs $"
    )
    assert prices_in_words(solve(Problem(scores=scores, budget_usd=0.0))) == []
