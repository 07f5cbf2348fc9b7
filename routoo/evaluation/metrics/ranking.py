"""How well predictions rank prompts: the area under the ROC curve."""

from __future__ import annotations

import math

import numpy as np

from routoo.data.curves import Floats
from routoo.evaluation.metrics.undefined import mean_known


def auc(p_correct: Floats, score: Floats) -> float:
    """Area under the ROC curve of `p_correct` against a score above one half; ties count half.

    Args:
        p_correct: Predicted scores of one model, ``(n,)``.
        score: What it achieved, ``(n,)``.

    Returns:
        The area in [0, 1]; NaN where every score lies on one side.

    >>> auc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([0, 0, 1, 1]))
    0.875
    """
    right = score > 0.5
    above, below = p_correct[right], np.sort(p_correct[~right])
    if not len(above) or not len(below):
        return math.nan
    wins = np.searchsorted(below, above, "left") + np.searchsorted(below, above, "right")
    return float(wins.mean() / (2 * len(below)))


def mean_auc(p_correct: Floats, score: Floats) -> float:
    """Mean of `auc` over the models for which it exists.

    Args:
        p_correct: ``(n_prompts, n_models)``.
        score: The same shape, NaN where a model was not run.
    """
    known = ~np.isnan(score)
    columns = range(score.shape[1])
    return mean_known(np.array([auc(p_correct[known[:, j], j], score[known[:, j], j]) for j in columns]))
