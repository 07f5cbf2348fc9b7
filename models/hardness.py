"""How hard prompts are beyond what their text tells: read off what other models achieved on them.

Twenty prompts may happen to be easy ones, and whoever answers them looks strong. Where models that are known
were run on the same prompts, their scores tell: as in item response theory, a prompt has one hardness for
all models, and a few prompts of known hardness measure a model well (tinyBenchmarks, arXiv 2402.14992).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_DEVIATIONS = np.linspace(0.0, 3.0, 13)
_POINTS = np.linspace(-3.5, 3.5, 57)
_WEIGHTS = np.exp(-(_POINTS**2) / 2) / np.exp(-(_POINTS**2) / 2).sum()
_PROBIT = (16 * math.sqrt(3) / (15 * math.pi)) ** 2  # a logistic curve as a normal one


@dataclass(frozen=True, eq=False)
class Hardness:
    """From log-odds that are right on average to those on these very prompts: ``gain * logit + offset``.

    Args:
        gain: ``(n_prompts,)``; 1 where nothing is known.
        offset: ``(n_prompts,)``; 0 where nothing is known, above it where a prompt is easy.
        deviation: Standard deviation of the hardness among prompts, in log-odds.
    """

    gain: Array
    offset: Array
    deviation: float

    @classmethod
    def of(cls, logits: Array, score: Array) -> Hardness:
        """The hardness that makes recorded scores likeliest.

        On a prompt with ease ``e``, drawn from a normal distribution, the log-odds are ``g * logit + e``;
        averaged over ``e`` they are ``logit`` again, to the accuracy of MacKay's approximation (1992), which
        gives ``g``. The deviation is the likeliest of a grid, and ``e`` is integrated on another.

        Args:
            logits: Predicted log-odds of known models, ``(n_prompts, n_models)``.
            score: What they achieved, the same shape, NaN where they were not run.

        >>> alike = Hardness.of(np.zeros((4, 8)), np.repeat([[1.0], [0.0], [1.0], [0.0]], 8, axis=1))
        >>> bool(alike.offset[0] > 1), bool(alike.offset[1] < -1)
        (True, True)
        """
        found = max(
            (_ease(logits, score, deviation) for deviation in _DEVIATIONS), key=lambda x: x.likelihood
        )
        narrowed = np.sqrt(1 + _PROBIT * found.variance)
        return cls(_widening(found.deviation) / narrowed, found.mean / narrowed, found.deviation)


@dataclass(frozen=True, eq=False)
class _Ease:
    deviation: float
    likelihood: float
    mean: Array
    variance: Array


def _ease(logits: Array, score: Array, deviation: float) -> _Ease:
    """Mean and variance of the ease of each prompt, and how likely the deviation is."""
    known, achieved = ~np.isnan(score), np.nan_to_num(score)
    widened = _widening(deviation) * logits
    likelihood = np.empty((len(score), len(_POINTS)))
    for at, point in enumerate(_POINTS):
        z = widened + deviation * point
        likelihood[:, at] = np.where(known, achieved * z - np.logaddexp(0, z), 0.0).sum(1)
    top = likelihood.max(1, keepdims=True)
    weight = np.exp(likelihood - top) * _WEIGHTS
    total = weight.sum(1)
    weight /= total[:, None]
    mean = weight @ _POINTS
    variance = weight @ _POINTS**2 - mean**2
    evidence = float((np.log(total) + top[:, 0]).sum())
    return _Ease(deviation, evidence, deviation * mean, deviation**2 * variance)


def _widening(deviation: float) -> float:
    return math.sqrt(1 + _PROBIT * deviation**2)
