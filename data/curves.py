"""The curve of quality against cost that a policy draws, its hull, and the area below it.

A policy is what predictions choose at a price: ``argmax_j p_correct - price * cost``. Its curve is the (mean
cost, mean score) that it realises at each of `PRICES`; figures are read off the non-decreasing concave hull
of that curve, since a mixture of two policies reaches every point in between (RouterBench, arXiv 2403.12031).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Vector = npt.NDArray[np.float64]
Choices = npt.NDArray[np.int32]

PRICES: Vector = np.concatenate([[0.0], np.geomspace(1e-2, 1e7, 600)])
"""Score per USD at which a policy is asked for its choices, ascending."""

_GRID = 4001  # budgets over which an area is averaged
_TIED = 1e-6  # mean scores no further apart are the same: draws of the prompts are summed in float32


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


def best_single(singles: Vector) -> int:
    """The position of the best single model: the highest mean score, and of those that tie the least cost.

    Args:
        singles: (mean cost, mean score) of each model, ``(n_models, 2)``.

    >>> best_single(np.array([[5.0, 0.9], [2.0, 0.9], [1.0, 0.4]]))
    1
    """
    cost, score = singles.T
    tied = np.flatnonzero(score >= score.max() - _TIED)
    return int(tied[cost[tied].argmin()])


def area(points: Vector, low: float, high: float) -> float:
    """Mean score under the hull of `points` over budgets from `low` to `high` USD a prompt.

    RouterBench's AIQ on that range. Below its cheapest point a hull is continued at that point's score.

    >>> round(area(np.array([[0.0, 0.0], [1.0, 1.0]]), 0.0, 1.0), 6)
    0.5
    """
    vertices = hull(points)
    budgets = np.linspace(low, high, _GRID)
    return float(np.interp(budgets, vertices[:, 0], vertices[:, 1]).mean())


def routing_area(
    p_correct: Floats, expected_cost: Floats, score: Floats, cost: Floats, *, prices: Vector = PRICES
) -> float:
    """The area of choosing by these predictions, from the cheapest single model's cost to the best one's.

    Args:
        p_correct: Predicted scores, ``(n_prompts, n_models)``.
        expected_cost: Costs in USD to choose by, the same shape.
        score: What the models achieved, the same shape; a missing one (NaN) counts as its model's mean.
        cost: What they cost, the same shape.
        prices: Where to choose, ascending.

    Returns:
        Mean score over the budgets; NaN where the cheapest model is also the best: nothing is to trade.
    """
    known = ~np.isnan(score)
    means = np.where(known, score, 0).sum(0) / np.maximum(known.sum(0), 1)
    score = np.where(known, score, means)
    singles = np.c_[cost.mean(0), score.mean(0)]
    cheapest, best = singles[singles[:, 0].argmin()], singles[best_single(singles)]
    if best[0] <= cheapest[0]:
        return math.nan
    points = curve(choices(p_correct, expected_cost, prices), score, cost)
    return area(np.vstack([points, cheapest]), float(cheapest[0]), float(best[0]))
