"""RouterBench's average improvement in quality."""

from __future__ import annotations

import numpy as np

from routoo.data.curves import Vector, hull
from routoo.evaluation.metrics.metric import Metric, Subject


def aiq(points: Vector, low: float, high: float) -> float:
    """Mean score under the non-decreasing concave hull over costs from `low` to `high`, integrated exactly.

    RouterBench (arXiv 2403.12031) divides the area by the range of costs; the range here is the caller's, say
    that of the pool's single models. `SingleModels.area` is the same on the range that ends at the best
    single model, beyond which nobody needs to pay.

    >>> aiq(np.array([[1.0, 0.2], [3.0, 0.6]]), 1.0, 5.0)
    0.5
    """
    vertices = hull(points)
    if high <= low:
        return float(np.interp(low, vertices[:, 0], vertices[:, 1]))
    inside = vertices[(vertices[:, 0] > low) & (vertices[:, 0] < high), 0]
    costs = np.concatenate([[low], inside, [high]])
    return float(np.trapezoid(np.interp(costs, vertices[:, 0], vertices[:, 1]), costs) / (high - low))


def _of(subject: Subject) -> float:
    singles = subject.trial.singles
    dearest = float(singles.points[:, 0].max())
    return aiq(singles.with_cheapest(subject.policy.points), singles.low_usd, dearest)


AIQ = Metric(
    key="aiq",
    heading="AIQ",
    source="RouterBench",
    words="mean score over costs up to the dearest single model's",
    of=_of,
)
