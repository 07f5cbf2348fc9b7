"""Instances that break solvers: ties everywhere, nothing to choose, no room at all."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from routoo.data.assignment import Assignment
from routoo.data.errors import InputError
from routoo.data.scores import Scores
from routoo.solver.limits import ModelLimit
from routoo.solver.problem import Problem
from routoo.solver.solve import solve

Kept = Callable[[Problem, Assignment], None]
Array = npt.NDArray[np.float32]

M = 5


def arrays(n: int) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(0)
    return (
        rng.random((n, M), np.float32),
        (rng.random((n, M)) ** 3 / 100).astype(np.float32),
        rng.gamma(2, 1, (n, M)).astype(np.float32),
    )


def total(values: Array) -> float:
    return float(values.sum(dtype=np.float64))


def cases(n: int) -> dict[str, tuple[npt.NDArray[np.floating], npt.NDArray[np.floating], float]]:
    """Scores, costs and a budget of each case."""
    p, cost, _ = arrays(n)
    least, most = total(cost.min(1)), total(cost.max(1))
    one = np.ones((n, M), np.float32)
    return {
        "all scores equal": (one / 2, cost, 2 * least),
        "all costs equal": (p, one / 128, n / 128),
        "zero costs": (p, one * 0, 0.0),
        "zero scores": (one * 0, cost, 2 * least),
        "a budget of exactly the least": (p, cost, least),
        "a budget of exactly the most": (p, cost, most),
        "one model many times": (p[:, :1] * one, cost[:, :1] * one, total(cost[:, 0])),
        "models in pairs": (p[:, [0, 0, 1, 1, 2]], cost[:, [0, 0, 1, 1, 2]], 3 * least),
        "scores near ties": ((0.5 + p * 1e-6).astype(np.float32), cost, 2 * least),
        "identical prompts": (
            p[:1] + 0 * one,
            cost[:1] + 0 * one,
            n * (0.7 * cost[0].min() + 0.3 * cost[0].max()),
        ),
    }


def narrow(n: int, case: str) -> tuple[Array, Array, float]:
    p, cost, budget = cases(n)[case]
    return p.astype(np.float32), cost.astype(np.float32), budget


@pytest.mark.parametrize("solver", ["greedy", "dual"])
@pytest.mark.parametrize("n", [40, 70_000])
@pytest.mark.parametrize("case", cases(2))
def test_one_budget(case: str, n: int, solver: str, assert_kept: Kept) -> None:
    p, cost, budget = narrow(n, case)
    problem = Problem(scores=Scores(p, cost, models=tuple("abcde")), budget_usd=budget)
    plan = solve(problem, solver=solver)
    assert_kept(problem, plan)
    assert plan.status == "optimal"
    if n == 40:
        exact = solve(problem, solver="exact", gap=1e-9)
        assert plan.objective == pytest.approx(exact.objective, rel=1e-6)
    if case == "all scores equal":
        assert plan.cost_usd == pytest.approx(total(cost.min(1)))


@pytest.mark.parametrize("n", [40, 3000])
@pytest.mark.parametrize("case", cases(2))
def test_with_other_limits(case: str, n: int, assert_kept: Kept) -> None:
    p, cost, budget = narrow(n, case)
    latency = arrays(n)[2]
    if case == "identical prompts":
        latency = latency[:1] + 0 * latency
    free = case in ("a budget of exactly the least", "one model many times")
    problem = Problem(
        scores=Scores(p, cost, latency, models=tuple("abcde")),
        budget_usd=budget,
        max_mean_latency_s=30.0 if free else float(np.sort(latency, axis=1)[:, 3].mean()),
        model_limits={} if free else {name: ModelLimit(max_requests=n // 3) for name in "abcde"},
    )
    plan = solve(problem, solver="dual")
    assert_kept(problem, plan)
    if n == 40:
        exact = solve(problem, solver="exact", gap=1e-9)
        assert plan.objective == pytest.approx(exact.objective, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("solver", ["greedy", "dual", "exact"])
def test_one_model_leaves_no_choice(solver: str) -> None:
    p, cost, _ = arrays(6)
    scores = Scores(p[:, :1], cost[:, :1], models=("a",))
    assert solve(Problem(scores=scores, budget_usd=total(cost[:, 0])), solver=solver).status == "optimal"
    assert (
        solve(Problem(scores=scores, budget_usd=total(cost[:, 0]) * 0.99), solver=solver).status
        == "infeasible"
    )


@pytest.mark.parametrize("solver", ["greedy", "dual", "exact"])
@pytest.mark.parametrize("budget", [None, 1.0])
def test_infinite_latency_is_never_chosen(solver: str, budget: float | None, assert_kept: Kept) -> None:
    p, cost, latency = arrays(50)
    latency[:, 2], p[:, 2] = np.inf, 1.0
    problem = Problem(scores=Scores(p, cost, latency, models=tuple("abcde")), budget_usd=budget)
    plan = solve(problem, solver=solver)
    assert_kept(problem, plan)
    assert 2 not in plan.choice
    if solver != "greedy":
        limited = replace(problem, max_mean_latency_s=2.0)
        assert 2 not in solve(limited, solver=solver).choice


def test_nan_is_refused() -> None:
    p, cost, _ = arrays(3)
    p[1, 1] = np.nan
    with pytest.raises(InputError, match="p_correct"):
        Scores(p, cost, models=tuple("abcde"))
