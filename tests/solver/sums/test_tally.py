"""Exact sums of choices: their value whatever the blocks, and the memory that they take."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import numpy.typing as npt

from routoo.data.scores import Scores
from routoo.solver.limits import DomainLimit
from routoo.solver.problem import Problem
from routoo.solver.sums.passes import InMemory
from routoo.solver.sums.tally import tally

N, TENANTS = 60_000, 1000


def tenants() -> tuple[Problem, npt.NDArray[np.int32]]:
    """A budget for each of many tenants, costs of all magnitudes, and some choices."""
    rng = np.random.default_rng(5)
    cost = (10.0 ** rng.uniform(-9, 5, (N, 2))).astype(np.float32)
    domains = [f"tenant {at % TENANTS}" for at in range(N)]
    problem = Problem(
        scores=Scores(rng.random((N, 2), np.float32), cost, models=("a", "b")),
        domains=domains,
        domain_limits={name: DomainLimit(budget_usd=1.0) for name in domains[:TENANTS]},
    )
    return problem, rng.integers(0, 2, N).astype(np.int32)


def test_sums_over_many_blocks_are_those_of_fsum() -> None:
    problem, choice = tenants()
    found, cost = tally(InMemory(problem), choice), problem.scores.cost_usd[np.arange(N), choice]
    assert found.cost_usd == math.fsum(cost.tolist())
    assert found.uses.tolist() == [math.fsum(cost[at::TENANTS].tolist()) for at in range(TENANTS)]


def test_memory_does_not_grow_with_the_blocks() -> None:
    problem, choice = tenants()
    peaks = []
    for n in (N // 4, N):
        part = Problem(
            scores=problem.scores.rows(np.arange(n)),
            domains=(problem.domains or [])[:n],
            domain_limits=problem.domain_limits,
        )
        prompts = InMemory(part, threads=1)
        assert len(prompts.constraints.limits) == TENANTS  # made beforehand: it is no part of the sums
        tracemalloc.start()
        tally(prompts, choice[:n])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
