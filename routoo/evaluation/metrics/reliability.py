"""Whether predictions keep their word: Brier score, reliability diagram, expected calibration error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.data.curves import Floats, Vector
from routoo.evaluation.metrics.undefined import mean_known


def brier(p_correct: Floats, score: Floats) -> float:
    """Mean squared error of the predicted scores where the score is known.

    >>> brier(np.array([0.5, 1.0, 0.3]), np.array([1.0, 1.0, np.nan]))
    0.125
    """
    return mean_known((p_correct - score) ** 2)


@dataclass(frozen=True, eq=False)
class Reliability:
    """What was promised against what was achieved, in bins of (nearly) equally many predictions.

    Args:
        p_correct: Mean predicted score of each bin, ascending, ``(n_bins,)``.
        score: Mean achieved score of each bin, ``(n_bins,)``.
        count: Predictions in each bin, ``(n_bins,)``.
    """

    p_correct: Vector
    score: Vector
    count: npt.NDArray[np.int64]

    @property
    def ece(self) -> float:
        """Expected calibration error: mean distance of promise and achievement, weighted by count."""
        if not len(self.count):
            return math.nan
        return float((np.abs(self.p_correct - self.score) * self.count).sum() / self.count.sum())


def reliability(p_correct: Floats, score: Floats, *, bins: int = 15) -> Reliability:
    """The reliability diagram over all models at once, where the score is known.

    Args:
        p_correct: Predicted scores, of any shape.
        score: The same shape, NaN where a model was not run.
        bins: How many bins; fewer where there are fewer predictions.

    >>> reliability(np.array([0.2, 0.4, 0.9]), np.array([0.0, 1.0, 1.0]), bins=3).ece
    0.3
    """
    known = ~np.isnan(score)
    p, y = p_correct[known].astype(np.float64), score[known].astype(np.float64)
    parts = [part for part in np.array_split(np.argsort(p), bins) if len(part)]
    return Reliability(
        np.array([p[part].mean() for part in parts]),
        np.array([y[part].mean() for part in parts]),
        np.array([len(part) for part in parts], np.int64),
    )
