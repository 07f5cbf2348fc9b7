"""What is called optimal, infeasible or least is that, at any scale."""

import itertools
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from routoo.data.assignment import Assignment
from routoo.data.scores import Scores
from routoo.solver.limits import ModelLimit
from routoo.solver.problem import Problem
from routoo.solver.search import tree
from routoo.solver.search.milp import Milp
from routoo.solver.search.tree import search
from routoo.solver.solve import solve
from routoo.solver.sums.kinds import Kinds
from routoo.solver.sums.passes import InMemory, price_pass
from routoo.solver.sums.tally import kept, tally

MakeScores = Callable[[int, int, int], Scores]
Kept = Callable[[Problem, Assignment], None]


def least_cost(p: npt.NDArray[np.float32], cost: npt.NDArray[np.float32], floor: float, cap: int) -> float:
    """The least cost of any answer that reaches a floor and asks the last model at most `cap` times."""
    n, m = p.shape
    return min(
        math.fsum(float(cost[at, model]) for at, model in enumerate(choice))
        for choice in itertools.product(range(m), repeat=n)
        if choice.count(m - 1) <= cap
        and math.fsum(float(p[at, model]) for at, model in enumerate(choice)) >= floor * n
    )


@pytest.mark.parametrize("solver", ["dual", "exact"])
@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e9])
def test_optimal_means_optimal_in_any_unit(solver: str, unit: float) -> None:
    rng = np.random.default_rng(928)
    tokens = rng.integers(30, 200, 6)
    cost = (tokens[:, None] * np.array([0.02, 0.022, 0.025, 10.0]) * unit).astype(np.float32)
    p = np.round(rng.random((6, 4)), 2).astype(np.float32)
    plan = solve(
        Problem(
            scores=Scores(p, cost, models=("a", "b", "c", "d")),
            min_mean_score=0.55,
            model_limits={"d": ModelLimit(max_requests=2)},
        ),
        solver=solver,
    )
    least = least_cost(p, cost, 0.55, 2)
    assert plan.status == "optimal"
    assert plan.cost_usd == pytest.approx(least, rel=1e-12)
    assert plan.bound <= least


def test_the_least_budget_is_the_least_with_every_other_limit_kept() -> None:
    scores = Scores(np.tile([[0.9, 0.4]], (100, 1)), np.tile([[0.02, 0.001]], (100, 1)), models=("a", "b"))
    problem = Problem(scores=scores, budget_usd=0.05, model_limits={"b": ModelLimit(max_requests=10)})
    plan = solve(problem)
    assert plan.least_budget_usd == pytest.approx(1.81)
    assert "the least that would do is 1.81" in str(plan.reason)
    assert solve(replace(problem, budget_usd=plan.least_budget_usd)).found
    assert solve(replace(problem, budget_usd=1.81)).found


def test_a_budget_that_an_answer_meets_to_the_last_bit_is_met(random_scores: MakeScores) -> None:
    scores = random_scores(1, 7, 3)
    cost = scores.cost_usd.astype(np.float64)
    budget = math.fsum(cost.min(axis=1))
    caps = {"model 0": ModelLimit(max_requests=7)}
    assert solve(Problem(scores=scores, budget_usd=budget, model_limits=caps)).found
    short = solve(Problem(scores=scores, budget_usd=budget * (1 - 1e-11), model_limits=caps))
    assert short.status == "infeasible"


def two_limits(random_scores: MakeScores) -> Kinds:
    """The kinds of thirty prompts under a budget and a limit on mean latency."""
    scores = random_scores(2, 30, 4)
    problem = Problem(
        scores=scores,
        budget_usd=float(scores.cost_usd.min(1).sum()) * 1.3,
        max_mean_latency_s=float(scores.latency.min(1).mean()) * 2.5,
    )
    kinds = Kinds.of(InMemory(problem))
    assert kinds is not None
    return kinds


