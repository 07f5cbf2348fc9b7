"""The price search: Newton steps on the smoothed dual while the temperature falls. Sums are all it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from routoo.solver.rows import Floats
from routoo.solver.smooth import Smoothed

Sums = Callable[[Floats, float], Smoothed]
"""Prices and a temperature to the sums of a smoothed pass, wherever the prompts are."""

_COOLING = 0.3
_MOST_STEPS = 40
_RIDGE = 1e-9


@dataclass(frozen=True, eq=False)
class PriceSearch:
    """Where a price search ended.

    Args:
        prices: One a limit, at least 0: those of the best bound that was seen.
        bound: Proved bound on the objective at these prices.
        temperature: Where the cooling ended.
        soft: Prices at the end of the cooling, for which the soft choices nearly keep the limits.
        passes: How many passes it took.
        infeasible: Whether the bound fell below what any choice gains: then no choice keeps the limits.
    """

    prices: Floats
    bound: float
    temperature: float
    soft: Floats
    passes: int
    infeasible: bool = False


def search_prices(
    sums: Sums,
    bounds: Floats,
    *,
    units: Floats,
    spread: float,
    least: float,
    start: Floats,
    warmth: float,
    enough: float,
    coldest: float = 1e-7,
) -> PriceSearch:
    """Prices that minimise the Lagrangian bound, to within `enough` of the objective.

    The dual function is polyhedral; smoothed by a temperature it is convex and twice differentiable, and
    its minimiser moves little when the temperature falls by a factor. Newton's method then needs one to
    three passes a temperature, however many limits there are (Nesterov's smoothing, followed as a path).
    The bound reported is that of the unsmoothed dual function, which holds at any prices.

    Args:
        sums: The pass.
        bounds: Right-hand sides, ``(n_limits,)``: uses are to be at most these.
        units: A natural price of each limit, ``(n_limits,)``: steps much beyond it are cut.
        spread: Objective that a choice typically makes a difference of; temperatures are shares of it.
        least: What any choice gains at least, in sum: a bound below it proves that nothing is feasible.
        start: Prices to start from.
        warmth: First temperature, as a share of the spread.
        enough: Objective that the soft choices may lose when the search ends.
        coldest: Last temperature at most, as a share of the spread.
    """
    search = _Search(sums, bounds, units, least)
    temperature = warmth * spread
    prices = start
    while True:
        prices, loss = search.settle(prices, temperature)
        if search.infeasible or loss <= enough or temperature <= coldest * spread:
            break
        temperature *= _COOLING
    return PriceSearch(search.best, search.bound, temperature, prices, search.passes, search.infeasible)


class _Search:
    """The state of a search: the best bound so far."""

    def __init__(self, sums: Sums, bounds: Floats, units: Floats, least: float) -> None:
        self.sums, self.bounds, self.units, self.least = sums, bounds, units, least
        self.best, self.bound, self.passes = np.zeros(len(bounds)), np.inf, 0

    @property
    def infeasible(self) -> bool:
        return self.bound < self.least

    def look(self, prices: Floats, temperature: float) -> tuple[float, Smoothed]:
        """Value of the smoothed dual function, and the sums behind it."""
        self.passes += 1
        found = self.sums(prices, temperature)
        priced = float(prices @ self.bounds)
        if found.hard + priced < self.bound:
            self.best, self.bound = prices, found.hard + priced
        return found.value + priced, found

    def settle(self, prices: Floats, temperature: float) -> tuple[Floats, float]:
        """Minimises at one temperature; the prices, and what the soft choices lose."""
        value, found = self.look(prices, temperature)
        for _ in range(_MOST_STEPS):
            slope = self.bounds - found.uses
            step = self._step(prices, slope, found.curvature, temperature)
            gain = -float(slope @ step)
            if self.infeasible or gain <= 0.1 * temperature + 1e-10 * abs(value):
                break
            length = 1.0
            while True:
                nearby = np.maximum(prices + length * step, 0.0)
                reached, there = self.look(nearby, temperature)
                if reached <= value + 1e-4 * float(slope @ (nearby - prices)) or self.infeasible:
                    break
                length *= 0.3
                if length < 1e-4:
                    return prices, found.loss
            prices, value, found = nearby, reached, there
        return prices, found.loss + float(prices @ np.maximum(self.bounds - found.uses, 0.0))

    def _step(self, prices: Floats, slope: Floats, curvature: Floats, temperature: float) -> Floats:
        """The Newton step that keeps prices at least 0, cut to a few natural prices."""
        bend = np.diag(curvature)
        ridge = _RIDGE * (bend + (bend @ self.units**2 + temperature) / self.units**2)
        step = positive_newton_step(prices, slope, curvature + np.diag(ridge))
        reach = 10.0 * (prices + self.units)
        return np.clip(step, -prices, reach)


def positive_newton_step(at: Floats, slope: Floats, curvature: Floats) -> Floats:
    """The step that minimises ``slope @ d + d @ curvature @ d / 2`` where ``at + d`` is at least 0.

    Coordinates that hit zero are held there, and let go again where that pays, as in Lawson and Hanson's
    non-negative least squares.

    >>> positive_newton_step(np.array([1.0, 0.0]), np.array([4.0, -1.0]), np.eye(2))
    array([-1.,  1.])
    """
    free = (at > 0) | (slope < 0)
    step = np.zeros(len(at))
    for _ in range(3 * len(at) + 3):
        step = np.where(free, 0.0, -at)
        if free.any():
            rest = slope[free] + curvature[np.ix_(free, ~free)] @ step[~free]
            step[free] = np.linalg.solve(curvature[np.ix_(free, free)], -rest)
        below = free & (at + step < 0)
        if below.any():
            free &= ~below
            continue
        pull = slope + curvature @ step
        loose = ~free & (pull < -1e-12 * np.abs(slope).max())
        if not loose.any():
            break
        free |= loose
    return step
