"""The reference backend, taken on request: the problem as it is written down, in cvxpy, solved by HiGHS."""

from __future__ import annotations

import importlib.util
import math
import time
import warnings
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from routoo.data.assignment import Assignment
from routoo.data.errors import InputError, MissingExtraError
from routoo.solver.problem import Problem
from routoo.solver.results.answer import outcome
from routoo.solver.search.assign import NOBODY, TOLERANCE, Assigned, assign_each, searched
from routoo.solver.search.milp import FEASIBILITY, Milp
from routoo.solver.search.prices import infeasible_in_parts
from routoo.solver.sums.kinds import Kinds
from routoo.solver.sums.passes import InMemory, price_pass
from routoo.solver.sums.rows import Floats
from routoo.solver.sums.tally import kept

NAME = "exact"
_UNSOLVED = "no assignment was found; give more time, or use solver='dual'"

_NODES = 100_000
"""Nodes of branch and bound after which HiGHS stops."""


def accepts(problem: Problem) -> bool:
    """Whether the problem can be written as one MILP: always."""
    return True


def solve_exact(
    problem: Problem, *, time_limit_s: float = math.inf, gap: float = TOLERANCE, verbose: bool = False
) -> Assignment:
    """The assignment by mixed-integer programming: for small batches, and to hold the others against.

    What HiGHS says is checked: choices by exact sums, its bound by prices, and for a few kinds of prompts by
    a search to the end.

    Args:
        problem: Any limits.
        time_limit_s: Seconds after which the best answer so far is taken; nodes are counted where none are
            given.
        gap: Relative distance from the bound at which the search may stop.
        verbose: HiGHS prints its progress.

    Raises:
        InputError: The time limit is not above 0, or the gap is negative.
        MissingExtraError: Extra `exact` is not installed.
    """
    if importlib.util.find_spec("cvxpy") is None:
        raise MissingExtraError(f"solver {NAME!r} needs cvxpy: pip install 'routoo[exact]', or use 'auto'")
    if not time_limit_s > 0 or not gap >= 0:
        raise InputError(f"time_limit_s must be above 0 and gap at least 0, got {time_limit_s} and {gap}")
    prompts, started = InMemory(problem), time.monotonic()
    milp = _CvxpyModel(Milp(Kinds.each(prompts)), verbose=verbose)
    prices = milp.prices(time_limit_s)
    left = max(time_limit_s - (time.monotonic() - started), 0.1 * time_limit_s)
    choice = milp.choice(gap, left)
    kinds = Kinds.of(prompts) if problem.limits else None
    if not problem.limits:
        found = assign_each(prompts)
    elif kinds is not None:
        found = searched(kinds, first=choice, time_limit_s=time_limit_s)
    elif choice is not None and kept(prompts, choice) is not None:
        found = Assigned("solved", choice, price_pass(prompts, prices).bound, prices)
    elif infeasible_in_parts(prompts) is not None:
        found = Assigned("infeasible", NOBODY, -math.inf, prices)
    else:
        found = Assigned("unsolved", NOBODY, math.inf, prices)
    return outcome(
        prompts, problem.scores, found, solver=NAME, unsolved=_UNSOLVED, tolerance=max(gap, TOLERANCE)
    )


class _CvxpyModel:
    """The problem in cvxpy: a variable a prompt and model, a row a prompt, a row a limit; in scaled units."""

    def __init__(self, scaled: Milp, *, verbose: bool) -> None:
        self.cp: Any = import_module("cvxpy")  # Any: cvxpy does not type the names it exports
        self.scaled, self.verbose = scaled, verbose

    def prices(self, time_limit_s: float) -> Floats:
        """Dual values of the relaxation by interior point; 0 where it gives none."""
        _, limits = self._solve(whole=False, solver="ipm", time_limit=float(time_limit_s))
        duals = [limit.dual_value for limit in limits]
        if any(dual is None or not np.isfinite(dual) for dual in duals):
            return np.zeros(len(limits))
        return np.asarray(np.maximum(duals, 0.0) * self.scaled.worth / self.scaled.scale, np.float64)

    def choice(self, gap: float, time_limit_s: float) -> npt.NDArray[np.int32] | None:
        """The best choices that HiGHS finds; None where it finds none."""
        x, _ = self._solve(
            whole=True,
            time_limit=float(time_limit_s),
            mip_max_nodes=_NODES,
            mip_rel_gap=float(gap),
            mip_abs_gap=0.0,
            mip_feasibility_tolerance=FEASIBILITY,
        )
        return None if x is None else x.argmax(axis=1).astype(np.int32)

    def _solve(self, *, whole: bool, **options: object) -> tuple[Floats | None, list[Any]]:
        """The variables, and the limits with their dual values."""
        cp, scaled = self.cp, self.scaled
        shape = scaled.kinds.value.shape
        x = cp.Variable(shape, boolean=whole, bounds=[np.zeros(shape), np.isfinite(scaled.kinds.value)])
        limits = [
            cp.sum(cp.multiply(scaled.entry(at), x)) <= room for at, room in enumerate(scaled.room.tolist())
        ]
        problem = cp.Problem(
            cp.Minimize(cp.sum(cp.multiply(scaled.spread(scaled.cost), x))), [cp.sum(x, axis=1) == 1, *limits]
        )
        options |= {"log_to_console": self.verbose, "primal_feasibility_tolerance": FEASIBILITY}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # that it stopped early is seen by the gap
                problem.solve(solver=cp.HIGHS, highs_options=options)
        except (ValueError, cp.SolverError):  # how cvxpy says that HiGHS stopped with nothing in hand
            return None, limits
        return x.value, limits
