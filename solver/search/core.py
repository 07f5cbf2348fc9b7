"""The core: the prompts that a price search may still move, the choices of all others being settled."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from routoo.solver.sums.constraints import Totals
from routoo.solver.sums.rows import Floats, Rows, leads
from routoo.solver.sums.sources import At, Few, Kept, Picked

_LOOK = 65536
"""Prompts whose leads tell how large those of a share are."""

_TIED = 3.0
"""Lead, in temperatures, below which the best choice of a prompt is as good as tied."""


def unsettled(prompts: Picked, prices: Floats, lead: float) -> tuple[Few, float]:
    """The prompts whose best choice leads by less than this, with what the others leave; what those gain."""
    constraints, tables = prompts.constraints, prompts.constraints.tables(prices)
    marks = prompts.kept(np.bool_)

    def work(at: At, rows: Rows) -> Totals:
        best, _, ahead = leads(rows.reduced(tables))
        marks[at] = ahead < lead
        settled = np.flatnonzero(ahead >= lead)
        return constraints.totals(rows.part(settled), best[settled])

    totals = prompts.summed(work)
    left = constraints.bounded(constraints.bounds - constraints.uses(totals))
    return prompts.marked(marks, len(prompts) - totals.count, left), totals.gained


@dataclass(frozen=True, eq=False)
class Core:
    """Prompts whose best choice leads the second by least.

    Args:
        prompts: Those prompts, with what the settled ones leave of each limit; None where ties abound, so
            that nothing is settled.
        gained: Objective of the settled ones.
        bound: Bound on the objective of all prompts at the prices of the core.
        lead: Least lead of a settled one over its second choice.
    """

    prompts: Few | None
    gained: float
    bound: float
    lead: float


def core_of(prompts: Picked, prices: Floats, temperature: float, share: float) -> Core:
    """The core at these prices: this share of the prompts, unless more are tied at this temperature."""
    constraints, tables = prompts.constraints, prompts.constraints.tables(prices)
    lead, marks = prompts.kept(np.float32), prompts.kept(np.bool_)

    def work(at: At, rows: Rows) -> Totals:
        best, top, ahead = leads(rows.reduced(tables))
        lead[at] = ahead
        return constraints.totals(rows, best, float(top.sum()))

    every = prompts.summed(work)
    bound = every.reduced + float(prices @ constraints.bounds)
    cut = _cut(lead, len(prompts), share)
    if cut <= _TIED * temperature:
        return Core(None, every.gained, bound, cut)

    def mark(at: At, rows: Rows) -> int:
        marks[at] = lead[at] < cut
        return int(np.count_nonzero(marks[at]))

    def own(at: At, rows: Rows) -> Totals:
        best, _, _ = leads(rows.reduced(tables))
        return constraints.totals(rows, best)

    few = prompts.marked(marks, prompts.summed(mark), constraints)
    totals = few.summed(own)
    left = constraints.bounded(constraints.bounds - (constraints.uses(every) - constraints.uses(totals)))
    return Core(replace(few, constraints=left), every.gained - totals.gained, bound, cut)


def _cut(lead: Kept, n: int, share: float) -> float:
    """The lead below which this share of the prompts lies."""
    look = lead[np.arange(0, n, max(n // _LOOK, 1))]
    at = int(share * len(look))
    return float(np.partition(look, at)[at])
