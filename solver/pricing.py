"""Prices for a batch of any size under several limits: from a sample, corrected, then from its core."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from routoo.solver.bracket import sampled
from routoo.solver.core import core_of
from routoo.solver.newton import PriceSearch, positive_newton_step, search_prices
from routoo.solver.passes import ROUNDED, Gathered, Picked, Prompts, price_pass
from routoo.solver.rows import Floats, Rows
from routoo.solver.smooth import smoothed_pass

SAMPLE = 16384
"""Prompts that the first prices come from."""

_WARM = 0.1
"""First temperature, as a share of what a choice makes a difference of."""

_BENT = 0.01
"""Temperature at which a sample is asked how uses bend: enough of its prompts must be near a change."""

_STIFF = 1e30
"""Curvature of a limit that no sampled prompt tells anything of: its price stays as it is."""

_CORRECTIONS = 3
_CORES = (0.03, *[0.02] * 6)
"""Shares of the prompts that are searched, one after the other: each search tells the next where to look."""

_LEAD = 0.05
"""Lead wanted at least, by the spread and the share of the core, for the other prompts to be settled."""


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
    def of(cls, prompts: Prompts) -> Scale:
        """The scale of these prompts, in one pass."""

        def work(start: int, rows: Rows) -> tuple[float, float]:
            value = rows.objective
            least = np.where(np.isneginf(value), np.inf, value).min(axis=1)
            return float(value.max(axis=1).sum()), float(least.sum())

        mosts, leasts = zip(*prompts.map(work), strict=True)
        most, least = math.fsum(mosts), math.fsum(leasts)
        return cls((most - least) / len(prompts) or 1.0, max(abs(most), most - least), least)


def find_prices(prompts: Picked, tolerance: float) -> PriceSearch:
    """Prices for the whole batch: where it is large, from a sample, then from the core that this leaves."""
    n, scale, prices = len(prompts), Scale.of(prompts), np.zeros(len(prompts.ledger.limits))
    enough = 0.05 * tolerance * scale.size
    if n < 4 * SAMPLE:
        return search(prompts, scale, prices, _WARM, enough)
    part = SAMPLE / n
    sample = Gathered(prompts.rows(sampled(n, SAMPLE)), prompts.ledger.bounded(prompts.ledger.bounds * part))
    found = search(sample, replace(scale, least=scale.least * part), prices, _WARM, 200 * enough * part)
    if not found.infeasible:
        prices = _corrected(prompts, sample, found.soft, _BENT * scale.spread)
        nearer = _narrowed(prompts, scale, prices, enough)
        if nearer is not None:
            return nearer
    return search(prompts, scale, prices if prices.any() else found.soft, 0.01 * _WARM, enough)


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
        moved = prices + positive_newton_step(prices, prompts.ledger.bounds - best.uses, bend)
        there = price_pass(prompts, np.maximum(moved, 0.0))
        if not there.bound < best.bound:
            break
        prices, best = np.maximum(moved, 0.0), there
    return prices


def infeasible_in_parts(prompts: Prompts) -> Floats | None:
    """Prices that show that the limits cannot hold, even if prompts were shared out among models; or None."""
    scale = replace(Scale.of(prompts), spread=1.0)
    found = search(prompts, scale, np.zeros(len(prompts.ledger.limits)), _WARM, np.inf)
    return found.prices if found.infeasible and proves_infeasible(prompts, found.prices) else None


def proves_infeasible(prompts: Prompts, prices: Floats) -> bool:
    """Whether no choices keep the limits: what they could gain at these prices is less than any gain."""
    scale = Scale.of(prompts)
    return price_pass(prompts, prices).bound < scale.least - 2 * ROUNDED * scale.size


def _narrowed(prompts: Picked, scale: Scale, prices: Floats, enough: float) -> PriceSearch | None:
    """Prices from ever nearer cores; None where too much is undecided, or nothing seems feasible."""
    found, claimed = None, -np.inf
    for share in _CORES:
        core = core_of(prompts, prices, share, _LEAD * share * scale.spread)
        if found is not None and core.bound - claimed <= enough:
            return replace(found, bound=core.bound)
        if core.prompts is None:
            return None
        own = replace(scale, least=scale.least - core.gained)
        found = search(core.prompts, own, prices, core.lead / scale.spread, enough)
        if found.infeasible:
            return None
        claimed, prices = found.bound + core.gained, found.prices
    return None


def search(prompts: Prompts, scale: Scale, start: Floats, warmth: float, enough: float) -> PriceSearch:
    """Prices of these prompts by passes over all of them.

    Args:
        prompts: The prompts.
        scale: How large things are.
        start: Prices to start from.
        warmth: First temperature, as a share of the spread.
        enough: Objective that may be lost.
    """
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
