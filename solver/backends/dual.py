"""The backend that "auto" takes, for any size and limits: dual prices by few passes, then an exact finish."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from routoo.data.assignment import Assignment
from routoo.data.errors import InputError
from routoo.solver.problem import Problem
from routoo.solver.results.answer import outcome
from routoo.solver.results.conflict import assign_least
from routoo.solver.search.assign import TOLERANCE, Assigned, assign
from routoo.solver.sums.passes import InMemory
from routoo.solver.sums.rows import Floats
from routoo.solver.sums.sources import Batch, Kept
from routoo.solver.sums.tally import kept

NAME = "dual"

UNSOLVED = "found no assignment within all limits, though none was proved impossible; loosen one a little"

_EDGES = 3
"""Limits whose least use is tried where no answer is found within all."""


def accepts(problem: Problem) -> bool:
    """Whether limits can be priced: always."""
    return True


def solve_dual(
    problem: Problem,
    *,
    tolerance: float = TOLERANCE,
    time_limit_s: float = math.inf,
    threads: int | None = None,
) -> Assignment:
    """The assignment by Lagrangian relaxation, with the bound that proves it.

    Args:
        problem: Any limits.
        tolerance: Relative gap at which the answer counts as optimal.
        time_limit_s: Seconds that a try of the finish may take, where several limits bind; steps are counted,
            not seconds, unless it is given.
        threads: How many threads read the scores; the processors at hand, when None.

    Raises:
        InputError: The tolerance or the time limit is not above 0.
    """
    batch = InMemory(problem, threads)
    found = solve_batch(batch, tolerance=tolerance, time_limit_s=time_limit_s)
    return outcome(batch, problem.scores, found, solver=NAME, unsolved=UNSOLVED, tolerance=tolerance)


def solve_batch(batch: Batch, *, tolerance: float, time_limit_s: float) -> Assigned:
    """The choices for a batch, wherever it lies.

    Raises:
        InputError: The tolerance or the time limit is not above 0.
    """
    if not tolerance > 0 or not time_limit_s > 0:
        raise InputError(f"tolerance and time_limit_s must be above 0, got {tolerance} and {time_limit_s}")
    edge = _Edge(batch)
    found = assign(batch, tolerance=tolerance, time_limit_s=time_limit_s, edge=edge)
    choice = edge(found.prices) if found.status == "unsolved" else None
    return found if choice is None else replace(found, status="solved", choice=choice)


class _Edge:
    """Choices that use least of one limit, the dearest first, for limits with next to no room: found once."""

    def __init__(self, batch: Batch) -> None:
        self.batch, self.asked = batch, False
        self.choice: Kept | None = None

    def __call__(self, prices: Floats) -> Kept | None:
        """Those that keep every limit, if any do."""
        if not self.asked:
            self.asked, self.choice = True, self._look(prices)
        return self.choice

    def _look(self, prices: Floats) -> Kept | None:
        constraints = self.batch.constraints
        for at in np.argsort(-prices * np.abs(constraints.bounds), kind="stable")[:_EDGES].tolist():
            found = assign_least(self.batch, constraints.limits[at])
            if found.status == "solved" and kept(self.batch, found.choice) is not None:
                return found.choice
        return None
