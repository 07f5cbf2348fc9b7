"""Choices for a batch of any size under any limits, with the bound that proves them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from routoo.solver.bracket import fill_large, sampled
from routoo.solver.core import core_of
from routoo.solver.newton import PriceSearch, search_prices
from routoo.solver.passes import Gathered, Picked, Prompts, price_pass
from routoo.solver.rounding import CORES, Rounded, finish, part_of, round_off
from routoo.solver.rows import Floats, Rows
from routoo.solver.smooth import smoothed_pass

SAMPLE = 16384
"""Prompts that the first prices of several limits come from."""

_WARM = 0.1
"""First temperature, as a share of what a choice makes a difference of."""

_CORES = (0.04, 0.02, 0.02, 0.02)
"""Shares of the prompts that are searched, one after the other: each search tells the next where to look."""

_LEAD = 0.05
"""Lead wanted at least, by the spread and the share of the core, for the other prompts to be settled."""


@dataclass(frozen=True, eq=False)
class Assigned:
    """What was found for a batch.

    Args:
        status: `solved`, `infeasible` (proved), or `unsolved` (no choice was found that keeps the limits).
        choice: Chosen model of each prompt, ``(n_prompts,)``; keeps every limit where `solved`.
        bound: Proved bound on the objective as maximised.
        prices: Dual value of each limit, ``(n_limits,)``.
        proved: No choice is better, whatever the bound says.
    """

    status: Literal["solved", "infeasible", "unsolved"]
    choice: npt.NDArray[np.int32]
    bound: float
    prices: Floats
    proved: bool = False


def assign(prompts: Picked, *, tolerance: float, time_limit_s: float) -> Assigned:
    """The best choices within the limits of these prompts.

    Args:
        prompts: The batch.
        tolerance: Relative gap that is good enough.
        time_limit_s: Seconds that a try of branch and bound may take, where several limits bind.
    """
    limits = prompts.ledger.limits
    if not limits:
        choice = np.empty(len(prompts), np.int32)
        bound = price_pass(prompts, np.zeros(0), keep=choice).bound
        return Assigned("solved", choice, bound, np.zeros(0))
    if len(limits) == 1:
        return _under_one(prompts)
    return _under_many(prompts, tolerance, time_limit_s)


def _under_one(prompts: Picked) -> Assigned:
    filled = fill_large(prompts)
    prices = np.array([filled.price])
    if not filled.feasible:
        return Assigned("infeasible", filled.choice, -np.inf, prices)
    bound = price_pass(prompts, prices).bound
    return Assigned("solved", filled.choice, bound, prices, filled.proved)


def _under_many(prompts: Picked, tolerance: float, time_limit_s: float) -> Assigned:
    found = find_prices(prompts, tolerance)
    if found.infeasible:
        return Assigned("infeasible", np.full(len(prompts), -1, np.int32), found.bound, found.prices)
    rounded = _dealt_again(prompts, found, tolerance)
    done = finish(prompts, rounded, tolerance=tolerance, time_limit_s=time_limit_s)
    return Assigned(done.status, done.choice, min(found.bound, done.bound), found.prices)


def _dealt_again(prompts: Picked, found: PriceSearch, tolerance: float) -> Rounded:
    """Whole choices near the soft ones: the most doubtful are priced and dealt again until few are left.

    Dealing out n prompts misses a sum by the root of n. The prompts dealt first stand; the next, fewer
    ones are priced to make up for what they missed.
    """
    rounded = round_off(prompts, found.soft, found.temperature)
    choice, dealt = rounded.choice, rounded.dealt
    for size in reversed(CORES[1:]):
        index = rounded.doubt[:size]
        if dealt <= CORES[0] or len(index) == len(prompts):
            break
        part = part_of(prompts, choice, index).prompts
        scale = replace(_Scale.of(part), least=-np.inf)
        again = _search(part, scale, found.soft, _WARM, tolerance * scale.size)
        nearer = round_off(part, again.soft, again.temperature)
        choice[index], dealt = nearer.choice, nearer.dealt
    return rounded


@dataclass(frozen=True)
class _Scale:
    """How large things are.

    Args:
        spread: What the choice for one prompt typically makes a difference of.
        size: Magnitude of the objective.
        least: What any choice gains at least, in sum.
    """

    spread: float
    size: float
    least: float

    @classmethod
    def of(cls, prompts: Prompts) -> _Scale:
        def work(start: int, rows: Rows) -> tuple[float, float]:
            value = rows.objective
            least = np.where(np.isneginf(value), np.inf, value).min(axis=1)
            return float(value.max(axis=1).sum()), float(least.sum())

        mosts, leasts = zip(*prompts.map(work), strict=True)
        most, least = sum(mosts), sum(leasts)
        return cls((most - least) / len(prompts) or 1.0, max(abs(most), most - least), least)


def find_prices(prompts: Picked, tolerance: float) -> PriceSearch:
    """Prices for the whole batch: where it is large, from a sample, then from the core that this leaves."""
    n, scale, prices = len(prompts), _Scale.of(prompts), np.zeros(len(prompts.ledger.limits))
    enough = 0.05 * tolerance * scale.size
    if n < 4 * SAMPLE:
        return _search(prompts, scale, prices, _WARM, enough)
    part = SAMPLE / n
    sample = Gathered(prompts.rows(sampled(n, SAMPLE)), prompts.ledger.bounded(prompts.ledger.bounds * part))
    found = _search(sample, replace(scale, least=scale.least * part), prices, _WARM, 200 * enough * part)
    return _narrowed(prompts, scale, found, enough) or _search(
        prompts, scale, found.soft, 0.01 * _WARM, enough
    )


def infeasible_in_parts(prompts: Prompts) -> bool:
    """Whether the limits cannot hold even if prompts were shared out among models."""
    scale = replace(_Scale.of(prompts), spread=1.0)
    return _search(prompts, scale, np.zeros(len(prompts.ledger.limits)), _WARM, np.inf).infeasible


def _narrowed(prompts: Picked, scale: _Scale, found: PriceSearch, enough: float) -> PriceSearch | None:
    """Prices from ever nearer cores; None where too much is undecided, or nothing seems feasible."""
    prices, claimed = found.soft, -np.inf
    for share in _CORES:
        if found.infeasible:
            return None
        core = core_of(prompts, prices, share, _LEAD * share * scale.spread)
        if core.bound - claimed <= 0.1 * enough:
            return replace(found, bound=core.bound)
        if core.prompts is None:
            return None
        own = replace(scale, least=scale.least - core.gained)
        found = _search(core.prompts, own, prices, core.lead / scale.spread, enough)
        claimed, prices = found.bound + core.gained, found.prices
    return None


def _search(prompts: Prompts, scale: _Scale, start: Floats, warmth: float, enough: float) -> PriceSearch:
    bounds = prompts.ledger.bounds
    even = smoothed_pass(prompts, np.zeros(len(bounds)), 10 * scale.spread)
    size = np.maximum(np.abs(bounds), np.abs(even.uses))
    return search_prices(
        lambda prices, temperature: smoothed_pass(prompts, prices, temperature),
        bounds,
        units=len(prompts) * scale.spread / np.where(size > 0, size, 1.0),
        spread=scale.spread,
        least=scale.least,
        start=start,
        warmth=warmth,
        enough=max(enough, 1e-12 * scale.spread),
    )
