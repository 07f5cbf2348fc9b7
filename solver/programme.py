"""A few undecided prompts as a mixed-integer programme, handed to HiGHS as it stands."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from routoo.solver.ledger import Ledger
from routoo.solver.rows import Choice, Floats, Rows

FEASIBILITY = 1e-9
"""Violation that HiGHS may leave, in units of a limit's mean coefficient; it is then tightened away."""

TRIES = 10
"""Times that limits are tightened until what HiGHS calls feasible is."""


@dataclass(frozen=True, eq=False)
class Branched:
    """What branch and bound found.

    Args:
        status: `solved` within the gap, `stopped` by the clock with or without an answer, or `infeasible`.
        choice: The best choices, ``(r,)``; None where there are none.
        bound: No choice has a better objective.
    """

    status: Literal["solved", "stopped", "infeasible"]
    choice: npt.NDArray[np.int32] | None
    bound: float


def branch(
    rows: Rows,
    ledger: Ledger,
    *,
    gap: float,
    enough: float = math.inf,
    most_nodes: int = 100_000,
    time_limit_s: float,
) -> Branched:
    """The best choices for these prompts within the ledger's bounds.

    Args:
        rows: Few prompts.
        ledger: The limits, with what is left of them for these prompts.
        gap: Objective by which the answer may fall short of the best.
        enough: Objective at which to stop.
        most_nodes: Nodes of the search tree after which the best answer so far is taken: unlike the
            clock, they are the same on every machine.
        time_limit_s: Seconds after which the best answer so far is taken.
    """
    highspy: Any = import_module("highspy")  # Any: highspy types its names only in part
    value = rows.objective
    row, column = np.nonzero(np.isfinite(value))
    uses = ledger.cells(rows, row, column)
    scale = np.array([1 / (np.abs(use).mean() or 1.0) for use in uses])
    lp = _model(highspy, value[row, column], row, uses * scale[:, None], ledger.bounds * scale, len(rows))
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    for name, number in {
        "mip_rel_gap": 0.0,
        "mip_abs_gap": max(float(gap), 1e-12),
        "objective_target": -float(enough),
        "time_limit": float(time_limit_s),
        "mip_max_nodes": most_nodes,
        "mip_feasibility_tolerance": FEASIBILITY,
        "primal_feasibility_tolerance": FEASIBILITY,
    }.items():
        solver.setOptionValue(name, number)
    solver.passModel(lp)
    solver.run()
    return _read(highspy, solver, row, column, len(rows))


def _model(highspy: Any, value: Floats, row: Choice, uses: Floats, bounds: Floats, n_rows: int) -> Any:
    """The programme column by column: a row a prompt that adds up to one, a row a limit."""
    lp, n_cells = highspy.HighsLp(), len(value)
    lp.num_col_, lp.num_row_ = n_cells, n_rows + len(bounds)
    lp.col_cost_ = -value
    lp.col_lower_, lp.col_upper_ = np.zeros(n_cells), np.ones(n_cells)
    lp.row_lower_ = np.concatenate([np.ones(n_rows), np.full(len(bounds), -np.inf)])
    lp.row_upper_ = np.concatenate([np.ones(n_rows), bounds])
    limit, cell = np.nonzero(uses)
    indices = np.concatenate([row, n_rows + limit])
    cells = np.concatenate([np.arange(n_cells), cell])
    entries = np.concatenate([np.ones(n_cells), uses[limit, cell]])
    order = np.argsort(cells, kind="stable")
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(np.bincount(cells, minlength=n_cells))])
    lp.a_matrix_.index_, lp.a_matrix_.value_ = indices[order], entries[order]
    lp.integrality_ = [highspy.HighsVarType.kInteger] * n_cells
    return lp


def _read(
    highspy: Any,
    solver: Any,
    row: Choice,
    column: Choice,
    n_rows: int,  # Any: highspy has no types
) -> Branched:
    """The answer in the words of this house."""
    status = solver.getModelStatus()
    if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
        return Branched("infeasible", None, -math.inf)
    x = np.array(solver.getSolution().col_value)
    info = solver.getInfo()
    bound = -float(info.mip_dual_bound)
    if len(x) == 0 or info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return Branched("stopped", None, bound)
    choice = np.zeros(n_rows, np.int32)
    taken = x > 0.5
    choice[row[taken]] = column[taken]
    solved = status in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kObjectiveTarget)
    return Branched("solved" if solved else "stopped", choice, bound)
