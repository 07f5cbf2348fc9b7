"""The most failures that a batch can have, by what was seen of it in random order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from routoo.solver.bounds.special import Array, log_factorial
from routoo.solver.bounds.stakes import KEPT, log_mean

Counts = npt.NDArray[np.int64]


def log_capital(
    failed: npt.ArrayLike, seen: npt.ArrayLike, null: npt.ArrayLike, *, batch: int | None
) -> Array:
    """Logarithm of what one has who bet against `null` and began with 1, after `failed` of `seen` items.

    The capital is a likelihood ratio: an average over laws with fewer failures than the null (`KEPT`), over
    the null's. Under the null it is a martingale, so that it ever exceeds ``1 / alpha`` with probability at
    most `alpha` (Ville). Arrays are broadcast.

    Args:
        failed: How many failed.
        seen: How many were seen.
        null: Failures in the batch; with no batch, the failure rate.
        batch: Items in the batch, which is seen in random order without replacement; None for a stream.

    Example:
        >>> float(np.exp(log_capital(0, 100, 0.05, batch=None)).round(1))
        28.5
    """
    failed, seen, null = (np.asarray(x, float) for x in (failed, seen, null))
    rate = null if batch is None else null / batch
    other = np.maximum(rate, 1e-300)[..., None] * KEPT
    ratio = failed[..., None] * np.log(other) + (seen - failed)[..., None] * np.log1p(-other)
    return log_mean(ratio) - _log_likelihood(failed, seen, null, batch)


def most_failures(failed: npt.ArrayLike, seen: npt.ArrayLike, *, batch: int, alpha: float) -> Counts:
    """An upper bound for the failures in a whole batch, those seen included, in counts.

    It may be looked at after every item and the look be acted on: that it is ever too low has probability at
    most `alpha`, over the random order. (Waudby-Smith and Ramdas 2024, "Estimating means of bounded random
    variables by betting", section 5, with bets at a grid of alternatives; for right and wrong the capital
    has a closed form.) Arrays are broadcast.

    Example:
        Of 1,000 items 200 were seen, and 4 had failed. Once all are seen nothing is left to doubt.

        >>> int(most_failures(4, 200, batch=1000, alpha=0.05))
        58
        >>> int(most_failures(20, 1000, batch=1000, alpha=0.05))
        20
    """
    failed, seen = (np.asarray(x, np.int64) for x in np.broadcast_arrays(failed, seen))
    high = batch - seen + failed
    low = np.clip(batch * failed // np.maximum(seen, 1), failed, high)
    for _ in range(batch.bit_length()):
        middle = (low + high + 1) // 2
        possible = log_capital(failed, seen, middle, batch=batch) < -np.log(alpha)
        low, high = np.where(possible, middle, low), np.where(possible, high, middle - 1)
        high = np.maximum(low, high)
    return np.asarray(low)


def highest_rate(failed: npt.ArrayLike, seen: npt.ArrayLike, *, alpha: float) -> Array:
    """The same for a stream: an upper bound for the failure rate, which may be looked at after every item.

    Example:
        >>> float(highest_rate(4, 200, alpha=0.05).round(4))
        0.0631
    """
    failed, seen = (np.asarray(x, float) for x in np.broadcast_arrays(failed, seen))
    low, high = failed / np.maximum(seen, 1), np.ones(failed.shape)
    for _ in range(50):
        middle = (low + high) / 2
        possible = log_capital(failed, seen, middle, batch=None) < -np.log(alpha)
        low, high = np.where(possible, middle, low), np.where(possible, high, middle)
    return np.asarray(high)


def _log_likelihood(failed: Array, seen: Array, null: Array, batch: int | None) -> Array:
    """Of one order of what was seen."""
    if batch is None:
        rate = np.clip(null, 1e-300, 1 - 1e-16)
        return np.asarray(failed * np.log(rate) + (seen - failed) * np.log1p(-rate))
    good, right = batch - null, seen - failed
    return np.asarray(
        log_factorial(null)
        - log_factorial(null - failed)
        + log_factorial(good)
        - log_factorial(good - right)
        - log_factorial(batch)
        + log_factorial(batch - seen)
    )
