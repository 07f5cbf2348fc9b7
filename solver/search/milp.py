"""Kinds of prompts as a mixed-integer linear program (MILP), scaled for HiGHS; what it says is checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from routoo.solver.sums.kinds import Counts, Kinds
from routoo.solver.sums.rows import Choice, Floats

FEASIBILITY = 1e-9
"""Violation that HiGHS may leave, in units of a limit's largest coefficient; it is then tightened away."""

_TRIES = 10
"""Times that limits are tightened until what HiGHS calls feasible is."""


@dataclass(frozen=True, eq=False)
class Relaxed:
    """The optimum of the relaxation, as HiGHS sees it.

    Args:
        amount: How many prompts of each kind each model gets, in parts too, ``(n_kinds, n_models)``; None
            where HiGHS found none.
        prices: Dual value of each limit, at least 0, ``(n_limits,)``.
    """

    amount: Floats | None
    prices: Floats


class _Bounded:
    """A MILP in HiGHS, between bounds on its columns of which only those that change are handed over."""

    def __init__(self, solver: Any, low: Floats, high: Floats) -> None:  # Any: highspy has no types
        self.solver, self.low, self.high = solver, low, high

    def move(self, low: Counts, high: Counts) -> None:
        """Other bounds."""
        moved = np.flatnonzero((low != self.low) | (high != self.high)).astype(np.int32)
        self.low, self.high = low.astype(np.float64), high.astype(np.float64)
        self.solver.changeColsBounds(len(moved), moved, self.low[moved], self.high[moved])


