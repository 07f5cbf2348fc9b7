"""LLMRouterBench's PerfGain and CostSave: what the best setting in hindsight gains and saves."""

from __future__ import annotations

import math

from routoo.data.curves import Vector
from routoo.evaluation.metrics.budgets import ROUNDING
from routoo.evaluation.metrics.metric import Metric
from routoo.evaluation.metrics.undefined import ratio


def perf_gain(points: Vector, best_score: float) -> float:
    """The best score of any setting above that of the best single model, as a share of the latter.

    LLMRouterBench (arXiv 2601.07206).

    >>> import numpy as np
    >>> round(perf_gain(np.array([[1.0, 0.66], [2.0, 0.63]]), 0.6), 6)
    0.1
    """
    return ratio(float(points[:, 1].max()) - best_score, best_score)


def cost_save(points: Vector, best_score: float, best_cost: float) -> float:
    """What the cheapest setting that scores no less than the best single model saves, as a share of its cost.

    LLMRouterBench (arXiv 2601.07206). NaN where no setting does; negative where it takes more money.

    >>> import numpy as np
    >>> cost_save(np.array([[1.0, 0.66], [2.0, 0.7]]), 0.6, 4.0)
    0.75
    """
    enough = points[points[:, 1] >= best_score * (1 - ROUNDING), 0]
    return 1 - ratio(float(enough.min()), best_cost) if len(enough) else math.nan


PERF_GAIN = Metric(
    key="perf_gain",
    heading="PerfGain",
    source="LLMRouterBench",
    words="best score above the best single model's",
    best=lambda points, singles: perf_gain(points, singles.best_score),
)

COST_SAVE = Metric(
    key="cost_save",
    heading="CostSave",
    source="LLMRouterBench",
    words="cost saved at the best single model's score",
    best=lambda points, singles: cost_save(points, singles.best_score, singles.high_usd),
)
