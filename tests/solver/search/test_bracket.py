"""One limit of a batch whose undecided prompts are too many to be brought together: fewer are left."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from routoo.data.scores import Scores
from routoo.solver.problem import Problem
from routoo.solver.search.bracket import fill_large
from routoo.solver.solve import solve
from routoo.solver.sums import sources
from routoo.solver.sums.passes import InMemory
from routoo.solver.sums.tally import kept

N = 20_000


def made(kind: str) -> Scores:
    rng = np.random.default_rng(0)
    p: Any = rng.random((N, 4))
    cost: Any = rng.lognormal(0, 0.5, (N, 4)) * np.geomspace(1, 30, 4)
    if kind == "tails":
        cost = rng.pareto(0.7, (N, 4)) + 0.01
    if (
        kind == "two prices"
    ):  # of money: what half of the prompts gain by a dollar, and what the other half do
        gain = np.where(np.arange(N) % 2, 0.5, 0.25)[:, None]
        cost = np.repeat(rng.uniform(1, 2, (N, 1)), 4, axis=1) * np.array([0.0, 1.0, 1.0, 1.0])
        p = 0.3 * gain * cost
    if kind == "one price":
        cost = np.repeat(rng.uniform(1, 2, (N, 1)), 4, axis=1) * np.array([0.0, 1.0, 1.0, 1.0])
        p = 0.3 * cost
    return Scores(p.astype(np.float32), cost.astype(np.float32), models=tuple("abcd"))


@pytest.mark.parametrize("share", [0.01, 0.3, 0.75, 0.98])
@pytest.mark.parametrize("kind", ["plain", "tails", "two prices", "one price"])
def test_many_undecided_prompts_are_narrowed_to_few(
    kind: str, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = made(kind)
    least, most = (
        float(cost.sum(dtype=np.float64)) for cost in (scores.cost_usd.min(1), scores.cost_usd.max(1))
    )
    problem = Problem(scores=scores, budget_usd=least + share * (most - least))
    monkeypatch.setattr(sources, "_FEW", 100)
    monkeypatch.setattr(sources, "BLOCK", 256)
    monkeypatch.setattr(sources, "_LEAST_BLOCK", 64)
    monkeypatch.setattr("routoo.solver.search.bracket.SWAPPED", 0)
    batch = InMemory(problem)
    filled = fill_large(batch)
    totals = kept(batch, filled.choice)
    assert filled.feasible
    assert totals is not None
    assert totals.gained == pytest.approx(solve(problem, solver="greedy").objective, abs=1.0)
    plan = solve(problem, solver="dual")
    assert plan.bound - plan.objective < 1.0  # less than one prompt can gain


def test_a_limit_that_nothing_keeps_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = made("plain")
    monkeypatch.setattr(sources, "_FEW", 100)
    assert not fill_large(InMemory(Problem(scores=scores, budget_usd=1.0))).feasible
    free = fill_large(InMemory(Problem(scores=scores, budget_usd=1e9)))
    assert free.price == 0
    assert np.array_equal(free.choice[:N], scores.p_correct.argmax(1))
