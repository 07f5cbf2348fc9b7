"""Prices of a pool held against the costs that were recorded."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from routoo.data.costs.recorded_costs import RecordedCosts
from routoo.data.curves import Vector
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.design.finding import Finding

_LEAST_CALLS = 8
_ERRORS = 4.0  # standard errors that are taken for noise
_LEAST_OFF = 0.02
_GROSS = 300.0  # a factor that no guess of output tokens explains
_NEAR = 0.5  # decades from a power of a thousand that are taken for a slip of units

_SLIPS = {
    1: "are prices given per thousand tokens?",
    2: "are prices given per token?",
}


def off_prices(outcomes: Outcomes, pool: Pool) -> Iterator[Finding]:
    """Models whose recorded costs are not what the pool's prices make of their tokens, beyond noise.

    Where costs were recorded and no output tokens, the expected number of them stands in, and only what is
    off by a factor of hundreds is named.
    """
    paid = outcomes.to_matrices(pool.names).cost_usd
    if np.isnan(paid).all():
        return
    unpaid = Outcomes(outcomes.prompts, outcomes.outcomes.drop("cost_usd"), outcomes.name)
    listed = RecordedCosts.of(unpaid, pool)
    for at, name in enumerate(pool.names):
        exact = bool(listed.by_tokens[:, at].any())
        rows = ~np.isnan(paid[:, at] + listed.cost_usd[:, at])
        words = _off(paid[rows, at], listed.cost_usd[rows, at], exact=exact)
        if words is not None:
            yield Finding("price", name, words)


def _off(paid: Vector, listed: Vector, *, exact: bool) -> str | None:
    """How recorded costs differ from listed ones, in words; None where they agree, or too few are known."""
    if len(paid) < _LEAST_CALLS:
        return None
    calls = f"on {len(paid):,} calls"
    if not paid.any() or not listed.any():
        if paid.any() == listed.any():
            return None
        free, dear = ("the pool's prices", "recorded costs") if paid.any() else ("recorded costs", "prices")
        return f"{free} are 0 {calls}, and {dear} are not: unknown is not zero"
    factor = float(paid.sum() / listed.sum())
    noise = math.sqrt(float(np.square(paid - factor * listed).sum())) / float(listed.sum())
    least = max(_LEAST_OFF, _ERRORS * noise)
    if abs(factor - 1) <= least if exact else 1 / _GROSS < factor < _GROSS:
        return None
    power = round(math.log10(factor) / 3)
    if power == 0 or (exact and abs(math.log10(factor) - 3 * power) > _NEAR):
        tokens = "recorded" if exact else "expected"
        return (
            f"recorded costs are {factor:.3g} times what the pool's prices make of {tokens} tokens, {calls}"
        )
    slip = f"{1000 ** abs(power):,}"
    times = f"{slip} times" if power > 0 else f"1/{slip} of"
    asked = _SLIPS.get(power, "is one of them in another unit?")
    return (
        f"recorded costs are about {times} what the pool's prices make, {calls} (factor {factor:.3g}): "
        f"{asked} prices are in USD per million tokens, costs in USD"
    )
