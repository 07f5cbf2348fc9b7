"""One limit at any size: a bracket for the price from a sample, and hull steps for the prompts inside it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from routoo.solver.search.hull import first_choice
from routoo.solver.search.knapsack import Filled, Stairs, fill, finished, relaxed, weights
from routoo.solver.sums.passes import Gathered, Picked
from routoo.solver.sums.rows import Rows

SAMPLE = 16384
"""Prompts that the bracket is read off."""

LEAST_SAMPLE = 1024
"""A sample smaller than this is not worth its pass: the whole batch is."""

SWAPPED = 65536
"""Up to so many prompts, any may be swapped in the end; above, only those of the bracket."""

_SIGMAS = (3.0, 12.0)
"""Standard errors of a sample by which a bracket is wide; the second where the first does not hold."""

_MOST_CORE = 0.06
"""Share of the prompts that may be undecided between the two ends: what the memory of a core allows."""


@dataclass(frozen=True, eq=False)
class _Decided:
    """The prompts of a block that choose the same at both ends of a bracket, and those that do not.

    Args:
        used: What the decided ones use of the limit.
        core: Positions of the others in the batch.
    """

    used: float
    core: npt.NDArray[np.intp]


def sampled(n: int, size: int) -> npt.NDArray[np.intp]:
    """Positions of a fixed random sample, in order."""
    return np.sort(np.random.default_rng(0).choice(n, size, replace=False, shuffle=False))


def fill_large(prompts: Picked) -> Filled:
    """What `fill` answers, by one pass over all prompts and hull steps for a few.

    The best choice of a prompt as a function of the price is a walk along its hull, so a prompt that
    chooses the same at both ends of a bracket chooses it everywhere between. Only the others need their
    steps sorted, and their share falls with the root of the sample.
    """
    n = len(prompts)
    size = min(SAMPLE, n // 8)
    if size < LEAST_SAMPLE:
        return fill(prompts)
    for low, high in _brackets(prompts, size):
        filled = _fill_between(prompts, low, high)
        if filled is not None:
            return filled
    return fill(prompts)


def _brackets(prompts: Picked, size: int) -> list[tuple[float, float]]:
    """Prices between which that of the whole batch lies, but for a small chance; then wider ones."""
    n, constraints = len(prompts), prompts.constraints
    sample = Gathered(prompts.rows(sampled(n, size)), constraints.bounded(constraints.bounds * size / n))
    stairs, bound = Stairs.build(sample), float(sample.constraints.bounds.item())
    choice = stairs.choice(stairs.taken(bound))
    used = weights(sample.gathered, constraints.tables(np.ones(1)))[np.arange(size), choice]
    found = []
    for sigmas in _SIGMAS:
        margin = sigmas * float(used.std()) * math.sqrt(size)
        fewest = stairs.taken(bound - margin)
        high = stairs.price(fewest - 1) if fewest else math.inf
        found.append((stairs.price(stairs.taken(bound + margin)), high))
    return found


def _fill_between(prompts: Picked, low: float, high: float) -> Filled | None:
    """The answer, if its price lies in the bracket and few prompts are undecided there; else None."""
    constraints, choice = prompts.constraints, np.empty(len(prompts), np.int32)
    unit, cheap, dear = (constraints.tables(np.array([price])) for price in (1.0, low, high))

    def work(start: int, rows: Rows) -> _Decided:
        most, _ = rows.best(cheap)
        if math.isinf(high):
            fewest = first_choice(rows.objective, weights(rows, unit))
        else:
            fewest, _ = rows.best(dear)
        same = np.flatnonzero(most == fewest)
        used = constraints.used(0, rows, same, fewest[same])
        choice[start : start + len(rows)] = fewest
        return _Decided(float(used.sum()), start + np.flatnonzero(most != fewest))

    parts = list(prompts.map(work))
    core = np.concatenate([part.core for part in parts])
    if len(core) > max(_MOST_CORE * len(prompts), SAMPLE):
        return None
    spent = sum(part.used for part in parts)
    few = Gathered(prompts.rows(core), constraints.bounded(constraints.bounds - spent))
    filled = relaxed(few, low=low, high=high, size=abs(spent))
    if not (low <= filled.price <= high or math.isinf(high)):
        return None
    if len(prompts) > SWAPPED:
        filled = finished(few, filled)
    choice[core] = filled.choice
    filled = replace(filled, choice=choice)
    return finished(prompts, filled) if len(prompts) <= SWAPPED else replace(filled, proved=False)
