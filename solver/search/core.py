"""The core: the prompts that a price search may still move, the choices of all others being settled."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
import numpy.typing as npt

from routoo.solver.sums.constraints import Constraints, Totals
from routoo.solver.sums.passes import Answer, Gathered, Picked, PromptSource, Work
from routoo.solver.sums.rows import Floats, Rows, Tables, leads

_LOOK = 65536
"""Prompts whose leads tell how large those of a share are."""

_TIED = 3.0
"""Lead, in temperatures, below which the best choice of a prompt is as good as tied."""


@dataclass(frozen=True, eq=False)
class Unsettled:
    """Some prompts of a batch that are too many to keep: they are picked from each block anew.

    Args:
        prompts: The batch.
        picked: Which of its prompts, ``(n_prompts,)``.
        constraints: The limits, with what is left for them.
    """

    prompts: PromptSource
    picked: npt.NDArray[np.bool_]
    constraints: Constraints

    def __len__(self) -> int:
        return int(np.count_nonzero(self.picked))

    def map(self, work: Work[Answer]) -> Iterator[Answer]:
        """`work(start, rows)` of the prompts of every block, in order."""

        picked = self.picked

        def some(start: int, rows: Rows) -> Answer:
            return work(start, rows.part(np.flatnonzero(picked[start : start + len(rows)])))

        return self.prompts.map(some)


def unsettled(prompts: PromptSource, prices: Floats, lead: float) -> tuple[Unsettled, float]:
    """The prompts whose best choice leads by less than this, with what the others leave; what those gain."""
    constraints, tables = prompts.constraints, prompts.constraints.tables(prices)
    picked = np.empty(len(prompts), np.bool_)

    def work(start: int, rows: Rows) -> Totals:
        best, _, ahead = leads(rows.reduced(tables))
        picked[start : start + len(rows)] = ahead < lead
        settled = np.flatnonzero(ahead >= lead)
        return constraints.totals(rows.part(settled), best[settled])

    totals = reduce(add, prompts.map(work))
    return Unsettled(
        prompts, picked, constraints.bounded(constraints.bounds - constraints.uses(totals))
    ), totals.gained


@dataclass(frozen=True, eq=False)
class Core:
    """Prompts whose best choice leads the second by least.

    Args:
        prompts: Those prompts, with what the settled ones leave of each limit; None where ties abound, so
            that nothing is settled.
        gained: Objective of the settled ones.
        bound: Bound on the objective of all prompts at the prices of the core.
        lead: Least lead of a settled one over its second choice.
        least: What any choices of the core gain at least.
    """

    prompts: Gathered | None
    gained: float
    bound: float
    lead: float
    least: float


def core_of(prompts: Picked, prices: Floats, temperature: float, share: float) -> Core:
    """The core at these prices: this share of the prompts, unless more are tied at this temperature."""
    constraints, tables = prompts.constraints, prompts.constraints.tables(prices)
    every, index, cut = _near(prompts, tables, share)
    bound = every.reduced + float(prices @ constraints.bounds)
    if cut <= _TIED * temperature:
        return Core(None, every.gained, bound, cut, 0.0)
    core = Gathered(prompts.rows(index), constraints)

    def own(start: int, rows: Rows) -> tuple[Totals, float]:
        best, _, _ = leads(rows.reduced(tables))
        least = np.where(np.isneginf(rows.objective), np.inf, rows.objective).min(axis=1)
        return constraints.totals(rows, best), float(least.sum())

    sums, leasts = zip(*core.map(own), strict=True)
    totals = reduce(add, sums)
    left = constraints.bounded(constraints.bounds - (constraints.uses(every) - constraints.uses(totals)))
    return Core(Gathered(core.gathered, left), every.gained - totals.gained, bound, cut, math.fsum(leasts))


def _near(prompts: PromptSource, tables: Tables, share: float) -> tuple[Totals, npt.NDArray[np.intp], float]:
    """Sums of the best choices, the share of the prompts that lead by least, and the lead of the next."""
    constraints, lead = prompts.constraints, np.empty(len(prompts), np.float32)

    def work(start: int, rows: Rows) -> Totals:
        best, top, ahead = leads(rows.reduced(tables))
        lead[start : start + len(rows)] = ahead
        return constraints.totals(rows, best, float(top.sum()))

    every = reduce(add, prompts.map(work))
    look = lead[:: max(len(lead) // _LOOK, 1)]
    at = int(share * len(look))
    cut = float(np.partition(look, at)[at])
    return every, np.flatnonzero(lead < cut), cut
