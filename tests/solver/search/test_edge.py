"""Limits with next to no room: choices at the edge are taken before many prompts are searched."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from routoo.data.scores import Scores
from routoo.solver.limits import DomainLimit
from routoo.solver.problem import Problem
from routoo.solver.search.assign import NOBODY, assign
from routoo.solver.search.milp import Milp
from routoo.solver.search.rounding import CORES
from routoo.solver.solve import solve
from routoo.solver.sums.passes import InMemory

MakeScores = Callable[[int, int, int], Scores]


def searches(monkeypatch: pytest.MonkeyPatch, *, broken: bool = True) -> list[int]:
    """How many prompts are searched each time, from now on in searches that find nothing."""
    found: list[int] = []

    def nothing(milp: Milp, **_: object) -> None:
        found.append(len(milp.kinds.count))
        milp.broke_off = broken

    monkeypatch.setattr(Milp, "branched", nothing)
    return found


@pytest.mark.parametrize(("near", "broken"), [(True, True), (False, True), (True, False)])
def test_the_edge_is_taken_where_it_is_near_and_a_search_breaks_off(
    random_scores: MakeScores, monkeypatch: pytest.MonkeyPatch, near: bool, broken: bool
) -> None:
    problem = Problem(scores=random_scores(1, 4000, 3), budget_usd=6.0, max_mean_latency_s=1.7)
    whole, cheapest = InMemory(problem), problem.scores.cost_usd.argmin(axis=1).astype(np.int32)
    best, tried = solve(problem).choice, searches(monkeypatch, broken=broken)
    found = assign(whole, tolerance=1e-6, edge=lambda prices: best if near else cheapest)
    taken = near and broken
    assert tried == list(CORES[: 1 if taken else 3])
    assert found.status == ("solved" if taken else "unsolved")
    assert np.array_equal(found.choice[: len(best)], best if taken else NOBODY)


def test_a_domain_that_is_not_solved_leaves_a_bound_of_all(
    random_scores: MakeScores, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = Problem(
        scores=random_scores(2, 1600, 3),
        domains=["a", "b"] * 800,
        domain_limits={name: DomainLimit(budget_usd=1.5, min_mean_score=0.5) for name in "ab"},
    )
    best, tried = solve(problem), searches(monkeypatch)
    found = assign(InMemory(problem), tolerance=1e-6)
    assert tried, "the search finds nothing"
    assert (best.found, found.status) == (True, "unsolved")
    assert found.bound >= best.objective
