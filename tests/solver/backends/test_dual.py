"""The dual backend: right on small problems with every kind of limit, certified on large ones."""

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np
import pytest

from routoo.data.assignment import Assignment
from routoo.data.errors import InputError
from routoo.data.scores import Scores
from routoo.solver.limits import DomainLimit, ModelLimit
from routoo.solver.problem import Problem
from routoo.solver.search.newton import search_prices
from routoo.solver.search.smooth import Smoothed, smoothed_pass
from routoo.solver.solve import solve
from routoo.solver.sums.passes import InMemory, price_pass
from routoo.solver.sums.rows import Floats

MakeScores = Callable[[int, int, int], Scores]
Kept = Callable[[Problem, Assignment], None]


def many_limits(scores: Scores) -> Problem:
    """A budget, a mean latency and a cap on every model; most of them bind."""
    n, m = scores.p_correct.shape
    cost, latency = scores.cost_usd.astype(np.float64), scores.latency.astype(np.float64)
    caps = np.linspace(0.6, 1.6, m) * n / m
    return Problem(
        scores=scores,
        budget_usd=float(cost.min(1).sum() * 3),
        max_mean_latency_s=float(latency.mean() * 0.8),
        model_limits={
            name: ModelLimit(max_requests=int(cap)) for name, cap in zip(scores.models, caps, strict=True)
        },
    )


@pytest.mark.parametrize("block", range(8))
def test_random_problems_with_every_kind_of_limit(
    block: int, random_problem: Callable[[int], Problem], assert_kept: Kept
) -> None:
    for seed in range(25 * block, 25 * (block + 1)):
        problem = random_problem(seed)
        plan, exact = solve(problem, solver="dual"), solve(problem, solver="exact", gap=1e-9)
        assert plan.found == exact.found, (seed, plan.reason, exact.reason)
        if not plan.found:
            assert plan.status == exact.status == "infeasible"
            continue
        assert_kept(problem, plan)
        size = max(abs(exact.objective), 1e-9)
        assert abs(plan.objective - exact.objective) <= (plan.gap + 1e-6) * size, seed
        above = plan.bound - exact.objective if problem.goal == "score" else exact.objective - plan.bound
        assert above >= -1e-9 * size, seed


@pytest.mark.parametrize("n", [300, 4000, 80_000])
def test_many_limits_hold_at_every_size(n: int, random_scores: MakeScores, assert_kept: Kept) -> None:
    problem = many_limits(random_scores(1, n, 6))
    plan = solve(problem, solver="dual")
    assert_kept(problem, plan)
    assert plan.gap <= max(1e-6, 0.1 / n)
    assert len(plan.prices) >= 4
    if n == 300:
        assert plan.choice.tolist() == solve(problem, solver="dual").choice.tolist()


def test_tenants_of_a_large_batch_keep_their_own_limits(random_scores: MakeScores, assert_kept: Kept) -> None:
    scores = random_scores(6, 70_000, 5)
    tenant = np.random.default_rng(0).integers(0, 6, len(scores))
    cheapest = scores.cost_usd.min(axis=1).astype(np.float64)
    problem = Problem(
        scores=scores,
        budget_usd=float(cheapest.sum() * 2.5),
        domains=[f"tenant {at}" for at in tenant],
        domain_limits={
            f"tenant {at}": DomainLimit(
                budget_usd=float(cheapest[tenant == at].sum() * (2 + at / 5)),
                min_mean_score=0.7 if at == 3 else None,
            )
            for at in range(6)
        },
    )
    plan = solve(problem, solver="dual")
    assert_kept(problem, plan)
    assert plan.gap <= 1e-6
    assert plan.chosen_p_correct is not None
    assert plan.chosen_p_correct[tenant == 3].mean(dtype=np.float64) >= 0.7


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 1.0])
def test_one_budget_at_a_size_that_is_sampled(
    share: float, random_scores: MakeScores, assert_kept: Kept
) -> None:
    scores = random_scores(2, 70_000, 5)
    cost = scores.cost_usd.astype(np.float64)
    best = cost[np.arange(len(cost)), scores.p_correct.argmax(1)].sum()
    problem = Problem(scores=scores, budget_usd=float(cost.min(1).sum() + share * (best - cost.min(1).sum())))
    plan = solve(problem, solver="dual")
    assert_kept(problem, plan)
    assert plan.gap <= 1e-7
    greedy = solve(problem, solver="greedy")
    assert plan.objective == pytest.approx(greedy.objective, rel=1e-7)


def test_threads_change_nothing(random_scores: MakeScores) -> None:
    problem = many_limits(random_scores(3, 70_000, 4))
    one, two = (solve(problem, solver="dual", threads=threads) for threads in (1, 2))
    assert one.choice.tolist() == two.choice.tolist()
    assert one.bound == two.bound


def test_the_price_search_needs_sums_alone(random_scores: MakeScores) -> None:
    problem = many_limits(random_scores(4, 6000, 4))
    whole = InMemory(problem)
    bounds = whole.constraints.bounds
    shards = [
        InMemory(replace(problem, scores=problem.scores.rows(np.arange(at, at + 2000))))
        for at in (0, 2000, 4000)
    ]
    sent = []

    def sums(prices: Floats, temperature: float) -> Smoothed:
        sent.append(prices)
        first, *others = (smoothed_pass(shard, prices, temperature) for shard in shards)
        return reduce(add, others, first)

    found = search_prices(
        sums,
        bounds,
        units=len(problem) / np.abs(bounds),
        spread=1.0,
        least=0.0,
        start=np.zeros(len(bounds)),
        warmth=0.1,
        enough=1e-4,
    )
    assert len(sent) == found.passes < 100
    assert found.bound == pytest.approx(price_pass(whole, found.prices).bound, rel=1e-12)
    assert found.bound == pytest.approx(solve(problem, solver="dual").bound, rel=1e-6)


def test_options_are_checked(random_scores: MakeScores) -> None:
    problem = Problem(scores=random_scores(5, 3, 2), budget_usd=1.0)
    with pytest.raises(InputError, match="tolerance and time_limit_s"):
        solve(problem, solver="dual", tolerance=0.0)


def test_costs_that_span_many_orders_of_magnitude_are_settled_near_the_bound(assert_kept: Kept) -> None:
    rng = np.random.default_rng([0, 300, 8])
    p = rng.random((300, 8), np.float32)
    cost = (10 ** rng.uniform(-12, 6, p.shape)).astype(np.float32)
    latency = rng.random(p.shape, np.float32)
    problem = Problem(
        scores=Scores(p, cost, latency, models=tuple(f"m{at}" for at in range(8))),
        min_mean_score=float(p.max(axis=1).mean() * 0.8),
        max_mean_latency_s=float(latency.mean() * 0.95),
        model_limits={"m0": ModelLimit(max_requests=37)},
    )
    plan = solve(problem, solver="dual")
    assert_kept(problem, plan)
    assert plan.gap < 0.02
