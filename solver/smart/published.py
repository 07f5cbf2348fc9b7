"""SMART as published, for comparison: its promise does not hold (`CertifiedSmart` keeps one that does)."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np

from routoo.data.checks.arguments import choice
from routoo.solver.bounds.failures import Counts
from routoo.solver.bounds.fixed_sample import clopper_pearson
from routoo.solver.bounds.special import Array, log_factorial, normal_cdf
from routoo.solver.smart.terms import Flags, Terms

VARIANTS = ("naive", "exhaustive", "efficient", "multi-model")

_EVERY, _LEAST, _LEVELS = 10, 100, 5
_FAR = 10.0


class PublishedSmart:
    """Profiles with intervals for a fixed sample that are tested every ten items (Jo and Trummer 2024,
    2403.13835).

    A candidate satisfies the promise once the lower Clopper-Pearson bound of its agreement is at the target,
    and is out once the upper one is below. The variants: ``naive`` asks the reference alone; ``exhaustive``
    profiles until the cheapest candidate that is not out satisfies; ``efficient`` stops, from 100 items on,
    where no doubling horizon of profiling is expected to cost less than the cheapest that satisfies;
    ``multi-model`` then mixes candidates by a linear program over five confidence levels each, whose
    product has to be the confidence. The chance that a candidate satisfies after a horizon has a normal law
    here, its rate's error included; the authors integrate numerically.

    Args:
        terms: The promise and the prices.
        variant: One of `VARIANTS`.
        n_runs: How many batches of these terms are looked at, side by side.

    Raises:
        InputError: There is no such variant.
    """

    def __init__(self, terms: Terms, *, variant: str = "multi-model", n_runs: int = 1) -> None:
        self.terms, self.variant = terms, choice("variant", variant, VARIANTS)
        shape = (n_runs, len(terms.gains))
        self.out: Flags = np.tile(terms.gains <= 0, (n_runs, 1))
        self.satisfied: Flags = np.zeros(shape, bool)
        self._failed, self._seen = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        self._profiled = np.zeros(n_runs, np.int64)

    @property
    def asked(self) -> Flags:
        """Candidates that are neither satisfied nor out, and cheaper than the cheapest that is satisfied."""
        costs = self.terms.unit_costs[:-1]
        return ~self.out & ~self.satisfied & (costs < self._cheapest(slice(None))[:, None])

    def looks(self) -> range:
        """After how many items it looks."""
        return range(0 if self.variant == "naive" else _EVERY, self.terms.n_items, _EVERY)

    def look(self, seen: int, failed: Counts, runs: Counts) -> Flags:
        """Which of `runs` stop after `seen` items, of which `failed` ``(n, n_candidates)`` differed."""
        if self.variant == "naive":
            return np.ones(len(runs), bool)
        asked = self.asked[runs]
        self._failed[runs] = np.where(asked, failed, self._failed[runs])
        self._seen[runs] = np.where(asked, seen, self._seen[runs])
        self._profiled[runs] = seen
        accepted, refuted = limits(seen, self.terms.tolerance, self.terms.alpha / 2)
        self.satisfied[runs] |= asked & (failed <= accepted)
        self.out[runs] |= asked & (failed >= refuted)
        decided = ~self.asked[runs].any(-1)
        if self.variant == "exhaustive" or seen < _LEAST:
            return np.asarray(decided)
        return np.asarray(decided | (self._expected(seen, failed, runs) >= self._cheapest(runs)))

    def blocks(self, runs: Counts) -> Counts:
        """How many of the items left each candidate, then the reference answers."""
        n, left = len(runs), self.terms.n_items - self._profiled[runs]
        found = np.zeros((n, len(self.terms.unit_costs)), np.int64)
        if self.variant == "multi-model":
            shares = self._mixed(runs)
            ends = np.rint(np.cumsum(shares, -1) * left[:, None]).astype(np.int64)
            return np.diff(ends, prepend=0, axis=-1)
        costs = np.where(self.satisfied[runs], self.terms.unit_costs[:-1], np.inf)
        costs = np.append(costs, np.full((n, 1), self.terms.reference_cost), -1)
        found[np.arange(n), costs.argmin(-1)] = left
        return found

    def _cheapest(self, runs: Counts | slice) -> Array:
        """Cost of the cheapest that is satisfied, the reference included, ``(n,)``."""
        costs = np.where(self.satisfied[runs], self.terms.unit_costs[:-1], np.inf)
        return np.asarray(np.minimum(costs.min(-1), self.terms.reference_cost))

    def _expected(self, seen: int, failed: Counts, runs: Counts) -> Array:
        """The least expected cost of profiling on, per item that is left now, ``(n,)``."""
        n_items, asked, costs = self.terms.n_items, self.asked[runs], self.terms.unit_costs
        rate, best, horizon = failed / seen, np.full(len(runs), np.inf), 1
        while horizon < n_items - seen:
            accepted, _ = limits(seen + horizon, self.terms.tolerance, self.terms.alpha / 2)
            spread = np.sqrt(rate * (1 - rate) * horizon * (1 - 1 / seen + horizon / seen))
            chance = normal_cdf((accepted - failed + 0.5 - horizon * rate) / np.maximum(spread, 1e-9))
            chance = np.where(asked & (accepted >= failed), chance, 0.0)
            expected, unsettled = np.zeros(len(runs)), np.ones(len(runs))
            for at in np.argsort(costs[:-1], kind="stable"):
                expected += unsettled * chance[:, at] * costs[at]
                unsettled *= 1 - chance[:, at]
            expected += unsettled * self._cheapest(runs)
            profile = horizon * (self.terms.reference_cost + asked @ costs[:-1])
            best = np.minimum(best, (profile + (n_items - seen - horizon) * expected) / (n_items - seen))
            horizon *= 2
        return best

    def _mixed(self, runs: Counts) -> Array:
        """Shares of what is left, ``(n, n_candidates + 1)``: the cheapest vertex of the linear programs.

        One constraint on agreement and one on the sum leave two candidates at most in a vertex, so that all
        others are at the level of no use, and the product is that of two levels.
        """
        n_items, costs, gamma = self.terms.n_items, self.terms.unit_costs, self.terms.confidence
        seen, n = self._profiled[runs], len(runs)
        target = ((1 - self.terms.tolerance) * n_items - seen) / (n_items - seen)
        levels = gamma + (1 - gamma) * np.arange(_LEVELS) / _LEVELS
        agreed, of = (x[runs][..., None] for x in (self._seen - self._failed, self._seen))
        low = clopper_pearson(agreed, np.maximum(of, 1), confidence=levels)[0]
        low = np.where(of > 0, low, 0.0)
        low = np.append(low, np.ones((n, 1, _LEVELS)), 1)
        shares, best = np.zeros((n, len(costs))), np.full(n, np.inf)
        confidences = np.append(np.tile(levels, (len(costs) - 1, 1)), np.ones((1, _LEVELS)), 0)
        for a, b in product(range(len(costs) - 1), range(len(costs))):
            for level_a, level_b in product(range(_LEVELS), repeat=2):
                if a == b or confidences[a, level_a] * confidences[b, level_b] < gamma - 1e-12:
                    continue
                low_a, low_b = low[:, a, level_a], low[:, b, level_b]
                with np.errstate(divide="ignore", invalid="ignore"):
                    share = np.where(low_a >= target, 1.0, (low_b - target) / (low_b - low_a))
                share = np.where((share >= 0) & (share <= 1), share, np.nan)
                cost = share * costs[a] + (1 - share) * costs[b]
                better = np.flatnonzero(cost < best)
                shares[better], best[better] = 0, cost[better]
                shares[better, a], shares[better, b] = share[better], 1 - share[better]
        return shares


@lru_cache(maxsize=1 << 15)
def limits(n: int, rate: float, error: float) -> tuple[int, int]:
    """The most failures of `n` that show a rate of at most `rate`, and the fewest that show a larger one.

    They are where the upper and the lower Clopper-Pearson bound cross the rate, each at `error`.

    Example:
        >>> limits(100, 0.1, 0.025)
        (4, 17)
    """
    width = _FAR * np.sqrt(n * rate * (1 - rate)) + _FAR
    first = max(0, int(n * rate - width))
    x = np.arange(first, min(n, int(n * rate + width)) + 1)
    inside = min(max(rate, 1e-300), 1 - 1e-16)
    point = log_factorial(n) - log_factorial(x) - log_factorial(n - x)
    point = np.exp(point + x * np.log(inside) + (n - x) * np.log1p(-inside))
    below, above = np.cumsum(point), np.cumsum(point[::-1])[::-1]
    return first + int((below <= error).sum()) - 1, first + int((above >= error).sum())
