"""Figures of merit of a router: ranking, calibration, and the curve of quality against cost.

A policy is what predictions choose at a price: ``argmax_j p_correct - price * cost``. Its curve is the (mean
cost, mean score) that it realises at each of `PRICES`; all figures of cost and quality are read off the
non-decreasing concave hull of that curve, since a mixture of two policies reaches every point between them
(RouterBench, arXiv 2403.12031; RouteLLM, arXiv 2406.18665).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Vector = npt.NDArray[np.float64]
Choices = npt.NDArray[np.int32]

PRICES: Vector = np.concatenate([[0.0], np.geomspace(1e-2, 1e7, 600)])
"""Score per USD at which a policy is asked for its choices, ascending."""

BUDGET_SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)
"""Shares of the best single model's cost at which the score is reported."""

QUALITY_SHARES = (0.95, 0.98, 0.99, 1.0)
"""Shares of the best single model's score at which the cost is reported."""

_GRID = 4001  # budgets over which an area is averaged
_ROUNDING = 1e-9  # how far a mean may miss a limit and still be on it


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


def choices(p_correct: Floats, cost_usd: Floats, prices: Vector = PRICES) -> Choices:
    """The model that each prompt is given at each price; the first of those that tie.

    Between two prices that choose alike nothing else can be chosen (each model's value is a line in the
    price, and the best of them is convex), so prices are halved only where the choice still changes.

    Args:
        p_correct: Predicted scores, ``(n_prompts, n_models)``.
        cost_usd: Expected costs, the same shape.
        prices: Score per USD, ascending, ``(n_prices,)``.

    Returns:
        Positions of models, ``(n_prices, n_prompts)``.

    >>> choices(np.array([[0.9, 0.5]]), np.array([[0.01, 0.0]]), np.array([0.0, 39.0, 41.0])).ravel().tolist()
    [0, 0, 1]
    """
    p, cost = p_correct.astype(np.float64), cost_usd.astype(np.float64)
    chosen = np.empty((len(prices), len(p)), np.int32)
    everyone = np.arange(len(p))

    def choose(at: int, rows: npt.NDArray[np.intp]) -> None:
        chosen[at, rows] = (p[rows] - prices[at] * cost[rows]).argmax(1)

    last = len(prices) - 1
    choose(0, everyone)
    choose(last, everyone)
    open_spans = [(0, last, everyone)]
    while open_spans:
        low, high, rows = open_spans.pop()
        if high - low < 2:
            continue
        settled = chosen[low, rows] == chosen[high, rows]
        chosen[low + 1 : high, rows[settled]] = chosen[low, rows[settled]]
        rows = rows[~settled]
        if len(rows):
            middle = (low + high) // 2
            choose(middle, rows)
            open_spans += [(low, middle, rows), (middle, high, rows)]
    return chosen


def realised(chosen: Choices, value: Floats) -> Vector:
    """`value` ``(n_prompts, n_models)`` of what is chosen at each price, ``(n_prices, n_prompts)``."""
    return value[np.arange(chosen.shape[1]), chosen].astype(np.float64)


def curve(chosen: Choices, score: Floats, cost_usd: Floats) -> Vector:
    """Points (mean cost, mean score) of the choices at each price, ``(n_prices, 2)``."""
    return np.stack([realised(chosen, cost_usd).mean(1), realised(chosen, score).mean(1)], axis=1)


def hull(points: Vector) -> Vector:
    """The vertices of the non-decreasing concave hull of (cost, score) points, by rising cost and score.

    >>> hull(np.array([[1.0, 0.2], [2.0, 0.3], [3.0, 0.6], [4.0, 0.5]])).tolist()
    [[1.0, 0.2], [3.0, 0.6]]
    """
    ordered = points[np.lexsort((-points[:, 1], points[:, 0]))]
    reached = np.concatenate([[-np.inf], np.maximum.accumulate(ordered[:-1, 1])])
    vertices: list[tuple[float, float]] = []
    for cost, score in ordered[ordered[:, 1] > reached].tolist():
        while len(vertices) > 1:
            (cost_0, score_0), (cost_1, score_1) = vertices[-2:]
            if (score_1 - score_0) * (cost - cost_0) > (score - score_0) * (cost_1 - cost_0):
                break
            vertices.pop()
        vertices.append((cost, score))
    return np.array(vertices, np.float64)


def area(points: Vector, low: float, high: float) -> float:
    """Mean score under the hull of `points` over budgets from `low` to `high` USD a prompt.

    RouterBench's AIQ on that range. Below its cheapest point a hull is continued at that point's score.

    >>> round(area(np.array([[0.0, 0.0], [1.0, 1.0]]), 0.0, 1.0), 6)
    0.5
    """
    vertices = hull(points)
    budgets = np.linspace(low, high, _GRID)
    return float(np.interp(budgets, vertices[:, 0], vertices[:, 1]).mean())


def score_within(points: Vector, budget_usd: float) -> float:
    """The best score among the points that cost at most `budget_usd` a prompt, or NaN where none does."""
    affordable = points[points[:, 0] <= budget_usd * (1 + _ROUNDING), 1]
    return float(affordable.max()) if len(affordable) else math.nan


def cost_of(points: Vector, score: float) -> float:
    """The least cost at which the hull of `points` reaches `score`, or NaN where it never does."""
    vertices = hull(points)
    if vertices[-1, 1] < score:
        return math.nan
    return float(np.interp(score, vertices[:, 1], vertices[:, 0]))


@dataclass(frozen=True)
class Scale:
    """What the figures of cost and quality are measured against: the pool's single models on these prompts.

    Args:
        singles: (mean cost, mean score) of each model, ``(n_models, 2)``.
    """

    singles: Vector

    @property
    def best(self) -> int:
        """Position of the model with the highest mean score."""
        return int(self.singles[:, 1].argmax())

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

        RouteLLM's average performance gap recovered where the pool is one weak and one strong model.
        """
        return ratio(area_ - self.cheapest_score, self.best_score - self.cheapest_score)

    def score_at(self, points: Vector, shares: Sequence[float] = BUDGET_SHARES) -> dict[float, float]:
        """Best score at no more than each share of the best single model's cost."""
        return {share: score_within(points, share * self.high_usd) for share in shares}

    def cost_at(self, points: Vector, shares: Sequence[float] = QUALITY_SHARES) -> dict[float, float]:
        """Least cost, as a share of the best single model's, at each share of its score."""
        return {share: ratio(cost_of(points, share * self.best_score), self.high_usd) for share in shares}
