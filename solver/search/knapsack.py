"""One limit: the hull steps of all prompts in the order of their slopes, and the best swaps at the break."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from routoo.solver.problem import ROUNDING
from routoo.solver.search.hull import Increments, first_choice, increments
from routoo.solver.search.swaps import best_swaps
from routoo.solver.sums.kinds import MOST_KINDS
from routoo.solver.sums.rows import Floats, Rows, Tables, leads
from routoo.solver.sums.sources import At, Kept, Listed, positions
from routoo.solver.sums.tally import tally

CORE = 256
"""Prompts that the finish may change: those that lose least by it."""


@dataclass(frozen=True, eq=False)
class Filled:
    """A choice of every prompt under one limit.

    Args:
        choice: Chosen model of each prompt; the choices of least use where nothing is feasible.
        price: Objective per use where the steps break off; 0 where the limit does not bind.
        slack: Use that is left over there.
        feasible: Whether the limit holds.
        proved: Whether no other choice is better.
    """

    choice: Kept
    price: float
    slack: float
    feasible: bool
    proved: bool = False


@dataclass(frozen=True, eq=False)
class Stairs:
    """The hull steps of all prompts by falling slope, and what they use on the way.

    Args:
        steps: The steps, prompt by prompt.
        order: Positions of the steps by falling slope.
        spent: Use once each of the ordered steps is taken.
        least: Use before any is.
    """

    steps: Increments
    order: npt.NDArray[np.intp]
    spent: Floats
    least: float

    @classmethod
    def build(cls, prompts: Listed, *, low: float = 0.0, high: float = math.inf) -> Stairs:
        """The stairs of the one limit of these prompts, between these slopes: what is steeper is taken."""
        tables = prompts.constraints.tables(np.ones(1))

        def work(at: At, rows: Rows) -> tuple[Increments, float]:
            weight = weights(rows, tables)
            found = increments(rows.objective, weight).between(low, high)
            return found, float(weight[np.arange(len(rows)), found.start].sum())

        parts = list(prompts.map(work))
        steps = Increments.join([part for part, _ in parts])
        least = sum(used for _, used in parts)
        order = np.argsort(-steps.slope, kind="stable")
        return cls(steps, order, least + np.cumsum(steps.weight[order]), least)

    def taken(self, bound: float) -> int:
        """How many steps fit below this bound."""
        return int(np.searchsorted(self.spent, bound, side="right"))

    def price(self, taken: int) -> float:
        """Objective per use of the first step that is not taken; 0 where all are."""
        return float(self.steps.slope[self.order[taken]]) if taken < len(self.order) else 0.0

    def choice(self, taken: int) -> npt.NDArray[np.int32]:
        """The choices once so many steps are taken, ``(n_prompts,)``."""
        choice = self.steps.start.astype(np.int32)
        first = self.order[:taken]
        choice[self.steps.row[first]] = self.steps.column[first]
        return choice


def fill(prompts: Listed) -> Filled:
    """The best choices under the one limit of these prompts: exact for the relaxation, near it when whole."""
    return finished(prompts, relaxed(prompts))


def relaxed(prompts: Listed, *, low: float = 0.0, high: float = math.inf, size: float = 0.0) -> Filled:
    """Hull steps by falling slope until the limit is reached; the one that no longer fits is left out.

    With a part of that step it is the optimum of the relaxation (Sinha and Zoltners, 1979).

    A few prompts may use the last bit that a limit lets pass; many stay within what is stated.

    Args:
        prompts: Prompts with one limit.
        low: Price that is surely too low.
        high: Price that is surely too high.
        size: Magnitude of the sums that the bound is left over from, where it is; their rounding is let pass.
    """
    constraints = prompts.constraints
    bound = float((constraints.most if len(prompts) <= MOST_KINDS else constraints.bounds).item())
    stairs = Stairs.build(prompts, low=low, high=high)
    least = stairs.least
    if least > bound + ROUNDING * max(abs(bound), abs(least), size):
        return Filled(stairs.choice(0), np.inf, 0.0, feasible=False)
    taken = stairs.taken(bound)
    slack = max(bound - (float(stairs.spent[taken - 1]) if taken else least), 0.0)
    price = stairs.price(taken)
    return Filled(stairs.choice(taken), price, slack, feasible=True, proved=price == 0)


def finished(prompts: Listed, filled: Filled) -> Filled:
    """The same answer, its choices changed in place, with what is left over spent on the best swaps."""
    if not filled.feasible or filled.proved:
        return filled
    return replace(filled, proved=_swap(prompts, filled.choice, filled.price, filled.slack))


def least_choice(prompts: Listed) -> Kept:
    """The choices of least use of the one limit, and of those the ones of most value."""
    tables, choice = prompts.constraints.tables(np.ones(1)), prompts.kept(np.int32)

    def work(at: At, rows: Rows) -> int:
        choice[at] = first_choice(rows.objective, weights(rows, tables))
        return 0

    prompts.summed(work)
    return choice


def no_room(prompts: Listed, choice: Kept) -> bool:
    """Whether these are the choices of least use and leave so little that no prompt can have a better one.

    At the edge the dual price is as steep as any, and what rounding leaves of it would be worth much;
    no choice can use more of it, though, than what its own prompt and all others leave when they use least.
    """
    constraints, tables = prompts.constraints, prompts.constraints.tables(np.ones(1))

    def others(at: At, rows: Rows) -> int:
        return int(np.count_nonzero(choice[at] != first_choice(rows.objective, weights(rows, tables))))

    if prompts.summed(others):
        return False
    most = constraints.most.item()
    room = ROUNDING * abs(most) + most - tally(prompts, choice).uses.item()

    def better(at: At, rows: Rows) -> int:
        used, own = weights(rows, tables), choice[at][:, None].astype(np.intp)
        fits = used <= np.take_along_axis(used, own, axis=1) + room
        return int((fits & (rows.objective > np.take_along_axis(rows.objective, own, axis=1))).any())

    return not prompts.summed(better)


def weights(rows: Rows, tables: Tables) -> Floats:
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


def _swap(prompts: Listed, choice: Kept, price: float, slack: float) -> bool:
    """Swaps choices, in place, for those that make most of the slack; whether no answer is better."""
    tables, unit = (prompts.constraints.tables(np.array([units])) for units in (price, 1.0))

    def work(at: At, rows: Rows) -> _Core:
        _, _, lead = leads(rows.reduced(tables))
        near, rest = _nearest(lead)
        few, every = rows.part(near), np.arange(len(near))
        weight, present = weights(few, unit), choice[at][near]
        value = few.objective - price * weight
        loss = value.max(axis=1, keepdims=True) - value
        loss[every, present] = 0.0
        extra = weight - weight[every, present][:, None]
        least = np.where((loss == 0) & (extra == 0), np.inf, loss).min(axis=1)
        return _Core(positions(at)[near], loss, extra, least, rest).smallest()

    core = _Core.join(list(prompts.map(work))).smallest()
    swaps = best_swaps(core.loss, core.extra, price=price, slack=slack)
    choice[core.row[swaps.row]] = swaps.column
    return swaps.proved and swaps.gap <= core.rest


def _nearest(lead: Floats) -> tuple[npt.NDArray[np.intp], float]:
    """Prompts whose best choice leads by least, and the least lead of the others; all, where ties abound."""
    if len(lead) > CORE:
        order = np.argpartition(lead, CORE)
        if lead[order[CORE]] > 0:
            return np.sort(order[:CORE]), float(lead[order[CORE]])
    return np.arange(len(lead)), math.inf
