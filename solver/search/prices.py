"""Prices for a batch of any size under several limits: from a sample, corrected, then from its core."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from routoo.solver.search.bracket import sampled
from routoo.solver.search.core import core_of, unsettled
from routoo.solver.search.newton import PriceSearch, positive_newton_step, search_prices
from routoo.solver.search.smooth import smoothed_pass
from routoo.solver.sums.passes import ROUNDED, price_pass
from routoo.solver.sums.rows import Floats, Rows
from routoo.solver.sums.sources import At, Gathered, Picked, PromptSource

SAMPLE = 16384
"""Prompts that the first prices come from."""

_WARM = 0.1
"""First temperature, as a share of what a choice makes a difference of."""

_TIED_WARM = 1e-4
"""The same for a whole batch full of ties whose prices are known from a sample, to within what it misses."""

_UNSETTLED = 40.0
"""Lead, in temperatures, from which on a prompt takes no part in a search among ties."""

_NEAR = 3e-4
"""The same from which on a core tells what the whole batch would."""

_BENT = 0.01
"""Temperature at which a sample is asked how uses bend: enough of its prompts must be near a change."""

_STIFF = 1e30
"""Curvature of a limit that no sampled prompt tells anything of: its price stays as it is."""

_CORRECTIONS = 3
_CORES = 8
_CORE = 0.032
"""Share of the prompts that are searched while the others stand."""


@dataclass(frozen=True)
class Scale:
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
    def of(cls, prompts: PromptSource) -> Scale:
        """The scale of these prompts, in one pass."""

        def work(at: At, rows: Rows) -> Floats:
            value = rows.objective
            least = np.where(np.isneginf(value), np.inf, value).min(axis=1)
            return np.array([value.max(axis=1).sum(), least.sum()])

        most, least = prompts.summed(work).tolist()
        return cls((most - least) / len(prompts) or 1.0, max(abs(most), most - least), least)


def find_prices(prompts: Picked, tolerance: float) -> PriceSearch:
    """Prices for the whole batch: where it is large, from a sample, then from the core that this leaves."""
    scale, prices = Scale.of(prompts), np.zeros(len(prompts.constraints.limits))
    enough = 0.05 * tolerance * scale.size
    if len(prompts) < 4 * SAMPLE:
        return search(prompts, scale, prices, _WARM, enough)
    found = _from_sample(prompts, scale, enough)
    if found.infeasible:
        return search(prompts, scale, found.prices, _WARM, enough)
    ended, nearer = _narrowed(prompts, scale, found, enough)
    if ended == "far":
        found = search(prompts, scale, found.soft, 0.04 * _WARM, enough, coldest=_NEAR)
        ended, nearer = _narrowed(prompts, scale, found, enough)
    if ended == "near":
        return nearer
    return _among_ties(prompts, scale, nearer, 4 * enough)


def _sample(prompts: Picked) -> Gathered:
    """Some prompts, with their part of the limits."""
    bounds = prompts.constraints.bounds * (SAMPLE / len(prompts))
    return Gathered(prompts.rows(sampled(len(prompts), SAMPLE)), prompts.constraints.bounded(bounds))


def _from_sample(prompts: Picked, scale: Scale, enough: float) -> PriceSearch:
    """The prices of a sample, corrected by what the whole batch uses at them."""
    sample, part = _sample(prompts), SAMPLE / len(prompts)
    own, start = replace(scale, least=scale.least * part), np.zeros(len(prompts.constraints.limits))
    found = search(sample, own, start, _WARM, 200 * enough * part)
    if found.infeasible:
        return found
    return replace(found, soft=_corrected(prompts, sample, found.soft, _BENT * scale.spread))


def _among_ties(prompts: Picked, scale: Scale, nearer: PriceSearch, enough: float) -> PriceSearch:
    """Prices near these at which the soft choices of a batch full of ties keep the limits."""
    warmth = max(nearer.temperature / scale.spread, _TIED_WARM)
    start = nearer.at(warmth * scale.spread)
    few, gained = unsettled(prompts, start, _UNSETTLED * warmth * scale.spread)
    found = search(few, replace(scale, least=-np.inf), start, warmth, enough, drift=nearer.drift)
    bound = price_pass(prompts, found.prices).bound
    if bound - (found.bound + gained) <= enough:
        return replace(found, bound=bound)
    warmth = 0.01 * _WARM
    own = replace(scale, least=-np.inf)
    start = search(
        _sample(prompts), own, nearer.at(warmth * scale.spread), warmth, enough, coldest=warmth
    ).soft
    return search(prompts, scale, start, warmth, enough)


def _corrected(prompts: Picked, sample: Gathered, prices: Floats, temperature: float) -> Floats:
    """The prices of a sample, moved by what the whole batch uses at them and how the sample's use bends.

    Newton steps whose curvature is the sample's: each leaves the share of the error by which that
    differs from the batch's.
    """
    bend = smoothed_pass(sample, prices, temperature).curvature * len(prompts) / len(sample)
    own = np.diag(bend)
    bend = bend + np.diag(np.where(own > 0, 1e-6 * own, _STIFF))
    best = price_pass(prompts, prices)
    for _ in range(_CORRECTIONS):
        moved = prices + positive_newton_step(prices, prompts.constraints.bounds - best.uses, bend)
        there = price_pass(prompts, np.maximum(moved, 0.0))
        if not there.bound < best.bound:
            break
        prices, best = np.maximum(moved, 0.0), there
    return prices


def infeasible_in_parts(prompts: PromptSource) -> Floats | None:
    """Prices that show that the limits cannot hold, even if prompts were shared out among models; or None."""
    scale = replace(Scale.of(prompts), spread=1.0)
    found = search(prompts, scale, np.zeros(len(prompts.constraints.limits)), _WARM, np.inf)
    return found.prices if found.infeasible and proves_infeasible(prompts, found.prices) else None


def proves_infeasible(prompts: PromptSource, prices: Floats) -> bool:
    """Whether no choices keep the limits: what they could gain at these prices is less than any gain."""
    scale = Scale.of(prompts)
    return price_pass(prompts, prices).bound < scale.least - 2 * ROUNDED * scale.size


def _narrowed(
    prompts: Picked, scale: Scale, found: PriceSearch, enough: float
) -> tuple[Literal["near", "tied", "far"], PriceSearch]:
    """Prices from ever nearer cores, each search telling the next where to look, and how that ended.

    Among ties a core tells what prices are, but not how the prompts outside of it would be shared out.
    """
    claimed, first = -np.inf, found
    for _ in range(_CORES):
        core = core_of(prompts, found.soft, found.temperature, _CORE)
        if core.bound - claimed <= enough and core.prompts is not None:
            return "near", replace(found, bound=core.bound)
        if core.prompts is None:
            return "tied", found
        own = replace(scale, least=Scale.of(core.prompts).least)
        warmth = core.lead / scale.spread
        found = search(core.prompts, own, found.soft, warmth, enough)
        if found.infeasible:
            break
        claimed = found.bound + core.gained
        del core  # else the next would be built beside it
    return "far", first


def search(
    prompts: PromptSource,
    scale: Scale,
    start: Floats,
    warmth: float,
    enough: float,
    *,
    drift: Floats | None = None,
    coldest: float = 1e-7,
) -> PriceSearch:
    """Prices of these prompts by passes over all of them.

    Args:
        prompts: The prompts.
        scale: How large things are.
        start: Prices to start from.
        warmth: First temperature, as a share of the spread.
        enough: Objective that may be lost.
        drift: How prices move with the temperature, where that is known.
        coldest: Last temperature at most, as a share of the spread.
    """
    bounds = prompts.constraints.bounds
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
        drift=drift,
        coldest=coldest,
    )
