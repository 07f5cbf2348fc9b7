"""Limits that cannot hold together: the smallest set of them, and what would do with the others kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from routoo.solver.limits import Limit
from routoo.solver.search.assign import NOTHING, TOLERANCE, Assigned, assign
from routoo.solver.search.bracket import sampled
from routoo.solver.search.prices import SAMPLE, infeasible_in_parts
from routoo.solver.search.tree import MOST_STEPS, search
from routoo.solver.sums.kinds import Kinds
from routoo.solver.sums.rows import Tables
from routoo.solver.sums.sources import Batch, Gathered, Picked
from routoo.solver.sums.tally import tally

_STEPS = MOST_STEPS // 4
"""Steps of a search that tells whether limits can hold, or what would do."""


def conflict(batch: Batch) -> tuple[Limit, ...]:
    """A smallest set of limits that cannot hold together: without any one of them the others can.

    Limits without a price in the proof are left out at once, then others one by one; they stay out where
    the rest still cannot hold (a deletion filter, Chinneck). Few kinds of prompts are searched to the end;
    large batches are tried as a relaxation, on a sample first.
    """
    whole = tuple(batch.constraints.limits)
    left = _priced(batch, whole) or whole
    narrowed = _narrow(batch, left, SAMPLE)
    return narrowed if len(batch) <= SAMPLE or not _can_hold(batch, narrowed, len(batch)) else left


def _narrow(batch: Batch, limits: tuple[Limit, ...], most: int) -> tuple[Limit, ...]:
    left = limits
    for limit in limits:
        fewer = tuple(other for other in left if other is not limit)
        if fewer and not _can_hold(batch, fewer, most):
            left = fewer
    return left


def _priced(batch: Batch, limits: tuple[Limit, ...]) -> tuple[Limit, ...] | None:
    """The limits whose prices show that all of them cannot hold; None where prices do not show it."""
    prices = infeasible_in_parts(batch.asking(limits=limits, aim={}))
    if prices is None:
        return None
    return tuple(limit for limit, price in zip(limits, prices.tolist(), strict=True) if price > 0)


def _can_hold(whole: Batch, limits: tuple[Limit, ...], most: int) -> bool:
    """Whether these limits can hold together, by as many prompts as may be looked at."""
    batch = whole.asking(limits=limits, aim={})
    kinds = Kinds.of(batch)
    if kinds is not None:
        return search(kinds, gap=1.0, most_steps=_STEPS).status != "infeasible"
    prompts: Picked = batch
    if len(batch) > most:
        bounds = batch.constraints.bounds * most / len(batch)
        prompts = Gathered(batch.rows(sampled(len(batch), most)), batch.constraints.bounded(bounds))
    return infeasible_in_parts(prompts) is None


@dataclass(frozen=True)
class Need:
    """A bound that a limit would do with, all others kept.

    Args:
        amount: The bound, as it is used and not as it is stated.
        least: Whether no bound does that is less by a millionth of it.
    """

    amount: float
    least: bool


def need_of(batch: Batch, limit: Limit) -> Need | None:
    """What this limit would need with all others kept; None where no choice is found that keeps the others.

    It is what an assignment of all prompts uses that keeps the others, so that it will do.
    """
    found = assign_least(batch, limit)
    if found.status != "solved":
        return None
    used = float(tally(batch.asking(limits=(limit,)), found.choice).uses.item())
    far = max(TOLERANCE * max(abs(found.bound), abs(used)), NOTHING)
    return Need(limit.sign * used, found.bound + used <= far)


def assign_least(batch: Batch, limit: Limit) -> Assigned:
    """The choices that use least of a limit with all others kept (most, where it is a floor)."""
    kept = tuple(other for other in batch.constraints.limits if other is not limit)
    use = batch.asking(limits=(limit,)).constraints.tables(np.ones(1))
    return assign(batch.asking(limits=kept, aim=use), tolerance=TOLERANCE, most_steps=_STEPS)


def most_served(batch: Batch) -> int | None:
    """How many prompts can be served within the limits, were the others turned away; None if not known."""
    n_models = batch.constraints.n_models
    served: Tables = {"requests": np.array([[-1.0] * n_models + [0.0]])}
    asked = batch.asking(aim=served, spare=True)
    found = assign(asked, tolerance=TOLERANCE, most_steps=_STEPS)
    if found.status != "solved":
        return None
    choice = found.choice
    return asked.summed(lambda at, rows: int(np.count_nonzero(choice[at] < n_models)))
