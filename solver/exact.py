"""The reference backend: the problem as it is written down, in cvxpy, solved by HiGHS."""

from __future__ import annotations

import importlib.util
import math
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from routoo.data.assignment import Assignment
from routoo.data.errors import InputError, MissingExtraError
from routoo.solver.answer import TOLERANCE, answer, keeps_limits, no_answer
from routoo.solver.explain import infeasible
from routoo.solver.passes import InMemory, choice_totals, price_pass
from routoo.solver.problem import Problem
from routoo.solver.programme import FEASIBILITY, TRIES
from routoo.solver.rows import Floats

NAME = "exact"
_FEASIBLE = 2  # HiGHS: kSolutionStatusFeasible


def accepts(problem: Problem) -> bool:
    """Whether the problem can be written as one programme: always."""
    return True


def solve_exact(
    problem: Problem, *, time_limit_s: float = 60.0, gap: float = TOLERANCE, verbose: bool = False
) -> Assignment:
    """The assignment by mixed-integer programming: for small batches, and to hold the others against.

    Args:
        problem: Any limits.
        time_limit_s: Seconds after which the best answer so far is taken.
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
    options: dict[str, object] = {"time_limit": float(time_limit_s), "log_to_console": verbose}
    started = time.monotonic()
    prompts, prices = InMemory(problem), _relaxed_prices(problem, options)
    if prices is None:
        return infeasible(prompts, problem.scores, solver=NAME)
    bounds = prompts.ledger.bounds.copy()
    options |= {
        "time_limit": max(time_limit_s - (time.monotonic() - started), 0.1 * time_limit_s),
        "mip_rel_gap": float(gap),
        "mip_abs_gap": 0.0,
        "mip_feasibility_tolerance": FEASIBILITY,
        "primal_feasibility_tolerance": FEASIBILITY,
    }
    bound: float | None = None
    for _ in range(TRIES):
        found = _Programme(problem, bounds, whole=True).solve(options)
        if found.status == "infeasible":
            return infeasible(prompts, problem.scores, solver=NAME)
        if found.choice is None:
            reason = (
                f"no assignment was found within {time_limit_s:g} s; give more time, or use solver='dual'"
            )
            return no_answer(problem.scores, len(problem), reason, solver=NAME, status="unsolved")
        if bound is None:  # later programmes are tighter than the problem
            bound = min(found.bound, price_pass(prompts, prices).bound)
        uses = choice_totals(prompts, found.choice).uses
        if keeps_limits(uses, prompts.ledger.bounds):
            return answer(
                prompts,
                problem.scores,
                found.choice,
                solver=NAME,
                bound=bound,
                prices=prices,
                tolerance=max(gap, TOLERANCE),
            )
        bounds -= 2 * np.maximum(uses - prompts.ledger.bounds, 0)
    reason = "every assignment found breaks a limit by a rounding error; loosen one a little"
    return no_answer(problem.scores, len(problem), reason, solver=NAME, status="unsolved")


def _relaxed_prices(problem: Problem, options: Mapping[str, object]) -> Floats | None:
    """Dual values of the relaxation by interior point; None where even the relaxation is infeasible."""
    if not problem.limits:
        return np.zeros(0)
    programme = _Programme(problem, InMemory(problem).ledger.bounds, whole=False)
    found = programme.solve({**options, "solver": "ipm"})
    return None if found.status == "infeasible" else found.prices


@dataclass(frozen=True, eq=False)
class _Found:
    status: str
    choice: npt.NDArray[np.int32] | None
    bound: float
    prices: Floats


class _Programme:
    """The problem in cvxpy: a variable a prompt and model, a row a prompt, a row a limit."""

    def __init__(self, problem: Problem, bounds: Floats, *, whole: bool) -> None:
        self.cp: Any = import_module("cvxpy")  # Any: cvxpy does not type the names it exports
        cp, rows, ledger = self.cp, problem.rows(slice(None)), InMemory(problem).ledger
        shape = rows.score.shape
        row, column = (index.ravel() for index in np.indices(shape))
        opened = np.ones(shape) if rows.allowed is None else rows.allowed.astype(np.float64)
        value = np.where(opened > 0, rows.objective, 0.0)
        uses = ledger.cells(rows, row, column).reshape(-1, *shape)
        self.scale = np.array([1 / (np.abs(use).mean() or 1.0) for use in uses])
        self.x = cp.Variable(shape, boolean=whole, bounds=[np.zeros(shape), opened])
        self.limits = [
            cp.sum(cp.multiply(use * scale, self.x)) <= bound * scale
            for use, bound, scale in zip(uses, bounds, self.scale, strict=True)
        ]
        one_each = cp.sum(self.x, axis=1) == 1
        self.problem = cp.Problem(cp.Maximize(cp.sum(cp.multiply(value, self.x))), [one_each, *self.limits])

    def solve(self, options: Mapping[str, object]) -> _Found:
        """The answer in the words of this house."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # that it stopped early is told by the gap
                self.problem.solve(solver=self.cp.HIGHS, highs_options=dict(options))
        except (ValueError, self.cp.SolverError):  # how cvxpy says that HiGHS stopped with nothing in hand
            return _Found("unsolved", None, math.inf, np.zeros(len(self.limits)))
        x, none = self.x.value, np.zeros(len(self.limits))
        if self.problem.status in (self.cp.INFEASIBLE, self.cp.INFEASIBLE_INACCURATE):
            return _Found("infeasible", None, math.nan, none)
        info = self.problem.solver_stats.extra_stats
        if x is None or info.primal_solution_status != _FEASIBLE:
            return _Found("unsolved", None, math.inf, none)
        duals = [limit.dual_value for limit in self.limits]
        prices = none if None in duals else np.maximum(np.array(duals, np.float64) * self.scale, 0)
        return _Found("solved", x.argmax(axis=1).astype(np.int32), -float(info.mip_dual_bound), prices)
