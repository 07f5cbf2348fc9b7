"""Choices for a batch of any size under any limits, with the bound that proves them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from routoo.solver.limits import Only
from routoo.solver.search.bracket import fill_large
from routoo.solver.search.knapsack import Filled, least_choice, no_room
from routoo.solver.search.newton import PriceSearch
from routoo.solver.search.prices import Scale, find_prices, proves_infeasible
from routoo.solver.search.prices import search as search_prices
from routoo.solver.search.rounding import (
    CORES,
    Edge,
    Part,
    Rounded,
    far,
    finish,
    nearer_prices,
    part_at,
    part_of,
    round_off,
)
from routoo.solver.search.tree import MOST_STEPS, search
from routoo.solver.sums.constraints import Constraints
from routoo.solver.sums.kinds import MOST_KINDS, Kinds
from routoo.solver.sums.passes import price_pass
from routoo.solver.sums.rows import Floats, Rows
from routoo.solver.sums.sources import At, Few, Gathered, Kept, Picked, positions
from routoo.solver.sums.tally import Tally, kept, tally

Status = Literal["solved", "infeasible", "unsolved"]

TOLERANCE = 1e-6
"""Relative gap up to which an answer is called optimal."""

NOTHING = 1e-300
"""An objective so small that shares of it are no numbers."""

NOBODY = np.full(0, -1, np.int32)
"""The choices where there are none."""

_FEWER = 8
"""By how much fewer prompts are dealt each time."""

_EVEN = 0.7548776662466927
"""Multiples of it, less their whole parts, fill 0 to 1 evenly, and independently of how prompts are dealt."""

_NEAR = 1e-7
"""Gap up to which a bound needs no further look."""

_WARM = 0.1
"""First temperature of a search among the doubtful, as a share of the spread."""


@dataclass(frozen=True, eq=False)
class Assigned:
    """What was found for a batch.

    Args:
        status: `solved`, `infeasible` (proved), or `unsolved` (no choice was found that keeps the limits).
        choice: Chosen model of each prompt, keeps every limit: where `solved`.
        bound: Proved bound on the objective as maximised.
        prices: Dual value of each limit, ``(n_limits,)``.
        settled: Nothing better is left to be found.
        totals: What the choices add up to, where that is known.
    """

    status: Status
    choice: Kept
    bound: float
    prices: Floats
    settled: bool = False
    totals: Tally | None = None


def assign(
    prompts: Picked,
    *,
    tolerance: float,
    time_limit_s: float = math.inf,
    most_steps: int = MOST_STEPS,
    edge: Edge | None = None,
) -> Assigned:
    """The best choices within the limits of these prompts.

    Args:
        prompts: The batch.
        tolerance: Relative gap that is good enough.
        time_limit_s: Seconds that a search of a few prompts may take, where several limits bind.
        most_steps: Steps that a search of a few kinds of prompts may take.
        edge: What is asked for choices where a search among the doubtful breaks off without any.
    """
    limits = prompts.constraints.limits
    if not limits:
        return assign_each(prompts)
    if all(limit.only.domain is not None for limit in limits):
        return _by_domain(prompts, tolerance, time_limit_s, most_steps)
    found = fill_under_one(prompts) if len(limits) == 1 else None
    if found is not None and (found.settled or len(prompts) > MOST_KINDS):
        return found
    kinds = Kinds.of(prompts)
    if kinds is not None:
        first = None if found is None else found.choice
        return searched(kinds, first=first, time_limit_s=time_limit_s, most_steps=most_steps)
    return _under_many(prompts, tolerance, time_limit_s, edge)


def assign_each(prompts: Picked) -> Assigned:
    """The best choice of each prompt by itself, where nothing couples them."""
    choice = prompts.kept(np.int32)
    price_pass(prompts, np.zeros(0), keep=choice)
    totals = tally(prompts, choice)
    return Assigned("solved", choice, totals.gained, np.zeros(0), settled=True, totals=totals)


def _by_domain(prompts: Picked, tolerance: float, time_limit_s: float, most_steps: int) -> Assigned:
    """The best choices under limits of single domains: each domain by itself."""
    limits = prompts.constraints.limits
    domain = _domains(prompts)
    found_all, prices, bounds = np.empty(len(prompts), np.int32), np.zeros(len(limits)), []
    order = np.argsort(domain, kind="stable")
    for index in np.split(order, np.flatnonzero(np.diff(domain[order])) + 1):
        own = np.array(
            [at for at, limit in enumerate(limits) if limit.only.domain == domain[index[0]]], np.intp
        )
        alone = [replace(limits[at], only=Only(limits[at].only.column)) for at in own.tolist()]
        constraints = Constraints(alone, prompts.constraints.n_models, 1, prompts.constraints.bounds[own])
        part = Gathered(prompts.rows(index).of_domain(int(domain[index[0]])), constraints)
        found = assign(part, tolerance=tolerance, time_limit_s=time_limit_s, most_steps=most_steps)
        prices[own] = found.prices
        if found.status != "solved":
            return Assigned(found.status, NOBODY, price_pass(prompts, prices).bound, prices)
        found_all[index] = found.choice[: len(index)]
        bounds.append(found.bound)
    choice = prompts.kept(np.int32)
    choice[: len(prompts)] = found_all
    return Assigned("solved", choice, math.fsum(bounds) + math.ulp(math.fsum(bounds)), prices)


def _domains(prompts: Picked) -> npt.NDArray[np.intp]:
    """The domain of each prompt, ``(n_prompts,)``."""

    def work(at: At, rows: Rows) -> list[npt.NDArray[np.intp]]:
        return [] if rows.domain is None else [rows.domain]

    return np.concatenate(prompts.summed(work))


def searched(
    kinds: Kinds,
    *,
    first: Kept | None = None,
    time_limit_s: float = math.inf,
    most_steps: int = MOST_STEPS,
) -> Assigned:
    """The best choices of a few kinds of prompts, by a search to the end."""
    counts = None if first is None else kinds.counts(first)
    found = search(kinds, first=counts, time_limit_s=time_limit_s, most_steps=most_steps)
    choice = NOBODY if found.counts is None else kinds.choice(found.counts)
    return Assigned(found.status, choice, found.bound, found.prices)


def fill_under_one(prompts: Picked, *, filled: Filled | None = None) -> Assigned:
    """The choices under one limit by hull steps, with a bound that counts its rounding in."""
    filled = filled or fill_large(prompts)
    choice, totals = filled.choice, kept(prompts, filled.choice) if filled.feasible else None
    if totals is None:
        choice = least_choice(prompts)
        totals = kept(prompts, choice)
    if totals is None:
        return Assigned("infeasible", NOBODY, -np.inf, np.zeros(1), settled=True)
    prices = np.array([0.0 if math.isinf(filled.price) else filled.price])
    passed = price_pass(prompts, prices)
    near = passed.bound - totals.gained <= _NEAR * abs(totals.gained)
    proved = filled.proved or (not near and no_room(prompts, choice))
    bound = min(passed.bound, totals.gained + 2 * passed.error) if proved else passed.bound
    settled = proved and bound - totals.gained <= _NEAR * abs(totals.gained)
    return Assigned("solved", choice, bound, prices, settled=settled, totals=totals)


def _under_many(prompts: Picked, tolerance: float, time_limit_s: float, edge: Edge | None) -> Assigned:
    found = find_prices(prompts, tolerance)
    if found.infeasible and proves_infeasible(prompts, found.prices):
        return Assigned("infeasible", NOBODY, -np.inf, found.prices)
    rounded = _dealt_again(prompts, found, tolerance)
    finished = finish(
        prompts,
        rounded,
        found.soft,
        found.bound,
        tolerance=tolerance,
        time_limit_s=time_limit_s,
        edge=edge,
    )
    prices, bound = found.prices, price_pass(prompts, found.prices).bound
    if finished is None:
        return Assigned("unsolved", NOBODY, bound, prices)
    totals, choice = finished
    if far(bound, totals.gained):
        nearer = nearer_prices(prompts, replace(rounded, choice=choice), prices, bound - totals.gained)
        again = price_pass(prompts, nearer).bound
        prices, bound = (nearer, again) if again < bound else (prices, bound)
    return Assigned("solved", choice, bound, prices, totals=totals)


def _dealt_again(prompts: Picked, found: PriceSearch, tolerance: float) -> Rounded:
    """Whole choices near the soft ones: the doubtful are priced and dealt again, fewer each time.

    Dealing out n prompts misses a sum by the root of n at most. What was dealt stands, but for some of it
    that is priced to make up for what was missed, and dealt anew: where ties leave many prompts in
    doubt, an even sample of them, which can move whatever they can; in the end those of least lead.
    """
    choice = prompts.kept(np.int32)
    rounded = round_off(prompts, choice, prompts.kept(np.bool_), found.soft, found.temperature)
    share = 1.0
    while rounded.n_dealt > CORES[-1]:
        fewer = max(1 / _FEWER, CORES[-1] / rounded.n_dealt)
        share *= fewer
        part = part_of(prompts, choice, _sampled(prompts, rounded, share))
        rounded = _dealt_among(part, prompts, choice, found.soft, tolerance)
        if fewer > 1 / _FEWER:
            break
    doubt, dealt = rounded.doubt, rounded.n_dealt
    for size in reversed(CORES[1:]):
        if dealt <= CORES[0]:
            break
        if size < len(doubt):
            few = part_at(prompts, choice, doubt[:size])
            dealt = _dealt_among(few, prompts, choice, found.soft, tolerance).n_dealt
    return replace(rounded, doubt=doubt)


def _sampled(prompts: Picked, rounded: Rounded, share: float) -> Few:
    """Of the prompts that were dealt out an even sample: those of a share of all positions."""
    marks = prompts.kept(np.bool_)

    def mark(at: At, rows: Rows) -> int:
        marks[at] = rounded_dealt[at] & (positions(at) * _EVEN % 1.0 < share)
        return int(np.count_nonzero(marks[at]))

    rounded_dealt = rounded.dealt
    return prompts.marked(marks, prompts.summed(mark), prompts.constraints)


def _dealt_among(
    part: Part[Gathered] | Part[Few], prompts: Picked, choice: Kept, start: Floats, tolerance: float
) -> Rounded:
    """Deals some prompts of a batch again, in place; which are most in doubt, and which were dealt."""
    few = part.prompts
    scale = replace(Scale.of(few), least=-np.inf)
    again = search_prices(few, scale, start, _WARM, tolerance * scale.size)
    return round_off(few, choice, prompts.kept(np.bool_), again.soft, again.temperature)
