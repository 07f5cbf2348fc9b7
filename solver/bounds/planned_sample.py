"""A bound by betting for the mean of a sample of known size, looked at once: bets are sized for its end."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from routoo.solver.bounds.prediction_powered import TRUST
from routoo.solver.bounds.special import Array
from routoo.solver.bounds.stakes import log_mean

_MOST = 0.9  # of the largest bet that cannot ruin
_VARIANCE = 0.0125  # counts as one value that was seen before the first


def planned_lower(values: npt.ArrayLike, *, alpha: float) -> Array:
    """A lower bound for the mean of a stream, from a sample of it whose size was fixed beforehand.

    Wrong with probability at most `alpha`. It needs some two thirds of the values that `mean_lower` does,
    which spreads its bets so as to be good at every size: here each is ``sqrt(2 log(1 / alpha) / (variance
    n))``, with the variance of the values before it. (Waudby-Smith and Ramdas 2024, "Estimating means of
    bounded random variables by betting": predictable plug-in bets; the largest capital on the way counts.)

    Args:
        values: In [0, 1], in random order, ``(..., n)``.
        alpha: The error allowed.

    Example:
        >>> sample = np.tile([0.5, 0.5, 0.6, 0.5, 0.4, 0.5, 0.5, 0.6, 0.5, 0.5], 100)
        >>> float(planned_lower(sample, alpha=0.05).round(4)), float(sample.mean().round(4))
        (0.5059, 0.51)
    """
    values = np.asarray(values, float)
    bets = _bets(values, alpha)
    low, high = np.zeros(values.shape[:-1]), np.ones(values.shape[:-1])
    for _ in range(30):
        middle = (low + high) / 2
        refuted = _capital(values, middle, bets) >= -math.log(alpha)
        low, high = np.where(refuted, middle, low), np.where(refuted, high, middle)
    return np.asarray(low)


def planned_above(values: npt.ArrayLike, floor: npt.ArrayLike, *, alpha: float) -> npt.NDArray[np.bool_]:
    """Whether the mean is shown to be at the floor or above: `planned_lower` asked one question, quicker."""
    values = np.asarray(values, float)
    return np.asarray(_capital(values, np.asarray(floor, float), _bets(values, alpha)) >= -math.log(alpha))


def planned_judged_lower(
    labels: npt.ArrayLike, judged: npt.ArrayLike, *, others: npt.ArrayLike, alpha: float
) -> Array:
    """`planned_lower` for the mean of human labels, by a judge who scored these items and others too.

    Each label is corrected by what the judge says of its item less what he says, on average, of an equal part
    of the others, which is 0 in expectation however wrong he is: so nothing of `alpha` is spent on his mean.
    The capital is spread evenly over `TRUST`. (Prediction-powered inference: Angelopoulos et al. 2023.)

    Args:
        labels: Human labels in [0, 1] of items drawn at random, ``(..., n)``.
        judged: The judge's scores in [0, 1] of the same items, ``(..., n)``.
        others: His scores of others, drawn from the same stream, ``(..., n_others)``.
        alpha: The error allowed.

    Example:
        >>> truth = np.tile([1.0, 1, 0, 1, 1, 1, 0, 1, 1, 1], 1010)
        >>> few, rest = truth[:100], truth[100:]
        >>> float(planned_judged_lower(few, few, others=rest, alpha=0.05).round(3))
        0.735
        >>> float(planned_judged_lower(few, np.ones(100), others=np.ones(10_000), alpha=0.05).round(3))
        0.681
    """
    labels, judged, others = (np.asarray(x, float) for x in (labels, judged, others))
    n = labels.shape[-1]
    share = others.shape[-1] // n
    trusts = TRUST if share else TRUST[:1]
    parts = others[..., : share * n].reshape(*others.shape[:-1], n, share)
    added = (parts.mean(-1) if share else judged) - judged
    corrected = [(labels + trust * (added + 1)) / (1 + 2 * trust) for trust in trusts]
    bets = [_bets(values, alpha, 1 + 2 * trust) for trust, values in zip(trusts, corrected, strict=True)]
    low, high = np.zeros(labels.shape[:-1]), np.ones(labels.shape[:-1])
    for _ in range(30):
        middle = (low + high) / 2
        capital = [
            _path(values, (middle + trust) / (1 + 2 * trust), bet)
            for trust, values, bet in zip(trusts, corrected, bets, strict=True)
        ]
        together = log_mean(np.stack(capital, -1), np.full(len(trusts), 1 / len(trusts))).max(-1)
        refuted = together >= -math.log(alpha)
        low, high = np.where(refuted, middle, low), np.where(refuted, high, middle)
    return np.asarray(low)


def _bets(values: Array, alpha: float, scaled: float = 1.0) -> Array:
    """What is staked on each value for each unit that it lies above the mean, by those before it.

    Args:
        values: Scores, divided by `scaled`.
        alpha: The error allowed.
        scaled: See there.
    """
    assumed = _VARIANCE / scaled**2
    n = values.shape[-1]
    seen = np.arange(1, n + 1)
    mean = np.cumsum(values, -1) / seen
    before = np.concatenate([values[..., :1] * 0 + 0.5, mean[..., :-1]], -1)
    spread = assumed + np.cumsum((values - before) * (values - mean), -1)
    variance = np.concatenate([values[..., :1] * 0 + assumed, spread[..., :-1] / seen[:-1]], -1)
    return np.asarray(np.sqrt(-2 * math.log(alpha) / (variance * n)))


def _capital(values: Array, mean: Array, bets: Array) -> Array:
    """Logarithm of the largest capital on the way of who bets that the mean is above this one."""
    return np.asarray(_path(values, mean, bets).max(-1))


def _path(values: Array, mean: Array, bets: Array) -> Array:
    """Logarithm of the capital after each value."""
    mean = np.maximum(mean, 1e-12)[..., None]
    return np.asarray(np.cumsum(np.log1p(np.minimum(bets, _MOST / mean) * (values - mean)), -1))