def test_what_is_not_proved_is_not_called_infeasible(
    random_scores: MakeScores, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = two_limits(random_scores)
    assert search(kinds).status == "solved"
    monkeypatch.setattr(Milp, "branched", lambda *_, **__: None)
    monkeypatch.setattr(tree, "MOST_LISTED", 1)
    stopped = search(kinds, most_steps=1)
    assert stopped.status == "unsolved"
    assert stopped.bound >= search(kinds).bound


def test_a_search_that_runs_out_of_steps_claims_no_more_than_it_proved(random_scores: MakeScores) -> None:
    kinds = two_limits(random_scores)
    whole = search(kinds)
    assert whole.counts is not None
    best = float((kinds.value * whole.counts).sum())
    assert whole.bound == pytest.approx(best, rel=1e-8)
    bounds = [search(kinds, most_steps=steps).bound for steps in (1, 5_000, 20_000)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[0] > best * (1 + 1e-8)
    assert min(bounds) >= best


@pytest.mark.parametrize("solver", ["dual", "exact"])
@pytest.mark.parametrize("short", [1e-9, 1e-6])
def test_a_limit_that_fails_alone_by_next_to_nothing_is_called_infeasible(solver: str, short: float) -> None:
    rng = np.random.default_rng(71)
    p = rng.random((3000, 3), np.float32)
    cost = np.broadcast_to(np.array([0.0016, 0.2, 0.03], np.float32), p.shape)
    scores = Scores(p, cost, models=("small", "large", "middle"))
    caps = {"large": ModelLimit(max_requests=1000), "middle": ModelLimit(max_requests=2000)}
    least = math.fsum(scores.cost_usd.min(axis=1).tolist())
    problem = Problem(scores=scores, budget_usd=least * (1 - short), model_limits=caps)
    plan = solve(problem, solver=solver)
    assert plan.status == "infeasible"
    assert plan.least_budget_usd is not None
    assert solve(replace(problem, budget_usd=plan.least_budget_usd), solver="dual").found


def test_a_bound_holds_though_amounts_span_a_factor_of_a_billion() -> None:
    rng = np.random.default_rng(3)
    cost = (10 ** rng.uniform(-9, 0, (6, 3))).astype(np.float32)
    prompts = InMemory(
        Problem(scores=Scores(rng.random((6, 3), np.float32), cost, models=("a", "b", "c")), budget_usd=0.01)
    )
    value = np.array(prompts.problem.scores.p_correct, np.float64)
    best = max(
        math.fsum(value[range(6), choice])
        for choice in itertools.product(range(3), repeat=6)
        if kept(prompts, np.array(choice, np.int32)) is not None
    )
    for price in (0.0, 1.0, 30.0, 1e6, 1e12):
        assert price_pass(prompts, np.array([price])).bound >= best


def test_sums_are_rounded_once(random_scores: MakeScores) -> None:
    scores = random_scores(4, 9000, 3)
    scores.cost_usd[::7] *= 1e9
    prompts = InMemory(Problem(scores=scores, budget_usd=1.0))
    choice = np.random.default_rng(4).integers(0, 3, 9000).astype(np.int32)
    amounts = scores.cost_usd[np.arange(9000), choice].astype(np.float64)
    assert tally(prompts, choice).uses.item() == math.fsum(amounts)


def many_limits(scores: Scores) -> Problem:
    """A budget, a mean latency that does not bind, and a cap on every model."""
    n, m = scores.p_correct.shape
    return Problem(
        scores=scores,
        budget_usd=0.7 * n * float(scores.cost_usd.mean()),
        max_mean_latency_s=3.0,
        model_limits={name: ModelLimit(max_requests=int(1.6 * n / m)) for name in scores.models},
    )


@pytest.mark.parametrize("steps", [1, 2, 100])
def test_ties_are_no_harder_than_other_scores(steps: int, assert_kept: Kept) -> None:
    rng = np.random.default_rng(1)
    n, m = 80_000, 6
    skill = np.linspace(-1, 2, m) - rng.normal(0, 1.3, (n, 1)) + rng.normal(0, 0.5, (n, m))
    p = np.round(steps / (1 + np.exp(-skill))) / steps
    cost = np.tile(np.geomspace(1e-4, 1e-2, m), (n, 1))
    scores = Scores(
        p.astype(np.float32),
        cost.astype(np.float32),
        rng.lognormal(0.5, 0.5, (n, m)).astype(np.float32),
        tuple("abcdef"),
    )
    problem = many_limits(scores)
    plan = solve(problem)
    assert_kept(problem, plan)
    assert plan.gap <= 1e-5


def test_a_prompt_from_a_template_a_hundred_thousand_times_is_one_kind(assert_kept: Kept) -> None:
    rng = np.random.default_rng(2)
    few = [rng.random((5, 4)).astype(np.float32) for _ in range(3)]
    which = rng.integers(0, 5, 100_000)
    p, cost, latency = (matrix[which] for matrix in few)
    problem = many_limits(Scores(p, cost, latency, tuple("abcd")))
    kinds = Kinds.of(InMemory(problem))
    assert kinds is not None
    assert len(kinds.count) == 5
    plan = solve(problem)
    assert_kept(problem, plan)
    assert plan.gap <= 1e-9


def test_many_prompts_of_one_kind_may_be_shared_out_among_all_models(monkeypatch: pytest.MonkeyPatch) -> None:
    p, cost = (np.tile(np.array(row, np.float32), (1000, 1)) for row in ([0.2, 0.5, 0.9], [1.0, 2.0, 4.1]))
    scores = Scores(p, cost, np.ones_like(p), models=("small", "middle", "large"))
    caps = {name: ModelLimit(max_requests=400) for name in scores.models}
    monkeypatch.setattr(Milp, "branched", lambda *_, **__: None)
    plan = solve(Problem(scores=scores, budget_usd=2100.5, model_limits=caps), solver="dual")
    assert plan.status == "optimal"
