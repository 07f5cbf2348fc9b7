"""Figures of merit of a router: ranking, calibration, and the curve of quality against cost.

The curve itself is drawn in `routoo.data.curves`; here it is read, on the scale of the pool's single models
(RouterBench, arXiv 2403.12031; RouteLLM, arXiv 2406.18665).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from routoo.data.curves import Floats, Vector, area, best_single, hull

BUDGET_SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)
"""Shares of the best single model's cost at which the score is reported."""

QUALITY_SHARES = (0.95, 0.98, 0.99, 1.0)
"""Shares of the best single model's score at which the cost is reported."""

LEAST_JUDGED = 30
"""Outcomes below which a model is not called the best: so few are right or wrong by luck."""

ROUNDING = 1e-6
"""How far a mean may miss a limit, as a share of it, and still be on it: draws are summed in float32."""


def ratio(part: float, whole: float) -> float:
    """The quotient, or NaN where the divisor is zero or either is NaN."""
    return part / whole if whole and math.isfinite(whole) else math.nan


def mean_known(values: Floats) -> float:
    """Mean of what is not NaN, or NaN where nothing is known."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan


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


@dataclass(frozen=True)
class Scale:
    """What the figures of cost and quality are measured against: the pool's single models on these prompts.

    Args:
        singles: (mean cost, mean score) of each model, ``(n_models, 2)``.
        judged: Outcomes behind each score, ``(n_models,)``; enough of them when not given.
    """

    singles: Vector
    judged: npt.NDArray[np.int64] | None = None

    @cached_property
    def best(self) -> int:
        """Position of the model with the highest mean score, and of those that tie the least cost.

        A model with fewer than `LEAST_JUDGED` outcomes is passed over where another has as many.
        """
        known = np.arange(len(self.singles))
        if self.judged is not None and (self.judged >= LEAST_JUDGED).any():
            known = np.flatnonzero(self.judged >= LEAST_JUDGED)
        return int(known[best_single(self.singles[known])])

    @property
    def cheapest(self) -> int:
        """Position of the model with the lowest mean cost."""
        return int(self.singles[:, 0].argmin())

    @property
    def low_usd(self) -> float:
        """Mean cost of the cheapest model: where the budget axis begins."""
        return float(self.singles[self.cheapest, 0])

    @property
    def high_usd(self) -> float:
        """Mean cost of the best model: where the budget axis ends."""
        return float(self.singles[self.best, 0])

    @property
    def best_score(self) -> float:
        """Mean score of the best model."""
        return float(self.singles[self.best, 1])

    @property
    def cheapest_score(self) -> float:
        """Mean score of the cheapest model."""
        return float(self.singles[self.cheapest, 1])

    def with_cheapest(self, points: Vector) -> Vector:
        """The points, and the cheapest model's: sending everything there is open to every policy."""
        return np.vstack([points, self.singles[self.cheapest]])

    def area(self, points: Vector) -> float:
        """`area` over the budgets from the cheapest to the best single model."""
        return area(points, self.low_usd, self.high_usd)

    def apgr(self, area_: float) -> float:
        """Share of the way from the cheapest model's score to the best one's that an area stands for.

        The average performance gap recovered, by cost and under the hull; RouteLLM's own, by share of calls,
        is `Deferral.apgr_by_calls`.
        """
        return ratio(area_ - self.cheapest_score, self.best_score - self.cheapest_score)

    def score_at(self, points: Vector, shares: Sequence[float] = BUDGET_SHARES) -> dict[float, float]:
        """Best score at no more than each share of the best single model's cost."""
        return {share: score_within(points, share * self.high_usd) for share in shares}

    def cost_at(self, points: Vector, shares: Sequence[float] = QUALITY_SHARES) -> dict[float, float]:
        """Least cost, as a share of the best single model's, at each share of its score."""
        vertices = hull(points)
        return {share: ratio(cost_of(vertices, share * self.best_score), self.high_usd) for share in shares}
