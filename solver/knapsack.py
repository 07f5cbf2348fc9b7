"""One limit: the hull steps of all prompts in the order of their slopes, and the best swaps at the break."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.solver.hull import Increments, increments
from routoo.solver.passes import Prompts
from routoo.solver.problem import ROUNDING
from routoo.solver.rows import Floats, Rows, Tables
from routoo.solver.swaps import best_swaps

CORE = 256
"""Prompts that the finish may change: those that lose least by it."""


@dataclass(frozen=True, eq=False)
class Filled:
    """A choice of every prompt under one limit.

    Args:
        choice: Chosen model, ``(n_prompts,)``; the choices of least use where nothing is feasible.
        price: Objective per use where the steps break off; 0 where the limit does not bind.
        least: Use of the choices of least use.
        feasible: Whether the limit holds.
        proved: Whether no other choice is better.
    """

    choice: npt.NDArray[np.int32]
    price: float
    least: float
    feasible: bool
    proved: bool


def fill(prompts: Prompts) -> Filled:
    """The best choices under the one limit of these prompts: exact for the relaxation, near it when whole.

    The relaxation of the multiple-choice knapsack is solved by taking hull steps by falling slope until
    the limit is reached (Sinha and Zoltners, 1979); the one step that no longer fits is left out, and
    what is left over goes to the swaps that lose least.
    """
    bound = float(prompts.ledger.bounds.item())
    tables = prompts.ledger.tables(np.ones(1))

    def work(start: int, rows: Rows) -> tuple[Increments, Floats]:
        weight = _weights(rows, tables)
        found = increments(rows.objective, weight)
        return found, weight[np.arange(len(rows)), found.start]

    parts = list(prompts.map(work))
    steps = Increments.join([part for part, _ in parts])
    least = float(np.concatenate([used for _, used in parts]).sum())
    choice = steps.start.astype(np.int32)
    if least > bound + ROUNDING * max(abs(bound), abs(least)):
        return Filled(choice, np.inf, least, feasible=False, proved=True)
    order = np.argsort(-steps.slope, kind="stable")
    spent = least + np.cumsum(steps.weight[order])
    taken = int(np.searchsorted(spent, bound, side="right"))
    choice[steps.row[order[:taken]]] = steps.column[order[:taken]]
    if taken == len(order):
        return Filled(choice, 0.0, least, feasible=True, proved=True)
    price = float(steps.slope[order[taken]])
    slack = max(bound - (float(spent[taken - 1]) if taken else least), 0.0)
    proved = _finish(prompts, choice, price, slack)
    return Filled(choice, price, least, feasible=True, proved=proved)


def _weights(rows: Rows, tables: Tables) -> Floats:
    """Use of each choice, ``(r, n_models)``."""
    return np.broadcast_to(np.asarray(rows.used(tables), np.float64), rows.score.shape)


@dataclass(frozen=True, eq=False)
class _Core:
    """The prompts that lose least by a swap; `rest` is the least that any other one would lose."""

    row: npt.NDArray[np.intp]
    loss: Floats
    extra: Floats
    least: Floats
    rest: float

    @classmethod
    def join(cls, parts: Sequence[_Core]) -> _Core:
        return cls(
            np.concatenate([part.row for part in parts]),
            np.concatenate([part.loss for part in parts]),
            np.concatenate([part.extra for part in parts]),
            np.concatenate([part.least for part in parts]),
            min(part.rest for part in parts),
        )

    def smallest(self) -> _Core:
        if len(self.row) <= CORE:
            return self
        order = np.argpartition(self.least, CORE)
        keep = np.sort(order[:CORE])
        rest = min(self.rest, float(self.least[order[CORE]]))
        return _Core(self.row[keep], self.loss[keep], self.extra[keep], self.least[keep], rest)


def _finish(prompts: Prompts, choice: npt.NDArray[np.int32], price: float, slack: float) -> bool:
    """Swaps choices, in place, for those that make most of the slack; whether no answer is better."""
    tables = prompts.ledger.tables(np.ones(1))

    def work(start: int, rows: Rows) -> _Core:
        weight, every = _weights(rows, tables), np.arange(len(rows))
        present = choice[start : start + len(rows)]
        value = rows.objective - price * weight
        loss = value.max(axis=1, keepdims=True) - value
        loss[every, present] = 0.0
        extra = weight - weight[every, present][:, None]
        least = np.where((loss == 0) & (extra == 0), np.inf, loss).min(axis=1)
        return _Core(every + start, loss, extra, least, np.inf).smallest()

    core = _Core.join(list(prompts.map(work))).smallest()
    swaps = best_swaps(core.loss, core.extra, price=price, slack=slack)
    choice[core.row[swaps.row]] = swaps.column
    return swaps.proved and swaps.gap <= core.rest
