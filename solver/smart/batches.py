"""Batches in which it is known, or drawn as one goes, how often candidates differ from the reference."""

from __future__ import annotations

from statistics import NormalDist
from typing import Protocol

import numpy as np
import numpy.typing as npt

from routoo.data.errors import InputError
from routoo.solver.bounds.failures import Counts
from routoo.solver.bounds.special import Array, normal_cdf
from routoo.solver.smart.terms import Flags

_FAR, _POINTS = 8.0, 801
"""How far, and at how many points, the normal law of a shared difficulty is summed."""


class Batches(Protocol):
    """Runs side by side, each over a batch of its own, whose items are gone through once and in order."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Runs, items, candidates."""
        ...

    def profiled(self, runs: Counts, start: int, stop: int) -> Counts:
        """Of the items from `start` to `stop`, on how many each candidate fails, ``(n, n_candidates)``."""
        ...

    def answered(self, seen: Counts, blocks: Counts) -> Counts:
        """Failures in the blocks, one a candidate, that follow the items seen: ``(n_runs, n_candidates)``."""
        ...


class Recorded:
    """Batches of which every answer is known.

    Args:
        failed: Whether each candidate's answer differs from the reference's,
            ``(n_runs, n_items, n_candidates)``.
    """

    def __init__(self, failed: Flags) -> None:
        if failed.ndim != 3:
            raise InputError(f"failed has shape {failed.shape}, expected runs, items, candidates")
        self._failed = failed
        self.shape: tuple[int, int, int] = failed.shape

    def profiled(self, runs: Counts, start: int, stop: int) -> Counts:
        """See `Batches`."""
        return np.asarray(self._failed[runs, start:stop].sum(1))

    def answered(self, seen: Counts, blocks: Counts) -> Counts:
        """See `Batches`."""
        ends = seen[:, None] + np.cumsum(blocks, -1)
        found = np.zeros(blocks.shape, np.int64)
        for run, at in np.argwhere(blocks):
            found[run, at] = self._failed[run, ends[run, at] - blocks[run, at] : ends[run, at], at].sum()
        return found


class Simulated:
    """Batches whose items are independent draws from one law, of which only counts are ever drawn.

    A run costs what it profiles, however large its batch: of a stretch of items the numbers of each pattern
    of failures are multinomial, and of a block that was not seen, the failures of the one candidate that
    answers it are binomial. This is the law of drawing every item, and no approximation to it.

    Args:
        chances: Probability of each pattern, ``(2,) * n_candidates``: at ``[0, 1, 1]`` that the second and
            third candidate fail on an item, and the first does not (`failing_together`).
        n_runs: Batches.
        n_items: Items in each.
        seed: Of the draws.

    Example:
        >>> batches = Simulated(failing_together([0.1, 0.2]), n_runs=2, n_items=10**6, seed=0)
        >>> batches.profiled(np.arange(2), 0, 10**5).round(-3).tolist()
        [[10000, 20000], [10000, 20000]]
    """

    def __init__(self, chances: npt.ArrayLike, *, n_runs: int, n_items: int, seed: int) -> None:
        law = np.asarray(chances, float)
        patterns = np.indices(law.shape).reshape(law.ndim, -1).T
        order = np.argsort(-law.ravel(), kind="stable")  # a draw ends once all items have a pattern
        self._chances, self._patterns = law.ravel()[order], patterns[order]
        self._rates = self._chances @ self._patterns
        self._draw = np.random.default_rng(seed)
        self.shape: tuple[int, int, int] = (n_runs, n_items, law.ndim)

    def profiled(self, runs: Counts, start: int, stop: int) -> Counts:
        """See `Batches`."""
        return self._draw.multinomial(stop - start, self._chances, len(runs)) @ self._patterns

    def answered(self, seen: Counts, blocks: Counts) -> Counts:
        """See `Batches`."""
        return self._draw.binomial(blocks, np.clip(self._rates, 0, 1))


def failing_together(rates: npt.ArrayLike, *, correlation: float = 0.0) -> Array:
    """Probability of each pattern of failures, ``(2,) * n_candidates``, where difficulty may be shared.

    Candidates fail where a normal difficulty is high: a share `correlation` of its variance is the item's,
    the rest each candidate's own.

    Args:
        rates: How often each fails, above 0 and below 1, ``(n_candidates,)``.
        correlation: From 0, independent, to below 1.

    Example:
        >>> failing_together([0.1, 0.2]).round(3).tolist()
        [[0.72, 0.18], [0.08, 0.02]]
        >>> failing_together([0.1, 0.2], correlation=0.5).round(3).tolist()
        [[0.751, 0.149], [0.049, 0.051]]
    """
    shared = np.linspace(-_FAR, _FAR, _POINTS)
    weights = np.exp(-(shared**2) / 2)
    bars = [NormalDist().inv_cdf(rate) for rate in np.asarray(rates, float).tolist()]
    law = weights / weights.sum()
    for bar in bars:
        fails = normal_cdf((bar - correlation**0.5 * shared) / (1 - correlation) ** 0.5)
        law = np.stack([law * (1 - fails), law * fails], -2)
    return np.asarray(law.sum(-1))
