"""A budget that true costs keep: predicted cost and reserve within it, under any other limits."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from routoo.data.assignment import Assignment
from routoo.data.costs.cost_spread import CostSpread
from routoo.data.errors import InfeasibleError, InputError
from routoo.data.scores import Scores
from routoo.solver.limits import ModelLimit
from routoo.solver.problem import Problem
from routoo.solver.reserve import solve_with_reserve
from routoo.solver.solve import solve


def spread_for(scores: Scores, *, seed: int = 0, ratio: float = 1.1) -> CostSpread:
    """Every model costs more than predicted, some by more than others."""
    random = np.random.default_rng(seed)
    m = len(scores.models)
    return CostSpread(
        scores.models,
        500,
        ratio=ratio + 0.1 * random.random(m),
        error=0.05 * random.random(m),
        shared=0.3,
        misfit=0.01,
        variance=random.random(m),
        third=random.random(m),
    )


def needed(plan: Assignment, spread: CostSpread, confidence: float) -> float:
    assert plan.chosen_cost_usd is not None
    return plan.cost_usd + spread.reserve_usd(plan.choice, plan.chosen_cost_usd, confidence)


def test_the_budget_is_used_and_kept(random_scores: Callable[[int, int, int], Scores]) -> None:
    scores = random_scores(0, 400, 5)
    spread = spread_for(scores)
    most = float(scores.cost_usd[np.arange(400), scores.p_correct.argmax(1)].sum())
    before = np.inf
    for confidence in (0.5, 0.9, 0.95, 0.99):
        plan = solve_with_reserve(Problem(scores=scores, budget_usd=most / 2), spread, confidence)
        assert plan.reserve is not None
        assert plan.reserve.usd == pytest.approx(needed(plan, spread, confidence) - plan.cost_usd)
        assert 0.97 * most / 2 <= needed(plan, spread, confidence) <= most / 2 * (1 + 1e-9)
        assert plan.score <= before
        before = plan.score
        assert "true costs keep" in plan.summary()


def test_a_budget_that_nothing_reaches_changes_nothing(
    random_scores: Callable[[int, int, int], Scores],
) -> None:
    scores = random_scores(1, 100, 4)
    problem = Problem(scores=scores, budget_usd=1e6)
    plan = solve_with_reserve(problem, spread_for(scores), 0.95)
    np.testing.assert_array_equal(plan.choice, solve(problem).choice)


def test_costs_as_predicted_are_solved_as_ever(random_scores: Callable[[int, int, int], Scores]) -> None:
    scores = random_scores(2, 100, 4)
    zero = np.zeros(4)
    exact = CostSpread(scores.models, 50, np.ones(4), zero, 0.0, 0.0, zero, zero)
    problem = Problem(scores=scores, budget_usd=float(scores.cost_usd.min(1).sum()) * 2)
    plan = solve_with_reserve(problem, exact, 0.95)
    assert plan.reserve is not None
    assert plan.reserve.usd == 0
    np.testing.assert_array_equal(plan.choice, solve(problem).choice)


@pytest.mark.parametrize("seed", range(40))
def test_with_any_other_limits(
    seed: int,
    random_problem: Callable[[int], Problem],
    assert_kept: Callable[[Problem, Assignment], None],
) -> None:
    """What is answered keeps every limit; what is called the least that would do will do."""
    given = random_problem(seed)
    scores = given.scores
    spread = spread_for(scores, seed=seed)
    budget = given.budget_usd or 1.5 * float(scores.cost_usd.min(1).sum())
    problem = replace(given, budget_usd=budget)
    plan = solve_with_reserve(problem, spread, 0.95)
    if plan.found:
        assert_kept(problem, plan)
        assert needed(plan, spread, 0.95) <= budget * (1 + 1e-9)
        return
    assert plan.reason
    if plan.least_budget_usd is not None and solve(problem).found:
        enough = replace(problem, budget_usd=plan.least_budget_usd)
        fed_back = solve_with_reserve(enough, spread, 0.95)
        assert fed_back.found, fed_back.reason
        assert needed(fed_back, spread, 0.95) <= plan.least_budget_usd * (1 + 1e-9)


def test_what_cannot_be_kept_is_said_in_words(random_scores: Callable[[int, int, int], Scores]) -> None:
    scores = random_scores(3, 30, 3)
    least = float(scores.cost_usd.min(1).sum(dtype=np.float64))
    problem = Problem(scores=scores, budget_usd=least * 1.01)
    assert solve(problem).found
    plan = solve_with_reserve(problem, spread_for(scores), 0.95)
    with pytest.raises(InfeasibleError, match=r"too little at budget_confidence 0.95: .* would do") as caught:
        plan.or_raise()
    assert caught.value.least_budget_usd is not None
    assert caught.value.least_budget_usd > least * 1.1


def test_other_limits_that_cannot_hold_are_named_as_ever(
    random_scores: Callable[[int, int, int], Scores],
) -> None:
    scores = random_scores(4, 30, 2)
    caps = {name: ModelLimit(max_requests=10) for name in scores.models}
    plan = solve_with_reserve(
        Problem(scores=scores, budget_usd=10.0, model_limits=caps), spread_for(scores), 0.95
    )
    assert not plan.found
    assert plan.reason is not None
    assert "max_requests" in plan.reason


def test_a_budget_is_needed(random_scores: Callable[[int, int, int], Scores]) -> None:
    scores = random_scores(5, 10, 2)
    for budget in (None, float("inf")):
        with pytest.raises(InputError, match="give budget_usd"):
            solve_with_reserve(Problem(scores=scores, budget_usd=budget), spread_for(scores), 0.95)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.999, 1.001])
@pytest.mark.parametrize("capped", [False, True], ids=["budget alone", "with another limit"])
def test_the_least_budget_that_is_named_will_do(
    random_scores: Callable[[int, int, int], Scores], share: float, capped: bool
) -> None:
    scores = random_scores(5, 60, 4)
    spread = spread_for(scores)
    limits = {scores.models[0]: ModelLimit(max_requests=20)} if capped else {}
    problem = Problem(scores=scores, budget_usd=1e-9, model_limits=limits)
    cheapest = solve(problem).least_budget_usd
    assert cheapest is not None
    refused = solve_with_reserve(replace(problem, budget_usd=cheapest * share), spread, 0.95)
    assert not refused.found
    assert refused.least_budget_usd is not None
    again = solve_with_reserve(replace(problem, budget_usd=refused.least_budget_usd), spread, 0.95)
    assert again.found
