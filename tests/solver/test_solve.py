"""The contract that every backend keeps, on instances small enough to try every answer."""

import re
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.data.assignment import Assignment
from routoo.data.errors import InputError
from routoo.data.scores import Scores
from routoo.solver.limits import LatencyTail, ModelLimit
from routoo.solver.problem import Problem
from routoo.solver.solve import BACKENDS, solve


def random_scores(seed: int, n: int, m: int) -> Scores:
    rng = np.random.default_rng(seed)
    return Scores(
        rng.random((n, m)).astype(np.float32),
        rng.lognormal(-6, 1, (n, m)).astype(np.float32),
        rng.gamma(2, 1, (n, m)).astype(np.float32),
        models=tuple(f"model {j}" for j in range(m)),
        output_tokens=rng.integers(1, 500, (n, m)).astype(np.float32),
        input_tokens=np.full((n, m), 20, np.float32),
    )


def budget_between(scores: Scores, share: float) -> float:
    """A budget at this share of the way from the cheapest assignment to the dearest."""
    cost = scores.cost_usd.astype(np.float64)
    return float(cost.min(1).sum() + share * (cost.max(1).sum() - cost.min(1).sum()))


def brute_force(scores: Scores, budget: float) -> float:
    """The most score of any assignment within the budget."""
    rows = np.arange(len(scores))
    choices = (np.array(c) for c in product(range(len(scores.models)), repeat=len(scores)))
    cost = scores.cost_usd.astype(np.float64)
    return max(
        float(scores.p_correct[rows, c].sum(dtype=np.float64))
        for c in choices
        if cost[rows, c].sum() <= budget
    )


def assert_keeps(problem: Problem, plan: Assignment) -> None:
    assert plan.found
    assert len(plan) == len(problem)
    assert set(plan.choice.tolist()) <= set(range(len(problem.scores.models)))
    for use in plan.limits:
        slack = 1e-12 * abs(use.limit)
        assert use.used >= use.limit - slack if use.floor else use.used <= use.limit + slack, use
    if problem.goal == "score":
        assert plan.objective <= plan.bound
    else:
        assert plan.objective >= plan.bound


@pytest.mark.parametrize("solver", BACKENDS)
@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.6, 1.0])
def test_brute_force_confirms_every_backend(solver: str, share: float) -> None:
    scores = random_scores(1, 6, 3)
    budget = budget_between(scores, share)
    problem = Problem(scores=scores, budget_usd=budget)
    plan = solve(problem, solver=solver)
    assert_keeps(problem, plan)
    assert plan.status == "optimal"
    assert plan.objective == pytest.approx(brute_force(scores, budget), abs=1e-12)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 200), st.integers(1, 8), st.floats(0, 1))
def test_greedy_comes_within_one_prompt_of_exact(seed: int, n: int, m: int, share: float) -> None:
    scores = random_scores(seed, n, m)
    problem = Problem(scores=scores, budget_usd=budget_between(scores, share))
    greedy, exact = solve(problem, solver="greedy"), solve(problem, solver="exact", time_limit_s=10)
    assert_keeps(problem, greedy)
    assert_keeps(problem, exact)
    assert exact.objective - 1.0 <= greedy.objective <= exact.bound + 1e-9
    assert greedy.bound >= exact.objective - 1e-9


@pytest.mark.parametrize("solver", BACKENDS)
def test_least_cost_at_a_floor_is_the_budget_problem_turned_round(solver: str) -> None:
    scores = random_scores(2, 40, 4)
    problem = Problem(scores=scores, min_mean_score=0.6)
    plan = solve(problem, solver=solver)
    assert_keeps(problem, plan)
    assert plan.score >= 0.6 * 40
    back = solve(Problem(scores=scores, budget_usd=plan.cost_usd), solver=solver)
    assert back.score >= plan.score - 1e-9


