"""Several limits: from prices to whole choices that keep every limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from routoo.solver.ledger import Ledger
from routoo.solver.passes import Gathered, Prompts, choice_totals
from routoo.solver.problem import ROUNDING, Problem
from routoo.solver.programme import Branched, branch
from routoo.solver.rows import Floats, Rows
from routoo.solver.smooth import softmax

_GOLDEN = 0.6180339887498949
_DECIDED = 1.0 - 1e-3
"""Share of a prompt that its first model must have for the prompt to count as decided."""

CORES = (192, 768, 3072)
"""How many of the most doubtful prompts branch and bound may change, one try after the other."""


@dataclass(frozen=True, eq=False)
class Rounded:
    """Whole choices next to the soft ones.

    Args:
        choice: Chosen model of each prompt, ``(n_prompts,)``.
        bound: Proved bound on the objective at the prices.
        doubt: Prompts by how little their best choice leads the second, ``(n_doubtful,)``.
    """

    choice: npt.NDArray[np.int32]
    bound: float
    doubt: npt.NDArray[np.intp]


def round_off(prompts: Prompts, prices: Floats, temperature: float) -> Rounded:
    """Whole choices whose sums stay near those of the soft choices.

    Decided prompts take their best choice. The others are dealt out in proportion to their shares, by a
    sequence of low discrepancy, so that even a million equal prompts are split as the limits ask.
    """
    tables = prompts.ledger.tables(prices)

    def work(start: int, rows: Rows) -> tuple[npt.NDArray[np.int32], float, npt.NDArray[np.intp], Floats]:
        reduced = rows.reduced(tables)
        choice = reduced.argmax(axis=1).astype(np.int32)
        soft = softmax(reduced, temperature)
        open_ = np.flatnonzero(soft.mass * _DECIDED > 1)
        ladder = np.cumsum(soft.share[open_], axis=1)
        dealt = (start + open_) * _GOLDEN % 1.0 * ladder[:, -1]
        soft.lag[np.arange(len(rows)), choice] = -np.inf
        lead = -soft.lag.max(axis=1)
        choice[open_] = (ladder <= dealt[:, None]).sum(axis=1)
        first = (
            np.argpartition(lead, CORES[-1])[: CORES[-1]] if len(rows) > CORES[-1] else np.arange(len(rows))
        )
        return choice, float(soft.top.sum()), start + first, lead[first]

    choices, tops, positions, leads = zip(*prompts.map(work), strict=True)
    position, lead = np.concatenate(positions), np.concatenate(leads)
    order = np.lexsort((position, lead))[: CORES[-1]]
    bound = sum(tops) + float(prices @ prompts.ledger.bounds)
    return Rounded(np.concatenate(choices), bound, position[order])


@dataclass(frozen=True, eq=False)
class Finished:
    """What branch and bound made of rounded choices.

    Args:
        status: `solved`, `infeasible` (proved), or `unsolved` (nothing found in time).
        choice: Choices that keep every limit.
        bound: Proved bound on the objective.
    """

    status: Literal["solved", "infeasible", "unsolved"]
    choice: npt.NDArray[np.int32]
    bound: float


def finish(
    problem: Problem, prompts: Prompts, rounded: Rounded, *, tolerance: float, time_limit_s: float
) -> Finished:
    """Choices that keep every limit, by branch and bound over the prompts in doubt.

    Args:
        problem: Where the prompts are.
        prompts: The same, for passes.
        rounded: Where to start from; the choices of prompts outside the core stand.
        tolerance: Share of the objective by which the core may fall short of its best.
        time_limit_s: Seconds for each core.
    """
    ledger, n = prompts.ledger, len(prompts)
    all_uses = choice_totals(prompts, rounded.choice).uses
    bound = rounded.bound
    for size in CORES:
        core = rounded.doubt[:size]
        rows = problem.rows(core)
        own = Gathered(rows, ledger)
        rest = all_uses - choice_totals(own, rounded.choice[core]).uses
        small = n <= size
        found = _branch_within(
            rows,
            ledger.bounded(ledger.bounds - rest),
            gap=(1e-9 if small else 0.2 * tolerance) * abs(bound),
            time_limit_s=time_limit_s,
        )
        if small:
            bound = min(bound, found.bound)
        if found.choice is not None:
            choice = rounded.choice.copy()
            choice[core] = found.choice
            return Finished("solved", choice, bound)
        if small:
            break
    proved = small and found.status == "infeasible"
    return Finished("infeasible" if proved else "unsolved", rounded.choice, bound)


def _branch_within(rows: Rows, ledger: Ledger, *, gap: float, time_limit_s: float) -> Branched:
    """Branch and bound, with the violation that HiGHS leaves within its tolerance tightened away."""
    bounds, own = ledger.bounds.copy(), Gathered(rows, ledger)
    while True:
        found = branch(rows, ledger.bounded(bounds), gap=gap, time_limit_s=time_limit_s)
        if found.choice is None:
            return found
        over = choice_totals(own, found.choice).uses - ledger.bounds
        if (over <= ROUNDING * np.abs(ledger.bounds)).all():
            return found
        bounds -= 2 * np.maximum(over, 0.0)
