"""LLMRouterBench's ParetoDist: how far settings are from the front of all that are compared."""

from __future__ import annotations

import math

import numpy as np

from routoo.data.curves import Vector
from routoo.evaluation.metrics.metric import Metric, Subject


def pareto_front(points: Vector) -> Vector:
    """The points that no other beats in cost or score without losing in the other, by rising cost.

    >>> pareto_front(np.array([[1.0, 0.2], [2.0, 0.1], [3.0, 0.5]])).tolist()
    [[1.0, 0.2], [3.0, 0.5]]
    """
    ordered = points[np.lexsort((-points[:, 1], points[:, 0]))]
    before = np.concatenate([[-np.inf], np.maximum.accumulate(ordered[:-1, 1])])
    return ordered[ordered[:, 1] > before]


def pareto_dist(points: Vector, everyone: Vector) -> float:
    """Mean distance of the settings from the Pareto front of all settings compared; 0 is best.

    LLMRouterBench (arXiv 2601.07206) gives no scale for the axes: here each runs from 0 to 1 over `everyone`,
    settings that coincide count once, and the front is its points.

    Args:
        points: Settings of the policy, ``(n_points, 2)``.
        everyone: Settings of all that is compared, single models included, ``(n, 2)``.

    >>> pareto_dist(np.array([[1.0, 0.0]]), np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 0.0]]))
    1.0
    """
    low, extent = everyone.min(0), np.ptp(everyone, axis=0)
    extent = np.where(extent > 0, extent, 1.0)
    front = (pareto_front(everyone) - low) / extent
    settings = (np.unique(points, axis=0) - low) / extent
    steps = settings[:, None, :] - front[None, :, :]
    return float(np.sqrt((steps**2).sum(2)).min(1).mean())


def _of(subject: Subject) -> float:
    """The front is that of single models and of policies made of predictions; others have no distance."""
    if subject.policy.kind != "predicted":
        return math.nan
    compared = [policy.points for policy in subject.policies if policy.kind == "predicted"]
    return pareto_dist(subject.policy.points, np.vstack([subject.trial.singles.points, *compared]))


PARETO_DIST = Metric(
    key="pareto_dist",
    heading="ParetoDist",
    source="LLMRouterBench",
    words="mean distance to the front of all settings compared",
    of=_of,
)
