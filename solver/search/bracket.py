"""One limit at any size: ever narrower brackets for its price, and hull steps for the prompts left inside."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from routoo.solver.search.hull import first_choice
from routoo.solver.search.knapsack import Filled, Stairs, fill, finished, relaxed, weights
from routoo.solver.search.smooth import GOLDEN
from routoo.solver.sums.passes import choice_totals
from routoo.solver.sums.rows import Floats, Rows
from routoo.solver.sums.sources import At, Gathered, Kept, Picked, PromptSource, are_few, positions

SAMPLE = 16384
"""Prompts that the bracket is read off."""

LEAST_SAMPLE = 1024
"""A sample smaller than this is not worth its pass: the whole batch is."""

SWAPPED = 65536
"""Up to so many prompts, any may be swapped in the end; above, only those of the bracket."""

_SIGMAS = 3.0
"""Standard errors of a sample by which a bracket is wide."""

_TIED = 1e-9
"""Share of a price that two prices of tied prompts lie apart at most."""

_ROUNDS = 64
"""Brackets after which the prompts of the last one are taken for tied."""

_PLACES = 1024
"""Parts of a batch whose sums are looked at together."""


@dataclass(frozen=True, eq=False)
class _Bracket:
    """Prices between which the one lies that is looked for, and the prompts that choose otherwise at them.

    Args:
        low: The lower price.
        high: The higher one; infinity where none is known.
        few: Those prompts, with what the others leave of the limit.
        spent: What the others use.
        feasible: Whether the choices at the higher price keep the limit.
    """

    low: float
    high: float
    few: PromptSource
    spent: float
    feasible: bool = True

    @property
    def left(self) -> float:
        """What the others leave."""
        return float(self.few.constraints.bounds.item())


def sampled(n: int, size: int) -> npt.NDArray[np.intp]:
    """Positions of a fixed random sample, in order."""
    return np.sort(np.random.default_rng(0).choice(n, size, replace=False, shuffle=False))


def fill_large(prompts: Picked) -> Filled:
    """What `fill` answers, by few passes over all prompts and hull steps for a few.

    The best choice of a prompt as a function of the price is a walk along its hull, so a prompt that
    chooses the same at both ends of a bracket chooses it everywhere between. Only the others need their
    steps sorted, and their share falls with the root of the sample: where they are still many, a sample
    of them narrows the bracket, and so on.
    """
    n = len(prompts)
    if n // 8 < LEAST_SAMPLE:
        return fill(prompts)
    choice = prompts.kept(np.int32)
    bracket = _narrowed(prompts, choice)
    if not isinstance(bracket.few, Gathered):
        return Filled(choice, np.inf, 0.0, feasible=False)
    at, few = bracket.few.places, replace(bracket.few, at=None)
    filled = relaxed(few, low=bracket.low, high=bracket.high, size=abs(bracket.spent))
    if filled.price < bracket.low:  # all steps inside are taken
        filled = replace(filled, price=bracket.low, proved=False)
    if n > SWAPPED:
        filled = finished(few, filled)
    choice[at] = filled.choice
    filled = replace(filled, choice=choice)
    return finished(prompts, filled) if n <= SWAPPED else replace(filled, proved=False)


def _narrowed(prompts: Picked, choice: Kept) -> _Bracket:
    """A bracket with few prompts inside, unless none is feasible; the others have made their choices."""
    bracket = _Bracket(0.0, math.inf, prompts, 0.0)
    for _ in range(_ROUNDS):
        low, near, high = _ends(prompts, bracket)
        tied = high <= low * (1 + _TIED)
        if tied:
            low, high = low * (1 - _TIED), high * (1 + _TIED)
        inside = _inside(prompts, bracket, choice, low, high)
        if not are_few(len(inside.few)) and inside.low == low and inside.high == high and tied:
            break
        if len(inside.few) > len(bracket.few) / 2 and not are_few(len(inside.few)):
            if not inside.low < near < inside.high:
                near = math.sqrt(inside.low) * math.sqrt(inside.high)
            if not inside.low < near < inside.high:
                break
            inside = _inside(prompts, inside, choice, near, near)  # two prices, say, and none between
        if are_few(len(inside.few)) or not inside.feasible:
            return inside
        bracket = inside
    return _by_place(prompts, inside, choice)


def _ends(prompts: Picked, bracket: _Bracket) -> tuple[float, float, float]:
    """The price at which a sample of the prompts of a bracket breaks off, between two that are far off."""
    few, size = bracket.few, min(SAMPLE, len(prompts) // 8)
    at = sampled(len(prompts), size) if few is prompts else _drawn(few, size)
    sample = Gathered(prompts.rows(at), few.constraints.bounded(few.constraints.bounds * len(at) / len(few)))
    stairs, bound = Stairs.build(sample, low=bracket.low, high=bracket.high), sample.constraints.bounds.item()
    choice = stairs.choice(stairs.taken(bound))
    used = weights(sample.gathered, few.constraints.tables(np.ones(1)))[np.arange(len(at)), choice]
    margin = _SIGMAS * float(used.std()) * math.sqrt(len(at))
    fewest = stairs.taken(bound - margin)
    high = stairs.price(fewest - 1) if fewest else bracket.high
    low = stairs.price(stairs.taken(bound + margin))
    return max(low, bracket.low), stairs.price(stairs.taken(bound)), high


def _drawn(few: PromptSource, size: int) -> npt.NDArray[np.intp]:
    """Positions of an even sample of these prompts."""
    share = size / len(few)

    def draw(at: At, rows: Rows) -> list[npt.NDArray[np.intp]]:
        own = positions(at)
        return [own[own * GOLDEN % 1.0 < share]]

    return np.concatenate(few.summed(draw))


def _inside(prompts: Picked, bracket: _Bracket, choice: Kept, low: float, high: float) -> _Bracket:
    """The bracket between these prices, or the part of it where the price lies if it is not between them.

    The prompts that choose the same at both ends make this choice, and the others that of the higher price.
    """
    few, left, marks = bracket.few, bracket.left, prompts.kept(np.bool_)
    constraints = few.constraints
    unit, cheap, dear = (constraints.tables(np.array([price])) for price in (1.0, low, high))

    def work(at: At, rows: Rows) -> Floats:
        most, _ = rows.best(cheap)
        if math.isinf(high):
            fewest = first_choice(rows.objective, weights(rows, unit))
        else:
            fewest, _ = rows.best(dear)
        other, every = most != fewest, np.arange(len(rows))
        choice[at], marks[at] = fewest, other
        used = constraints.used(0, rows, every, fewest)
        more = constraints.used(0, rows, every[other], most[other]).sum() - used[other].sum()
        return np.array([used[~other].sum(), used.sum(), more, np.count_nonzero(other)])

    same, least, more, count = few.summed(work).tolist()
    if least > left and high < bracket.high:
        return _inside(prompts, bracket, choice, high, bracket.high)
    if least + more < left and low > bracket.low:
        return _inside(prompts, bracket, choice, bracket.low, low)
    inside = prompts.marked(marks, int(count), constraints.bounded(constraints.bounds - same))
    return _Bracket(low, high, inside, bracket.spent + same, least <= left or high < math.inf)


def _by_place(prompts: Picked, bracket: _Bracket, choice: Kept) -> _Bracket:
    """The same where all prompts inside have one price: those before some place get the dearer choice."""
    few, marks, constraints = bracket.few, prompts.kept(np.bool_), bracket.few.constraints
    cheap = constraints.tables(np.array([bracket.low]))
    left = bracket.left - choice_totals(few, choice).uses.item()
    first, last = 0, len(prompts)
    while not are_few(last - first):
        width = -(-(last - first) // _PLACES)
        until = _more_by_place(few, choice, bracket.low, (first, last), width).cumsum()
        place = min(int(np.searchsorted(until, left, side="right")), (last - first - 1) // width)
        left -= float(until[place - 1]) if place else 0.0
        first, last = first + place * width, min(first + (place + 1) * width, last)

    def settle(at: At, rows: Rows) -> Floats:
        place = positions(at)
        own = np.where(place < first, rows.best(cheap)[0], choice[at])
        inside = (place >= first) & (place < last)
        choice[at], marks[at], settled = own, inside, np.flatnonzero(~inside)
        return np.array([constraints.used(0, rows, settled, own[settled]).sum(), np.count_nonzero(inside)])

    spent, count = few.summed(settle).tolist()
    inside = prompts.marked(marks, int(count), constraints.bounded(constraints.bounds - spent))
    return _Bracket(bracket.low, bracket.high, inside, bracket.spent + spent)


def _more_by_place(
    few: PromptSource, choice: Kept, price: float, between: tuple[int, int], width: int
) -> Floats:
    """What the best choices at a price use more than those made, summed by place, ``(_PLACES,)``."""
    constraints, (first, last) = few.constraints, between
    tables = constraints.tables(np.array([price]))

    def work(at: At, rows: Rows) -> Floats:
        place, every = positions(at), np.arange(len(rows))
        used = constraints.used(0, rows, every, rows.best(tables)[0])
        used -= constraints.used(0, rows, every, choice[at].astype(np.intp))
        inside = (place >= first) & (place < last)
        sums = np.bincount((place[inside] - first) // width, used[inside], _PLACES)
        return sums.astype(np.float64, copy=False)

    return few.summed(work)
