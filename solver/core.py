"""The core: the prompts that a price search may still move, the choices of all others being settled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.solver.passes import Gathered, InMemory, choice_totals
from routoo.solver.problem import Problem
from routoo.solver.rows import Floats, Rows

SHARE = 0.05
"""Share of the prompts that is gathered: what a fifth of the scores' memory allows, and some."""


@dataclass(frozen=True, eq=False)
class Core:
    """Prompts whose best choice leads the second by little.

    Args:
        prompts: Those prompts, with what the settled ones leave of each limit.
        gained: Objective of the settled ones.
        lead: Least lead of a settled one over its second choice.
    """

    prompts: Gathered
    gained: float
    lead: float


def core_of(problem: Problem, prompts: InMemory, prices: Floats) -> Core:
    """The core at these prices."""
    n, ledger = len(problem), prompts.ledger
    tables = ledger.tables(prices)
    choice, lead = np.empty(n, np.int32), np.empty(n, np.float32)

    def work(start: int, rows: Rows) -> None:
        reduced = rows.reduced(tables)
        best = reduced.argmax(axis=1)
        choice[start : start + len(rows)] = best
        every = np.arange(len(rows))
        top = reduced[every, best]
        reduced[every, best] = -np.inf
        lead[start : start + len(rows)] = top - reduced.max(axis=1)

    for _ in prompts.map(work):
        pass
    cut = float(np.partition(lead, int(SHARE * n))[int(SHARE * n)])
    index: npt.NDArray[np.intp] = np.flatnonzero(lead < cut)
    rows = problem.rows(index)
    everything = choice_totals(prompts, choice)
    own = choice_totals(Gathered(rows, ledger), choice[index])
    left = ledger.bounds - (everything.uses - own.uses)
    return Core(Gathered(rows, ledger.bounded(left)), everything.gained - own.gained, cut)