class Milp:
    """A column a kind and open model, of those in `among`; a row a kind, a row a limit.

    HiGHS has absolute tolerances. So each kind's best value and least uses are taken off first, and then
    each row and the objective are divided by the power of two next to their largest coefficient.
    """

    def __init__(self, kinds: Kinds, among: npt.NDArray[np.bool_] | None = None) -> None:
        self.highspy: Any = import_module("highspy")  # Any: highspy types its names only in part
        self.kinds, self.broke_off = kinds, False
        open_ = np.isfinite(kinds.value)
        self.row, self.column = np.nonzero(open_ if among is None else open_ & among)
        value = kinds.value[self.row, self.column]
        value = value - np.maximum.reduceat(value, self._starts)[self.row]
        self.worth = _power(np.abs(value))
        self.cost = -value / self.worth
        self.scale, self.room = np.ones(len(kinds.bounds)), np.empty(len(kinds.bounds))
        self.entries: list[tuple[Choice, Floats]] = []
        for at, bound in enumerate(kinds.bounds.tolist()):
            use = kinds.used(at, self.row, self.column)
            least = np.minimum.reduceat(use, self._starts)
            use -= least[self.row]
            self.scale[at] = _power(use)
            self.room[at] = (bound - float(least @ kinds.count)) / self.scale[at]
            cells = np.flatnonzero(use)
            self.entries.append((cells, use[cells] / self.scale[at]))
        self.room = np.clip(self.room, -1e15, 2.0 * kinds.count.sum() + 2.0)

    @cached_property
    def _starts(self) -> npt.NDArray[np.intp]:
        return np.flatnonzero(np.concatenate([[True], self.row[1:] != self.row[:-1]]))

    def relax(self, low: Counts, high: Counts) -> Relaxed:
        """The relaxation where each model gets a number of each kind between `low` and `high`."""
        amount, duals = self._solve(self._relaxation, low, high)
        return Relaxed(amount, duals * self.worth / self.scale)

    def certificate(self, low: Counts, high: Counts) -> Floats:
        """Prices at which every choice uses more than there is, should the relaxation be infeasible."""
        _, duals = self._solve(self._elastic, low, high)
        return duals / self.scale

    def branched(
        self, *, gap: float = 0.0, enough: float = math.inf, most_nodes: int, time_limit_s: float
    ) -> Counts | None:
        """Whole counts by branch and bound, as good as so many nodes find them; None where they find none.

        Where they find none, `broke_off` says whether they were too few to tell that there are none.

        Args:
            gap: Objective by which the answer may fall short of the best.
            enough: Objective at which to stop.
            most_nodes: Nodes of the search tree: unlike seconds, they are the same on every machine.
            time_limit_s: Seconds after which to stop.
        """
        top = float(self.kinds.value.max(axis=1) @ self.kinds.count)
        solver = self._solver(
            mip_rel_gap=0.0,
            mip_abs_gap=max(gap / self.worth, 1e-9),
            objective_target=-(enough - top) / self.worth,
            time_limit=float(time_limit_s),
            mip_max_nodes=most_nodes,
            mip_feasibility_tolerance=FEASIBILITY,
        )
        lp = self._model(self.cost)
        lp.integrality_ = [self.highspy.HighsVarType.kInteger] * len(self.row)
        room = self.room.copy()
        for _ in range(_TRIES):
            lp.row_upper_ = np.concatenate([self.kinds.count.astype(np.float64), room])
            solver.passModel(lp)
            solver.run()
            if solver.getInfo().primal_solution_status != self.highspy.SolutionStatus.kSolutionStatusFeasible:
                self.broke_off = solver.getModelStatus() != self.highspy.HighsModelStatus.kInfeasible
                return None
            cells = np.rint(np.array(solver.getSolution().col_value))
            used = np.array([entries @ cells[own] for own, entries in self.entries])
            over = np.maximum(used - self.room, 0.0)
            if not over.any():
                counts = self.spread(cells).astype(np.int64)
                return counts if np.array_equal(counts.sum(axis=1), self.kinds.count) else None
            room -= 2 * over
        return None

    @cached_property
    def _relaxation(self) -> _Bounded:
        return self._bounded(self.cost)

    @cached_property
    def _elastic(self) -> _Bounded:
        n_limits = len(self.room)
        return self._bounded(np.concatenate([np.zeros(len(self.cost)), np.ones(n_limits)]))

    def _bounded(self, cost: Floats) -> _Bounded:
        solver = self._solver(presolve="off", solver="simplex")
        solver.passModel(self._model(cost))
        return _Bounded(solver, np.zeros(len(self.row)), self.kinds.count[self.row].astype(np.float64))

    def _solver(self, **options: object) -> Any:  # Any: highspy has no types
        solver = self.highspy.Highs()
        solver.setOptionValue("output_flag", False)
        options |= {"primal_feasibility_tolerance": FEASIBILITY, "dual_feasibility_tolerance": FEASIBILITY}
        for name, value in options.items():
            solver.setOptionValue(name, value)
        return solver

    def _solve(self, bounded: _Bounded, low: Counts, high: Counts) -> tuple[Floats | None, Floats]:
        """Amounts and the dual prices, in scaled units."""
        solver = bounded.solver
        bounded.move(low[self.row, self.column], high[self.row, self.column])
        solver.run()
        solution = solver.getSolution()
        duals = np.array(solution.row_dual)[len(self.kinds.count) :] if solution.dual_valid else np.zeros(0)
        duals = duals if len(duals) == len(self.room) else np.zeros(len(self.room))
        duals = np.where(np.isfinite(duals), np.maximum(-duals, 0.0), 0.0)
        if solver.getModelStatus() != self.highspy.HighsModelStatus.kOptimal:
            return None, duals
        return self.spread(np.array(solution.col_value)[: len(self.row)]), duals

    def entry(self, at: int) -> Floats:
        """What each cell uses of a limit, in its units, ``(n_kinds, n_models)``."""
        cells, entries = self.entries[at]
        use = np.zeros(len(self.row))
        use[cells] = entries
        return self.spread(use)

    def spread(self, cells: Floats) -> Floats:
        """One number a cell as ``(n_kinds, n_models)``; 0 where it is closed."""
        amount = np.zeros(self.kinds.value.shape)
        amount[self.row, self.column] = cells
        return amount

    def _model(self, cost: Floats) -> Any:  # Any: highspy has no types
        """The MILP column by column; columns after those of the cells loosen a limit each."""
        lp, n_kinds, n_cells = self.highspy.HighsLp(), len(self.kinds.count), len(self.row)
        count, loose = self.kinds.count.astype(np.float64), len(cost) - n_cells
        lp.num_col_, lp.num_row_ = len(cost), n_kinds + len(self.room)
        lp.col_cost_ = cost
        lp.col_lower_ = np.zeros(len(cost))
        lp.col_upper_ = np.concatenate([count[self.row], np.full(loose, np.inf)])
        lp.row_lower_ = np.concatenate([count, np.full(len(self.room), -np.inf)])
        lp.row_upper_ = np.concatenate([count, self.room])
        limits = [np.full(len(own), n_kinds + at) for at, (own, _) in enumerate(self.entries)]
        more = np.arange(loose)
        rows = np.concatenate([self.row, *limits, n_kinds + more])
        columns = np.concatenate([np.arange(n_cells), *(own for own, _ in self.entries), n_cells + more])
        numbers = np.concatenate([np.ones(n_cells), *(use for _, use in self.entries), -np.ones(loose)])
        order = np.argsort(columns, kind="stable")
        lp.a_matrix_.format_ = self.highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(np.bincount(columns, minlength=len(cost)))])
        lp.a_matrix_.index_, lp.a_matrix_.value_ = rows[order], numbers[order]
        return lp


def _power(size: Floats) -> float:
    """The power of two next to the largest of these; 1 where all are 0."""
    return float(2.0 ** math.frexp(float(size.max(initial=0.0)))[1]) if size.any() else 1.0
