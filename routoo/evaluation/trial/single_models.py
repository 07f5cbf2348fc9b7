"""The models of a pool one by one, on the judged prompts: what cost and quality are measured against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from routoo.data.curves import Vector, area, best_single, hull

LEAST_JUDGED = 30
"""Outcomes below which a model is not called the best: the mean of so few is mostly noise."""


@dataclass(frozen=True)
class SingleModels:
    """Mean cost and mean score of each model alone.

    Args:
        points: (mean cost, mean score) of each model, ``(n_models, 2)``.
        judged: Outcomes behind each score, ``(n_models,)``; enough of them when not given.
    """

    points: Vector
    judged: npt.NDArray[np.int64] | None = None

    @cached_property
    def best(self) -> int:
        """Position of the model with the highest mean score, and of those that tie the least cost.

        A model with fewer than `LEAST_JUDGED` outcomes is passed over where another has as many.
        """
        known = np.arange(len(self.points))
        if self.judged is not None and (self.judged >= LEAST_JUDGED).any():
            known = np.flatnonzero(self.judged >= LEAST_JUDGED)
        return int(known[best_single(self.points[known])])

    @property
    def cheapest(self) -> int:
        """Position of the model with the lowest mean cost."""
        return int(self.points[:, 0].argmin())

    @property
    def low_usd(self) -> float:
        """Mean cost of the cheapest model: where the budget axis begins."""
        return float(self.points[self.cheapest, 0])

    @property
    def high_usd(self) -> float:
        """Mean cost of the best model: where the budget axis ends."""
        return float(self.points[self.best, 0])

    @property
    def best_score(self) -> float:
        """Mean score of the best model."""
        return float(self.points[self.best, 1])

    @property
    def cheapest_score(self) -> float:
        """Mean score of the cheapest model."""
        return float(self.points[self.cheapest, 1])

    def with_cheapest(self, points: Vector) -> Vector:
        """The points, and the cheapest model's: sending everything there is open to every policy."""
        return np.vstack([points, self.points[self.cheapest]])

    def area(self, points: Vector) -> float:
        """`area` over the budgets from the cheapest to the best single model."""
        return area(points, self.low_usd, self.high_usd)


@dataclass(frozen=True)
class SingleModel:
    """What sending every prompt to one model costs and achieves: USD a prompt and mean score.

    `outcomes` is how many scores were recorded.
    """

    name: str
    cost_usd: float
    score: float
    outcomes: int

    def to_dict(self) -> dict[str, Any]:  # Any: a text and numbers
        """The fields by name."""
        return asdict(self)


def mixture_at(singles: Sequence[SingleModel], cost_usd: float) -> dict[str, float]:
    """The best mixture of single models at this mean cost: by name, the share of the prompts that each gets.

    >>> small, big = SingleModel("small", 1.0, 0.5, 90), SingleModel("big", 5.0, 0.8, 90)
    >>> mixture_at([big, small], 2.0), mixture_at([big, small], 9.0)
    ({'small': 0.75, 'big': 0.25}, {'big': 1.0})
    """
    named = {(model.cost_usd, model.score): model.name for model in reversed(singles)}
    corners = [(cost, score) for cost, score in hull(np.array(list(named))).tolist()]
    dearer = next((at for at, (cost, _) in enumerate(corners) if cost > cost_usd), len(corners))
    if dearer in (0, len(corners)):
        return {named[corners[dearer and -1]]: 1.0}
    below, above = corners[dearer - 1 : dearer + 1]
    share = (cost_usd - below[0]) / (above[0] - below[0])
    return {named[below]: 1 - share, named[above]: share}
