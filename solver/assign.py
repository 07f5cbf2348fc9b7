"""Choices for a batch of any size under any limits, with the bound that proves them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from routoo.solver.bracket import fill_large
from routoo.solver.newton import PriceSearch
from routoo.solver.passes import Picked, price_pass
from routoo.solver.pricing import Scale, find_prices, search
from routoo.solver.rounding import CORES, Rounded, finish, part_of, round_off
from routoo.solver.rows import Floats

_WARM = 0.1
"""First temperature of a search among the doubtful, as a share of the spread."""


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
    bound = np.inf if filled.proved else price_pass(prompts, prices).bound
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
        scale = replace(Scale.of(part), least=-np.inf)
        again = search(part, scale, found.soft, _WARM, tolerance * scale.size)
        nearer = round_off(part, again.soft, again.temperature)
        choice[index], dealt = nearer.choice, nearer.dealt
    return rounded
