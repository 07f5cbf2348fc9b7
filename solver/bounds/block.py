"""How many failures a block can hold that is drawn from a batch of which the failures are bounded."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from routoo.solver.bounds.failures import Counts
from routoo.solver.bounds.special import Array, log_factorial


def log_tail(
    most: npt.ArrayLike, block: npt.ArrayLike, *, failures: npt.ArrayLike, batch: npt.ArrayLike
) -> Array:
    """Logarithm of a bound for the probability that a random block holds more than `most` failures.

    The hypergeometric law is log-concave: beyond its mode each probability is less than the last by a ratio
    that only falls, so that the tail is at most a geometric series. Arrays are broadcast.

    Args:
        most: Failures that the block may hold.
        block: Its items, drawn without replacement.
        failures: Failures in the batch; fewer make the tail smaller.
        batch: Items in the batch.

    Example:
        >>> float(np.exp(log_tail(3, 10, failures=10, batch=100)).round(4))
        0.0083
        >>> float(log_tail(10, 10, failures=10, batch=100))
        -inf
    """
    x, k, failed, n = (np.asarray(a, float) for a in np.broadcast_arrays(most, block, failures, batch))
    at = x + 1
    never = (at > k) | (at > failed)
    # where the rest cannot hold the other failures, the block holds more for certain
    sure = ~never & (failed - at > n - k)
    inner = never | sure
    at = np.where(inner, 0.0, at)
    k, failed, n = np.where(inner, 1.0, k), np.where(inner, 1.0, failed), np.where(inner, 2.0, n)
    point = (
        log_factorial(failed)
        - log_factorial(at)
        - log_factorial(failed - at)
        + log_factorial(n - failed)
        - log_factorial(np.maximum(k - at, 0))
        - log_factorial(np.maximum(n - failed - k + at, 0))
        - log_factorial(n)
        + log_factorial(k)
        + log_factorial(n - k)
    )
    ratio = (k - at) * (failed - at) / ((at + 1) * np.maximum(n - failed - k + at + 1, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        tail = np.where(ratio < 1, point - np.log1p(-np.minimum(ratio, 1)), 0.0)
    return np.asarray(np.where(never, -np.inf, np.where(sure, 0.0, np.minimum(tail, 0.0))))


def largest_block(
    allowed: npt.ArrayLike, *, failures: npt.ArrayLike, batch: npt.ArrayLike, alpha: float
) -> Counts:
    """The largest block that holds more than the allowed failures with probability at most `alpha`.

    Args:
        allowed: Failures that the block may hold; where that is negative, the block is empty.
        failures: The most failures in the batch from which it is drawn.
        batch: Items in the batch.
        alpha: The error allowed.

    Example:
        Where the whole batch holds no more than is allowed, so does every block.

        >>> largest_block([10, 100], failures=100, batch=1000, alpha=0.01).tolist()
        [51, 1000]
    """
    allowed, failures, batch = np.broadcast_arrays(
        np.asarray(allowed, np.int64), np.asarray(failures, np.int64), np.asarray(batch, np.int64)
    )
    low, high = np.zeros(allowed.shape, np.int64), np.where(allowed < 0, 0, batch)
    for _ in range(int(batch.max(initial=1)).bit_length()):
        middle = (low + high + 1) // 2
        fits = log_tail(np.maximum(allowed, 0), middle, failures=failures, batch=batch) <= np.log(alpha)
        low, high = np.where(fits, middle, low), np.where(fits, high, np.maximum(middle - 1, low))
    return np.asarray(low)


def most_in_block(
    block: npt.ArrayLike, *, failures: npt.ArrayLike, batch: npt.ArrayLike, alpha: float
) -> Counts:
    """The most failures in a random block, exceeded with probability at most `alpha`; arguments as above.

    Example:
        >>> most_in_block([0, 10, 100], failures=10, batch=100, alpha=0.01).tolist()
        [0, 3, 10]
    """
    block, failures, batch = np.broadcast_arrays(
        np.asarray(block, np.int64), np.asarray(failures, np.int64), np.asarray(batch, np.int64)
    )
    low, high = np.zeros(block.shape, np.int64), np.minimum(block, failures)
    for _ in range(int(high.max(initial=1)).bit_length()):
        middle = (low + high) // 2
        fits = log_tail(middle, block, failures=failures, batch=batch) <= np.log(alpha)
        low, high = np.where(fits, low, np.minimum(middle + 1, high)), np.where(fits, middle, high)
    return np.asarray(high)
