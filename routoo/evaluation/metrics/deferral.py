"""What deferring prompts from a weak model to a strong one buys, call by call."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from routoo.data.curves import Floats, Vector
from routoo.evaluation.metrics.undefined import ratio


@dataclass(frozen=True, eq=False)
class Deferral:
    """The mean score when a share of the prompts is deferred to the strong model, most promising first.

    Args:
        weak: Name of the model that answers what is kept.
        strong: Name of the model that answers what is deferred.
        share: Share of the prompts deferred, from 0 to 1, ``(n_prompts + 1,)``.
        score: Mean score at each share, the same shape.

    >>> curve = deferral_of(np.array([0.9, 0.1]), np.array([0.0, 1.0]), np.array([1.0, 1.0]))
    >>> curve.score.tolist(), curve.apgr_by_calls, curve.cpt(0.5)
    ([0.5, 1.0, 1.0], 0.75, 0.25)
    """

    weak: str
    strong: str
    share: Vector
    score: Vector

    @property
    def recovered(self) -> Vector:
        """Share of the gap between the two models that is closed at each share (RouteLLM's PGR)."""
        gap = float(self.score[-1] - self.score[0])
        if gap <= 0:
            return np.full(len(self.score), np.nan)
        return np.asarray((self.score - self.score[0]) / gap, np.float64)

    @property
    def apgr_by_calls(self) -> float:
        """Mean of `recovered` over all shares of calls: .5 for deferring at random (RouteLLM's APGR).

        RouteLLM (arXiv 2406.18665) averages over ten shares; this is the integral. `PolicyMetrics.apgr` is by
        cost instead. NaN where the strong model is not the better one.
        """
        return float(np.trapezoid(self.recovered, self.share))

    def cpt(self, quality: float) -> float:
        """Least share of calls to the strong model that closes this share of the gap (RouteLLM's CPT).

        NaN where the strong model is not the better one.
        """
        recovered = self.recovered
        if math.isnan(recovered[0]):
            return math.nan
        first = int((recovered >= quality - 1e-12).argmax())
        if first == 0:
            return 0.0
        (x0, x1), (y0, y1) = self.share[first - 1 : first + 1], recovered[first - 1 : first + 1]
        return float(x0 + (x1 - x0) * ratio(float(quality - y0), float(y1 - y0)))


def deferral_of(
    gain: Floats, weak_score: Floats, strong_score: Floats, *, weak: str = "weak", strong: str = "strong"
) -> Deferral:
    """The curve of deferring the prompts with the highest predicted gain first.

    Prompts that tie are deferred in random order: the curve is its expectation, a straight line.

    Args:
        gain: Predicted gain of the strong model over the weak one, ``(n_prompts,)``.
        weak_score: What the weak model achieves on each prompt, the same shape.
        strong_score: What the strong model achieves.
        weak: Name of the weak model.
        strong: Name of the strong model.
    """
    n = len(gain)
    _, group = np.unique(-gain, return_inverse=True)
    true_gain = strong_score.astype(np.float64) - weak_score
    mean_gain = np.bincount(group, true_gain) / np.bincount(group)
    gained = np.concatenate([[0.0], np.cumsum(mean_gain[np.sort(group)])])
    return Deferral(weak, strong, np.arange(n + 1) / n, float(weak_score.mean()) + gained / n)
