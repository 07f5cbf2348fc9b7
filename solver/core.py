"""The core: the prompts that a price search may still move, the choices of all others being settled."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from routoo.solver.ledger import Totals
from routoo.solver.passes import Gathered, Picked, choice_totals
from routoo.solver.rows import Floats, Rows, leads


@dataclass(frozen=True, eq=False)
class Core:
    """Prompts whose best choice leads the second by little.

    Args:
        prompts: Those prompts, with what the settled ones leave of each limit; None where leads are small
            everywhere, so that nothing is settled.
        gained: Objective of the settled ones.
        bound: Proved bound on the objective of all prompts at the prices of the core.
        lead: Least lead of a settled one over its second choice.
    """

    prompts: Gathered | None
    gained: float
    bound: float
    lead: float


def core_of(prompts: Picked, prices: Floats, share: float, wanted: float) -> Core:
    """The core at these prices: this share of the prompts, if all others lead by what is wanted."""
    n, ledger = len(prompts), prompts.ledger
    tables = ledger.tables(prices)
    choice, lead = np.empty(n, np.int32), np.empty(n, np.float32)

    def work(start: int, rows: Rows) -> Totals:
        at, (best, top, ahead) = slice(start, start + len(rows)), leads(rows.reduced(tables))
        choice[at], lead[at] = best, ahead
        return ledger.totals(rows, best, float(top.sum()))

    every = reduce(add, prompts.map(work))
    cut = float(np.partition(lead, int(share * n))[int(share * n)])
    bound = every.reduced + float(prices @ ledger.bounds)
    index = np.flatnonzero(lead < cut)
    if not (cut >= wanted and len(index)):
        return Core(None, 0.0, bound, cut)
    rows = prompts.rows(index)
    own = choice_totals(Gathered(rows, ledger), choice[index])
    left = ledger.bounds - (ledger.uses(every) - own.uses)
    return Core(Gathered(rows, ledger.bounded(left)), every.gained - own.gained, bound, cut)
