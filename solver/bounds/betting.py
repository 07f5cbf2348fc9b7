"""Bounds by betting for the mean of scores in [0, 1], which may be looked at after every one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from routoo.solver.bounds.special import Array
from routoo.solver.bounds.stakes import KEPT, log_mean

_NEAR_ONE = 1 - 1e-12


def mean_lower(values: npt.ArrayLike, *, alpha: float, batch: int | None = None) -> Array:
    """A lower bound for the mean, from the values so far.

    It may be asked for after every value and the answer be acted on: that it is ever too high has probability
    at most `alpha`. (Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables by betting":
    one-sided capital, a mixture of fixed fractions of the largest bet allowed; section 5 without
    replacement.)

    Args:
        values: In [0, 1], in the order in which they came, ``(..., n)``.
        alpha: The error allowed.
        batch: How many values there are in all, of which these came first in random order; None where the
            next value's mean is the same whatever came before.

    Returns:
        ``(...)``: the largest mean below which every mean is refuted.

    Example:
        >>> float(mean_lower([1, 1, 0.5, 1] * 50, alpha=0.05).round(4))
        0.8295
        >>> float(mean_lower([1, 1, 0.5, 1] * 50, alpha=0.05, batch=200).round(4))
        0.875
    """
    values = np.asarray(values, float)
    low, high = np.zeros(values.shape[:-1]), np.ones(values.shape[:-1])
    for _ in range(30):
        middle = (low + high) / 2
        refuted = log_capital(values, middle, batch=batch) >= -np.log(alpha)
        low, high = np.where(refuted, middle, low), np.where(refuted, high, middle)
    sure = 0.0 if batch is None else values.sum(-1) / batch
    return np.asarray(np.maximum(low, sure))


def mean_upper(values: npt.ArrayLike, *, alpha: float, batch: int | None = None) -> Array:
    """The upper bound for the mean that mirrors `mean_lower`.

    Example:
        >>> float(mean_upper([0, 0, 0.5, 0] * 50, alpha=0.05).round(4))
        0.1705
    """
    return 1 - mean_lower(1 - np.asarray(values, float), alpha=alpha, batch=batch)


def log_capital(values: Array, mean: npt.ArrayLike, *, batch: int | None) -> Array:
    """Logarithm of what one has who bet that the mean is above `mean`, from ``(..., n)`` and ``(...)``.

    It falls as `mean` rises. A value whose conditional mean under the null is ``1 - q`` is bet on with the
    fractions ``1 - KEPT`` of the largest bet that cannot ruin, ``1 / (1 - q)``.
    """
    failure = 1 - values
    q = 1 - np.asarray(mean, float)[..., None]
    if batch is not None:
        before = np.cumsum(failure, -1) - failure
        q = (batch * q - before) / (batch - np.arange(values.shape[-1]))
    q = np.minimum(q, _NEAR_ONE)
    gain = (q - failure) / (1 - q)
    with np.errstate(divide="ignore"):
        grown = [np.log(np.maximum(1 + (1 - kept) * gain, 0)).sum(-1) for kept in KEPT]
    return log_mean(np.stack(grown, -1))
