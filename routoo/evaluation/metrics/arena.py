"""RouterArena's score: accuracy with a little weight on cost."""

from __future__ import annotations

import numpy as np

from routoo.data.curves import Floats, Vector
from routoo.evaluation.metrics.metric import Metric

ARENA_COSTS = (0.0044, 200.0)
"""USD per 1,000 prompts between which RouterArena rates a cost from 1 to 0."""

ARENA_BETA = 0.1
"""How little RouterArena weighs cost against accuracy."""


def arena_score(score: Floats, cost_usd: Floats) -> Vector:
    """RouterArena's score: a harmonic mean of accuracy and of a logarithmic rating of cost.

    ``(1 + β) A C / (β A + C)`` with ``β = 0.1`` and ``C`` falling from 1 at 0.0044 USD per 1,000 prompts to 0
    at 200 USD (RouterArena, arXiv 2510.00202); beyond these costs `C` stays at 1 and 0.

    Args:
        score: Mean scores.
        cost_usd: Mean costs in USD a prompt, the same shape.

    >>> arena_score(np.array([0.7396]), np.array([10.02e-3])).round(3).tolist()
    [0.643]
    """
    cheap, dear = np.log2(ARENA_COSTS)
    with np.errstate(divide="ignore"):
        rated = (dear - np.log2(1000 * np.asarray(cost_usd, np.float64))) / (dear - cheap)
    rated = np.clip(rated, 0.0, 1.0)
    below = ARENA_BETA * score + rated
    return np.asarray(
        np.divide((1 + ARENA_BETA) * score * rated, below, out=np.zeros_like(rated), where=below > 0)
    )


ARENA = Metric(
    key="arena",
    heading="arena",
    source="RouterArena",
    words="accuracy with a little weight on cost",
    best=lambda points, _: float(arena_score(points[:, 1], points[:, 0]).max()),
)
