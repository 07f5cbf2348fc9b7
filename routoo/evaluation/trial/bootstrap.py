"""Bootstrap intervals: the same prompts drawn again with replacement, the same draws for every policy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from routoo.data.curves import Floats, Vector

MOST_SAMPLES = 1_000_000
"""Resamples above which no range gets any surer."""

_BLOCK = 128  # resamples multiplied at once
_ENOUGH = 0.9  # share of the draws in which a metric must be defined


@dataclass(frozen=True)
class Interval:
    """A metric with the range that holds 95 % of its resamples.

    >>> f"{Interval(0.0261, 0.0182, 0.0341)}"
    '+0.0261 [+0.0182, +0.0341]'
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole range lies on one side of zero."""
        return self.low > 0 or self.high < 0


def interval(value: float, samples: Vector, level: float = 0.95) -> Interval | None:
    """The percentile interval of `value` by its resamples.

    A draw in which the metric is not defined (NaN) is left out; None where that is more than one in ten, or
    `value` is not defined, or there are no resamples.
    """
    known = samples[~np.isnan(samples)]
    if not len(known) or len(known) < _ENOUGH * len(samples) or np.isnan(value):
        return None
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(value), float(low), float(high))


@dataclass(frozen=True)
class Resamples:
    """Draws of the prompts with replacement, fixed by the seed.

    Args:
        n_prompts: Prompts there are, and prompts in a draw.
        samples: How many draws.
        seed: Which draws.

    >>> Resamples(4, samples=2, seed=0).means(np.ones((4, 3))).tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """

    n_prompts: int
    samples: int = 1000
    seed: int = 0

    @cached_property
    def counts(self) -> npt.NDArray[np.uint8]:
        """How often each prompt was drawn, ``(samples, n_prompts)``."""
        random = np.random.default_rng(self.seed)
        counts = np.empty((self.samples, self.n_prompts), np.uint8)
        for row in counts:
            row[:] = np.bincount(random.integers(0, self.n_prompts, self.n_prompts), minlength=self.n_prompts)
        return counts

    def means(self, values: Floats) -> Vector:
        """Column means of `values` ``(n_prompts, k)`` over the prompts of each draw, ``(samples, k)``."""
        columns = np.ascontiguousarray(values, np.float32)
        means = np.empty((self.samples, columns.shape[1]))
        for start in range(0, self.samples, _BLOCK):
            block = self.counts[start : start + _BLOCK].astype(np.float32)
            means[start : start + _BLOCK] = block @ columns
        return means / self.n_prompts
