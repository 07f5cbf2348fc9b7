"""Routing utility: what a set of predictions is worth to somebody who routes by them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

PRICES = np.r_[0.0, np.geomspace(1e-2, 1e7, 600)]
"""Prices of money, in score per USD, at which curves are drawn."""


def cost_quality_curve(
    p_correct: Array, expected_cost: Array, score: Array, cost: Array, *, prices: Array = PRICES
) -> Array:
    """Mean cost and mean score of choosing by ``p_correct - price * expected_cost``, ``(n_prices, 2)``.

    Args:
        p_correct: Predicted scores, ``(n_prompts, n_models)``.
        expected_cost: Costs in USD to choose by, broadcastable to the same shape.
        score: What the models achieved, the same shape.
        cost: What they cost, the same shape.
        prices: Where to choose, ``(n_prices,)``.
    """
    rows = np.arange(len(p_correct))
    points = np.empty((len(prices), 2))
    for at, price in enumerate(prices):
        choice = np.argmax(p_correct - price * expected_cost, axis=1)
        points[at] = cost[rows, choice].mean(), score[rows, choice].mean()
    return points


def upper_hull(points: Array) -> Array:
    """Vertices of the non-decreasing concave hull of ``(cost, score)`` points, by rising cost."""
    order = np.lexsort((-points[:, 1], points[:, 0]))
    hull: list[tuple[float, float]] = []
    for cost, score in points[order].tolist():
        if hull and score <= hull[-1][1]:
            continue
        while len(hull) > 1:
            (c0, s0), (c1, s1) = hull[-2:]
            if (s1 - s0) * (cost - c0) > (score - s0) * (c1 - c0):
                break
            hull.pop()
        hull.append((cost, score))
    return np.array(hull)


def area_under_hull(points: Array, low: float, high: float, *, samples: int = 4001) -> float:
    """Mean height of the hull of the points between two costs (RouterBench's AIQ, arXiv 2403.12031)."""
    hull = upper_hull(points)
    return float(np.interp(np.linspace(low, high, samples), hull[:, 0], hull[:, 1]).mean())


def routing_area(
    p_correct: Array, expected_cost: Array, score: Array, cost: Array, *, prices: Array = PRICES
) -> float:
    """Mean score under the hull of the curve, from the cheapest single model's cost to the best one's.

    Missing scores (NaN) count as 0. NaN when the cheapest model is also the best: there is nothing to trade.
    """
    score = np.nan_to_num(score)
    singles = np.c_[cost.mean(0), score.mean(0)]
    cheapest, best = singles[singles[:, 0].argmin()], singles[singles[:, 1].argmax()]
    if best[0] <= cheapest[0]:
        return float("nan")
    points = cost_quality_curve(p_correct, expected_cost, score, cost, prices=prices)
    return area_under_hull(np.vstack([points, cheapest]), float(cheapest[0]), float(best[0]))
