"""The price search: Newton steps on the smoothed dual while the temperature falls. Sums are all it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from routoo.solver.search.smooth import Smoothed
from routoo.solver.sums.rows import Floats

Sums = Callable[[Floats, float], Smoothed]
"""Prices and a temperature to the sums of a smoothed pass, wherever the prompts are."""

_COOLING = 0.3
_SLOWEST = 0.9
_HOTTEST = 10.0
_SHORTEST = 1e-4
_MOST_STEPS = 40
_DAMPINGS = tuple(10.0**power for power in range(-9, 7, 2))
_BETTER = 0.7
_PATIENCE = 2
"""Temperatures in a row that may make the soft choices lose no less: then rounding decides what they do."""

_EQUAL = 1e-14
"""Share of the objective below which no step can tell what it gains."""

_NOISE = 1e-9
"""Share of its terms by which a bound must fall below the possible to prove that nothing is."""


@dataclass(frozen=True, eq=False)
class PriceSearch:
    """Where a price search ended.

    Args:
        prices: One a limit, at least 0: those of the best bound that was seen.
        bound: Proved bound on the objective at these prices.
        temperature: Where the cooling ended.
        soft: Prices at the end of the cooling, for which the soft choices nearly keep the limits.
        drift: How those prices move with the temperature.
        passes: How many passes it took.
        infeasible: Whether the bound fell below what any choice gains: then no choice keeps the limits.
    """

    prices: Floats
    bound: float
    temperature: float
    soft: Floats
    drift: Floats
    passes: int
    infeasible: bool = False

    def at(self, temperature: float) -> Floats:
        """Where the prices are likely to rest at another temperature."""
        return np.maximum(self.soft + (temperature - self.temperature) * self.drift, 0.0)


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
    drift: Floats | None = None,
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
        drift: How prices move with the temperature, where that is known from a search before.
        coldest: Last temperature at most, as a share of the spread.
    """
    search = _Search(sums, bounds, units, least)
    rest: _Rest | None = None
    best: _Rest | None = None
    stalled = 0
    drift = np.zeros(len(bounds)) if drift is None else drift
    cooling = _COOLING
    prices, temperature = start, warmth * spread
    while not search.infeasible:
        there = search.settle(prices, temperature)
        if there.gain <= max(enough, 0.1 * temperature):
            drift = drift if rest is None else there.drift(rest)
            rest = there
            stalled = 0 if best is None or there.loss < _BETTER * best.loss else stalled + 1
            best = there if best is None or there.loss < 2 * best.loss else best
            if best.loss <= enough or stalled == _PATIENCE or temperature <= coldest * spread:
                break
        elif rest is None and temperature < _HOTTEST * spread:
            temperature /= _COOLING**3
            continue
        elif rest is None or cooling > _SLOWEST:
            rest = rest or there
            break
        else:
            cooling = cooling**0.5
        temperature = rest.temperature * cooling
        prices = np.maximum(rest.prices + (temperature - rest.temperature) * drift, 0.0)
    rest = best or rest or there
    return PriceSearch(
        search.best, search.bound, rest.temperature, rest.prices, drift, search.passes, search.infeasible
    )


@dataclass(frozen=True, eq=False)
class _Rest:
    """Where Newton's method came to rest: what is lost there, and what another step would still gain."""

    prices: Floats
    temperature: float
    loss: float
    gain: float

    def drift(self, before: _Rest) -> Floats:
        """How prices move with the temperature, by the line through two rests.

        Among ties they move in proportion to it, since shares depend on how the two compare.
        """
        return (self.prices - before.prices) / (self.temperature - before.temperature)


class _Search:
    """The state of a search: the best bound so far."""

    def __init__(self, sums: Sums, bounds: Floats, units: Floats, least: float) -> None:
        self.sums, self.bounds, self.units, self.least = sums, bounds, units, least
        self.best, self.bound, self.passes, self.infeasible = np.zeros(len(bounds)), np.inf, 0, False

    def look(self, prices: Floats, temperature: float) -> tuple[float, Smoothed]:
        """Value of the smoothed dual function, and the sums behind it."""
        self.passes += 1
        found = self.sums(prices, temperature)
        priced = float(prices @ self.bounds)
        bound = found.hard + priced
        if bound < self.bound:
            self.best, self.bound = prices, bound
        noise = _NOISE * (abs(found.hard) + float(prices @ np.abs(self.bounds)))
        self.infeasible = self.infeasible or bound < self.least - noise
        return found.value + priced, found

    def settle(self, prices: Floats, temperature: float) -> _Rest:
        """Minimises at one temperature, by Newton steps with a backtracking line search."""
        value, found = self.look(prices, temperature)
        for _ in range(_MOST_STEPS):
            slope = self.bounds - found.uses
            step = self._step(prices, slope, found.curvature, temperature)
            gain = -float(slope @ step)
            if self.infeasible or gain <= 0.1 * temperature + _EQUAL * abs(value):
                break
            length = 1.0
            while length > _SHORTEST:
                nearby = np.maximum(prices + length * step, 0.0)
                reached, there = self.look(nearby, temperature)
                if reached <= value + 1e-4 * float(slope @ (nearby - prices)) or self.infeasible:
                    break
                length *= 0.3
            else:
                break
            prices, value, found = nearby, reached, there
        unused = np.maximum(self.bounds - found.uses, 0.0)
        return _Rest(prices, temperature, found.loss + float(prices @ unused), gain)

    def _step(self, prices: Floats, slope: Floats, curvature: Floats, temperature: float) -> Floats:
        """The Newton step that keeps prices at least 0, damped until it leads down and not too far.

        Where prompts are few or alike the curvature is singular, and limits trade against one another at
        no loss: the damping (Levenberg and Marquardt) then picks the least change of prices.
        """
        bend = np.maximum(np.diag(curvature), 0.0)
        round_ = bend + (bend @ self.units**2 + temperature) / self.units**2
        reach = 10.0 * (prices + self.units)
        for damping in _DAMPINGS:
            step = positive_newton_step(prices, slope, curvature + np.diag(damping * round_))
            if slope @ step <= 0 and (np.abs(step) <= reach).all():
                break
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
