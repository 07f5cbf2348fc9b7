"""Bounds for one look at a sample of a size fixed beforehand: looked at again and again, they do not hold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from routoo.solver.bounds.special import Array, beta_quantile


def clopper_pearson(
    successes: npt.ArrayLike, n: npt.ArrayLike, *, confidence: npt.ArrayLike
) -> tuple[Array, Array]:
    """Lower and upper end of the two-sided interval for a rate, each missed by at most half of the error.

    (Clopper and Pearson 1934.) Arrays are broadcast.

    Example:
        >>> low, high = clopper_pearson(9, 10, confidence=0.95)
        >>> float(low.round(4)), float(high.round(4))
        (0.555, 0.9975)
    """
    k, n = np.broadcast_arrays(np.asarray(successes, float), np.asarray(n, float))
    half = (1 - np.asarray(confidence, float)) / 2
    low = beta_quantile(half, np.maximum(k, 0.5), n - k + 1)
    high = beta_quantile(1 - half, k + 1, np.maximum(n - k, 0.5))
    return np.where(k > 0, low, 0.0), np.where(k < n, high, 1.0)