@pytest.mark.parametrize("solver", BACKENDS)
@pytest.mark.parametrize(
    "limits",
    [
        {"max_mean_latency_s": 1.2},
        {"latency_tail": LatencyTail(above_s=3, max_share=0.1)},
        {"model_limits": {"model 1": ModelLimit(max_requests=3)}},
        {"model_limits": {"model 1": ModelLimit(budget_usd=0.002)}},
        {"model_limits": {"model 1": ModelLimit(max_tokens=800)}},
        {"model_limits": {"model 1": ModelLimit(max_concurrency=0.5)}, "period_s": 10.0},
        {
            "max_cost_usd": 0.004,
            "max_latency_s": np.linspace(2, 4, 40),
            "allowed": ["model 0", "model 2", "model 3"],
        },
    ],
    ids=str,
)
def test_one_limit_of_any_kind(solver: str, limits: dict[str, object]) -> None:
    scores = random_scores(3, 40, 4)
    problem = Problem(scores=scores, **limits)  # type: ignore[arg-type]  # the table mixes kinds
    plan = solve(problem, solver=solver)
    if "max_cost_usd" in limits:
        assert plan.reason is not None
        assert re.search(r"prompt \d+, counted from 0, ", plan.reason)
        return
    assert_keeps(problem, plan)
    free = solve(Problem(scores=scores), solver=solver)
    assert plan.objective < free.objective, "the limit was meant to bind"


@pytest.mark.parametrize("solver", BACKENDS)
def test_too_small_a_budget_says_the_least_that_would_do(solver: str) -> None:
    scores = random_scores(4, 20, 3)
    plan = solve(Problem(scores=scores, budget_usd=1e-5), solver=solver)
    assert plan.status == "infeasible"
    assert plan.reason is not None
    assert "budget_usd" in plan.reason
    assert plan.least_budget_usd == pytest.approx(budget_between(scores, 0.0))
    assert solve(Problem(scores=scores, budget_usd=plan.least_budget_usd), solver=solver).found
    assert plan.to_polars()["model"].null_count() == 20


@pytest.mark.parametrize("solver", BACKENDS)
def test_the_order_of_prompts_does_not_matter_and_answers_repeat(solver: str) -> None:
    scores = random_scores(5, 60, 5)
    problem = Problem(scores=scores, budget_usd=budget_between(scores, 0.1))
    plan, again = solve(problem, solver=solver), solve(problem, solver=solver)
    assert plan.choice.tolist() == again.choice.tolist()
    order = np.random.default_rng(0).permutation(60)
    turned = solve(Problem(scores=scores.rows(order), budget_usd=problem.budget_usd), solver=solver)
    assert turned.objective == pytest.approx(plan.objective, rel=1e-6)


@pytest.mark.parametrize("solver", BACKENDS)
def test_weights_count(solver: str) -> None:
    scores = random_scores(6, 12, 3)
    weights = np.array([10.0] * 6 + [1.0] * 6)
    problem = Problem(scores=scores, budget_usd=budget_between(scores, 0.05), weights=weights)
    plan = solve(problem, solver=solver)
    assert_keeps(problem, plan)
    assert plan.chosen_p_correct is not None
    assert plan.objective == pytest.approx(float(weights @ plan.chosen_p_correct))
    even = solve(Problem(scores=scores, budget_usd=problem.budget_usd), solver=solver)
    assert even.chosen_p_correct is not None
    assert plan.chosen_p_correct[:6].sum() >= even.chosen_p_correct[:6].sum()


def test_the_door_refuses_in_words() -> None:
    scores = random_scores(7, 5, 2)
    problem = Problem(scores=scores, budget_usd=1.0)
    with pytest.raises(InputError, match=r"solver must be one of auto, .*, got 'magic'"):
        solve(problem, solver="magic")
    with pytest.raises(InputError, match="colour"):
        solve(problem, solver="greedy", colour="red")
    several = Problem(scores=scores, budget_usd=1.0, max_mean_latency_s=1.0)
    with pytest.raises(InputError, match="cannot keep these limits"):
        solve(several, solver="greedy")
    with pytest.raises(InputError, match="time_limit_s"):
        solve(problem, solver="exact", time_limit_s=0.0)


def test_exact_stops_by_the_clock_with_what_it_has(
    assert_kept: Callable[[Problem, Assignment], None],
) -> None:
    scores = random_scores(8, 1500, 8)
    problem = Problem(scores=scores, budget_usd=budget_between(scores, 0.1), max_mean_latency_s=1.4)
    for seconds in (1e-3, 1.0):
        plan = solve(problem, solver="exact", time_limit_s=seconds, gap=0.0)
        if plan.found:
            assert_kept(problem, plan)
        else:
            assert plan.status == "unsolved"
            assert "give more time" in str(plan.reason)
