"""The backend that "auto" takes, for any size and limits: dual prices by few passes, then an exact finish."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from routoo.data.assignment import Assignment
from routoo.data.errors import InputError
from routoo.data.scores import Scores
from routoo.solver.problem import Problem
from routoo.solver.results.answer import outcome
from routoo.solver.results.conflict import assign_least
from routoo.solver.search.assign import TOLERANCE, assign
from routoo.solver.sums.passes import Batch, InMemory
from routoo.solver.sums.rows import Floats
from routoo.solver.sums.tally import kept

NAME = "dual"

_UNSOLVED = "found no assignment within all limits, though none was proved impossible; loosen one a little"

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
    if not tolerance > 0 or not time_limit_s > 0:
        raise InputError(f"tolerance and time_limit_s must be above 0, got {tolerance} and {time_limit_s}")
    return solve_batch(
        InMemory(problem, threads), problem.scores, tolerance=tolerance, time_limit_s=time_limit_s
    )


def solve_batch(
    batch: Batch, scores: Scores | tuple[str, ...], *, tolerance: float, time_limit_s: float
) -> Assignment:
    """The assignment of a batch, wherever it is; where its scores are not in memory, of models by name."""
    edge = _Edge(batch)
    found = assign(batch, tolerance=tolerance, time_limit_s=time_limit_s, edge=edge)
    choice = edge(found.prices) if found.status == "unsolved" else None
    if choice is not None:
        found = replace(found, status="solved", choice=choice)
    return outcome(batch, scores, found, solver=NAME, unsolved=_UNSOLVED, tolerance=tolerance)


class _Edge:
    """Choices that use least of one limit, the dearest first, for limits with next to no room: found once."""

    def __init__(self, batch: Batch) -> None:
        self.batch, self.asked = batch, False
        self.choice: npt.NDArray[np.int32] | None = None

    def __call__(self, prices: Floats) -> npt.NDArray[np.int32] | None:
        """Those that keep every limit, if any do."""
        if not self.asked:
            self.asked, self.choice = True, self._look(prices)
        return self.choice

    def _look(self, prices: Floats) -> npt.NDArray[np.int32] | None:
        constraints = self.batch.constraints
        for at in np.argsort(-prices * np.abs(constraints.bounds), kind="stable")[:_EDGES].tolist():
            found = assign_least(self.batch, constraints.limits[at])
            if found.status == "solved" and kept(self.batch, found.choice) is not None:
                return found.choice
        return None
