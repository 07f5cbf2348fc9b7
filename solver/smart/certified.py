"""SMART with a promise that holds: bounds that may be looked at, one error for all, blocks with slack."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from routoo.solver.bounds.block import largest_block, most_in_block
from routoo.solver.bounds.failures import Counts, most_failures
from routoo.solver.bounds.special import Array
from routoo.solver.smart.terms import Flags, Terms

FIRST_LOOK, LOOK_EVERY, LOOK_GROWTH = 20, 5, 1.04
"""The first look, and how far apart looks are at least: in items, and as a share of the items seen."""

BLOCK_SHARE = 0.1
"""Share of the error that is kept for blocks smaller than all that is left."""

_NODES = np.array([-np.sqrt(3), 0, np.sqrt(3)])
_WEIGHTS = np.array([1, 4, 1]) / 6
_APART = 3.0


class CertifiedSmart:
    """Profiles items with the reference and the candidates, then gives the rest to whom may have it.

    With probability at least `terms.confidence`, over the random order, at most a share `terms.tolerance` of
    the batch's answers differ from the reference's; whenever it stops, however many candidates there are, and
    however their failures go together.

    Each candidate cheaper than the reference gets an equal part of the error for a bound on its failures in
    the whole batch (`most_failures`). Items seen keep the reference's answer, so that failures seen are
    forgiven: all the failures that are allowed may lie among the items left. Where a candidate could have
    more, it gets the largest random block that has not too many but for a tenth of the error
    (`largest_block`), and the rest goes to a dearer candidate or the reference. It stops once no horizon of
    further profiling, 5, 10, 20, ... items, is expected to save more than it costs. (After SMART: Jo and
    Trummer 2024, arXiv 2403.13835.)

    Many candidates of one family, say a router at many prices, are better tested in sequence: each has the
    whole error, and may have what is left, all of it, where it and all before it once had a bound within what
    is allowed, failures seen included. Who has passed is not asked any more, nor is one of which three
    standard errors say that it differs too often, which ends the list.

    Args:
        terms: The promise and the prices.
        in_sequence: Whether candidates are listed from the one that surely fails least to the one that fails
            most, and are tested in that order.
        n_runs: How many batches of these terms are looked at, side by side.

    Example:
        Of 10,000 items the first look shows no difference in 20, later ones 3 in each hundred.

        >>> terms = Terms(10_000, tolerance=0.05, confidence=0.95, costs=[1.0], reference_cost=30)
        >>> smart = CertifiedSmart(terms)
        >>> for seen in smart.looks():
        ...     if smart.look(seen, np.array([[seen * 3 // 100]]), np.array([0])):
        ...         break
        >>> seen, smart.blocks(np.array([0])).tolist()
        (630, [[9370, 0]])
    """

    def __init__(self, terms: Terms, *, in_sequence: bool = False, n_runs: int = 1) -> None:
        self.terms, self.in_sequence = terms, in_sequence
        self._cheaper: Flags = terms.gains > 0
        self.asked: Flags = np.tile(self._cheaper, (n_runs, 1))
        reach = np.asarray(terms.n_items if terms.reach is None else terms.reach, np.int64)
        self.bounds: Counts = np.array(np.broadcast_to(reach, self.asked.shape))
        self._failed: Counts = np.zeros(self.asked.shape, np.int64)
        self._seen = np.zeros(n_runs, np.int64)
        shares = 1 if in_sequence else max(int(self._cheaper.sum()), 1) / (1 - BLOCK_SHARE)
        self.alpha_bound: float = terms.alpha / shares
        self.alpha_block: float = terms.alpha * BLOCK_SHARE

    @property
    def dropped(self) -> Flags:
        """Candidates that will not be used, ``(n_runs, n_candidates)``."""
        return np.asarray(~self.asked & ~(self._passed(self.bounds) & self.in_sequence))

    def looks(self) -> Iterator[int]:
        """After how many items to look: none, where a look costs nothing, then further and further apart."""
        seen = 0
        while seen < self.terms.n_items:
            yield seen
            step = LOOK_EVERY * round(seen * (LOOK_GROWTH - 1) / LOOK_EVERY)
            seen = max(FIRST_LOOK, seen + max(LOOK_EVERY, step))

    def look(self, seen: int, failed: Counts, runs: Counts) -> Flags:
        """Which of `runs` stop after `seen` items; `failed`, ``(n, n_candidates)``, counts who was asked.

        Of a candidate that is not asked any more the count and the bound stay what they were.
        A run that stopped is not looked at again. All that it knows is what it looked at: after a restart the
        same looks lead to where it was.
        """
        if seen:
            asked, before = self.asked[runs], self.bounds[runs]
            bounds = np.minimum(before, self._bound(np.array(seen), failed))
            self.bounds[runs] = np.where(asked, bounds, before)
            going_on = self._possible if self.in_sequence else self._promising
            self.asked[runs] = asked & going_on(seen, failed, runs)
        self._failed[runs], self._seen[runs] = failed, seen
        now = self._saving(np.array(seen), self.bounds[runs], failed, self.asked[runs])
        if not seen:
            most = self.terms.n_items * self.terms.gains.max(initial=0) * (self.terms.allowed > 0)
            return np.asarray(now >= max(most, 0) - 1e-12)
        return np.asarray(now >= self._later(seen, failed, runs))

    def blocks(self, runs: Counts) -> Counts:
        """How many of the items left each candidate, then the reference answers, in consecutive blocks."""
        gains, n = np.append(self.terms.gains, 0.0), len(runs)
        left = self.terms.n_items - self._seen[runs]
        most = self.bounds[runs] - self._failed[runs]
        found, best = np.zeros((n, len(gains)), np.int64), np.full(n, -1.0)
        if self.in_sequence:
            gained = np.where(self._passed(self.bounds[runs]), gains[:-1], -1)
            gained = np.append(gained, np.zeros((n, 1)), -1)
            found[np.arange(n), gained.argmax(-1)] = left
            return found
        for first in range(len(gains) - 1):
            for second in range(len(gains)):
                if gains[first] <= max(gains[second], 0):
                    continue
                alone = second == len(gains) - 1
                size = (
                    self._size(left, most[:, first])
                    if alone
                    else self._pair(left, most[:, first], most[:, second])
                )
                saved = size * gains[first] + (left - size) * gains[second]
                better = np.flatnonzero((saved > best) & (size >= 0) & self.asked[runs, first])
                found[better], best[better] = 0, saved[better]
                found[better, first] = size[better]
                found[better, second] = left[better] - size[better]
        idle = best <= 0
        found[idle], found[idle, -1] = 0, left[idle]
        return found

    def _bound(self, seen: Counts, failed: Counts) -> Counts:
        """The most failures in the batch, of arrays that are broadcast."""
        alpha, n_items = self.alpha_bound, self.terms.n_items
        return _once(lambda n, f: most_failures(f, n, batch=n_items, alpha=alpha), seen, failed)

    def _size(self, left: Counts, most: Counts) -> Counts:
        """The largest block of a candidate with at most so many failures in all that is left."""
        sizes = largest_block(self.terms.allowed, failures=most, batch=left, alpha=self.alpha_block)
        return np.where(most <= self.terms.allowed, left, sizes)

    def _pair(self, left: Counts, first: Counts, second: Counts) -> Counts:
        """The largest block of the first where the second takes the rest; -1 where the second may not."""
        low, high = np.full(left.shape, -1), np.where(second <= self.terms.allowed, left - 1, -1)
        alpha = self.alpha_block / 2
        for _ in range(int(left.max(initial=1)).bit_length() + 1):
            middle = np.maximum((low + high + 1) // 2, 0)
            failures = most_in_block(middle, failures=first, batch=left, alpha=alpha)
            failures += most_in_block(left - middle, failures=second, batch=left, alpha=alpha)
            fits = (failures <= self.terms.allowed) & (high >= 0)
            low, high = np.where(fits, middle, low), np.where(fits, high, np.maximum(middle - 1, low))
        return low

    def _saving(self, seen: Counts, bounds: Counts, failed: Counts, asked: Flags) -> Array:
        """What one candidate and the reference save on what is left, from ``(..., n_candidates)``."""
        left = self.terms.n_items - seen
        sizes = (
            left * self._passed(bounds)
            if self.in_sequence
            else asked * _once(self._size, left, bounds - failed)
        )
        return np.asarray((sizes * np.maximum(self.terms.gains, 0)).max(-1))

    def _passed(self, bounds: Counts) -> Flags:
        """Who is cheaper, and within what is allowed, as are all of them before."""
        within = (bounds <= self.terms.allowed) | ~self._cheaper
        return np.asarray(np.logical_and.accumulate(within, axis=-1) & self._cheaper)

    def _later(self, seen: int, failed: Counts, runs: Counts) -> Array:
        """The most that further profiling is expected to save, less what it costs, ``(n,)``."""
        asked, known = self.asked[runs], self.bounds[runs]
        doublings = int(np.log2(max(self.terms.n_items - seen - 1, 1) / LOOK_EVERY) + 1)
        if doublings < 1:
            return np.full(len(failed), -np.inf)
        horizon = LOOK_EVERY << np.arange(doublings)[:, None, None, None]
        rate = (failed + 0.5) / (seen + 1)
        spread = np.sqrt(horizon * rate * (1 - rate) * (1 + horizon / seen))
        more = np.rint(horizon * rate + _NODES[:, None, None] * spread)
        failed = np.where(asked, failed + np.clip(more, 0, horizon), 0).astype(np.int64)
        bounds = np.where(asked, np.minimum(self._bound(seen + horizon, failed), known), known)
        saved = np.tensordot(_WEIGHTS, self._saving(seen + horizon, bounds, failed, asked), (0, 1))
        return np.asarray((saved - horizon[:, 0, :, 0] * self.terms.asking(asked)).max(0))

    def _possible(self, seen: int, failed: Counts, runs: Counts) -> Flags:
        """Of a sequence, who has not passed and may yet: three standard errors do not say that it, or one
        before it, differs too often."""
        rate, error = _rate(seen, failed)
        passed = self._passed(self.bounds[runs])
        may = (rate - error <= self.terms.tolerance) & self.asked[runs] | passed | ~self._cheaper
        return np.asarray(np.logical_and.accumulate(may, axis=-1) & ~passed)

    def _promising(self, seen: int, failed: Counts, runs: Counts) -> Flags:
        """Who may be the best to use yet: three standard errors do not tell it from the best."""
        asked, (rate, error) = self.asked[runs], _rate(seen, failed)
        share = [
            np.minimum(1, self.terms.tolerance / np.maximum(rate + sign * error, 1e-12)) for sign in (-1, 1)
        ]
        share[0] = np.where(rate <= error, 1.0, share[0])
        best = np.where(asked, share[1] * self.terms.gains, -np.inf).max(-1, keepdims=True)
        return np.asarray(share[0] * self.terms.gains >= best)


def _rate(seen: int, failed: Counts) -> tuple[Array, Array]:
    """The rate of failures, and three times its standard error."""
    rate = (failed + 0.5) / (seen + 1)
    return rate, _APART * np.sqrt(rate * (1 - rate) / seen)


def _once(function: Callable[[Counts, Counts], Counts], first: Counts, second: Counts) -> Counts:
    """A function of two whole numbers over arrays that are broadcast, worked out once for each pair."""
    rows, row = np.unique(first, return_inverse=True)
    base = int(second.max(initial=0)) + 1
    at = row.reshape(first.shape) * base + second
    if len(rows) * base > at.size:
        pairs, at = np.unique(at, return_inverse=True)
    else:  # a table is quicker than sorting
        there = np.zeros(len(rows) * base, bool)
        there[at] = True
        pairs, at = np.flatnonzero(there), np.cumsum(there)[at] - 1
    shape = np.broadcast_shapes(first.shape, second.shape)
    return function(rows[pairs // base], pairs % base)[at].reshape(shape)
