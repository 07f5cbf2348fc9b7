"""The score that a budget buys, and the cost at which a score is reached."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from routoo.data.curves import Vector, hull
from routoo.evaluation.metrics.undefined import ratio
from routoo.evaluation.trial.single_models import SingleModels

BUDGET_SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)
"""Shares of the best single model's cost at which the score is reported."""


QUALITY_SHARES = (0.95, 0.98, 0.99, 1.0)
"""Shares of the best single model's score at which the cost is reported."""


ROUNDING = 1e-6
"""How far a mean may miss a limit, as a share of it, and still be on it: draws are summed in float32."""


def score_within(points: Vector, budget_usd: float) -> float:
    """The best score among the points that cost at most `budget_usd` a prompt, or NaN where none does."""
    affordable = points[points[:, 0] <= budget_usd * (1 + ROUNDING), 1]
    return float(affordable.max()) if len(affordable) else math.nan


def score_of(vertices: Vector, budget_usd: float) -> float:
    """The score of a hull at exactly `budget_usd` a prompt, or NaN where all of it costs more."""
    if budget_usd < vertices[0, 0] * (1 - ROUNDING):
        return math.nan
    return float(np.interp(budget_usd, vertices[:, 0], vertices[:, 1]))


def cost_of(vertices: Vector, score: float) -> float:
    """The least cost at which a hull reaches `score`, or NaN where it never does."""
    if vertices[-1, 1] < score * (1 - ROUNDING):
        return math.nan
    return float(np.interp(score, vertices[:, 1], vertices[:, 0]))


def scores_at(
    points: Vector, singles: SingleModels, shares: Sequence[float] = BUDGET_SHARES
) -> dict[float, float]:
    """Best score among the points at no more than each share of the best single model's cost."""
    return {share: score_within(points, share * singles.high_usd) for share in shares}


def costs_at(
    points: Vector, singles: SingleModels, shares: Sequence[float] = QUALITY_SHARES
) -> dict[float, float]:
    """Least cost, as a share of the best single model's, at which the hull reaches shares of its score."""
    vertices = hull(points)
    return {share: ratio(cost_of(vertices, share * singles.best_score), singles.high_usd) for share in shares}


def apgr(area: float, singles: SingleModels) -> float:
    """Share of the way from the cheapest model's score to the best one's that an area stands for.

    The average performance gap recovered, by cost and under the hull; RouteLLM's own, by share of calls, is
    `Deferral.apgr_by_calls`.
    """
    return ratio(area - singles.cheapest_score, singles.best_score - singles.cheapest_score)
