"""What prompts cost on average at every price of money, learnt from the prompts that come by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from routoo.data.scores import Scores
from routoo.solver.sums.rows import Floats

_PRICES = np.concatenate([[0.0], np.logspace(-9, 12, 12 * 21 + 1)])
"""Score per USD, rising, a twelfth of a decade apart: for calls from a billionth of a dollar to a billion."""

_MOST_LEARNT = 4096

_FORGETS = 4.0
"""How much more than evenly the latest of few prompts counts."""

_MOST = 30.0
"""Times the mean that one prompt counts for at most."""


@dataclass
class SpendingCurve:
    """Mean cost of a prompt's best choice at each of a row of prices, recent prompts counting most.

    Of few prompts the first count little (by the third power of their places), so that one that is unlike
    the others is soon forgotten; many fade by half-lives. Each counts for at most thirty times the mean.

    Args:
        half_life: Prompts after which one counts half.
        cost_usd: Mean cost at each price, ``(n_prices,)``; the last is that of the cheapest choice.
        count: Prompts that the means stand for, at most as many as count in the long run.
    """

    half_life: float
    cost_usd: Floats = field(default_factory=lambda: np.zeros(len(_PRICES)))
    count: float = 0.0

    @classmethod
    def of(cls, scores: Scores | None, *, half_life: float) -> SpendingCurve:
        """The curve of a batch of prompts like those to come, each counting the same; None is none."""
        if scores is None or not len(scores):
            return cls(half_life)
        some = np.linspace(0, len(scores) - 1, min(len(scores), _MOST_LEARNT)).astype(np.intp)
        costs = np.array([_costs(scores.p_correct[row], scores.cost_usd[row]) for row in some])
        curve = cls(half_life, np.minimum(costs, _MOST * costs.mean(axis=0)).mean(axis=0))
        curve.count = min(len(scores), curve._most)
        return curve

    @property
    def _most(self) -> float:
        return _FORGETS * self.half_life / math.log(2)

    @property
    def cheapest_usd(self) -> float:
        """Mean cost of the cheapest open choice."""
        return float(self.cost_usd[-1])

    def learn(self, p_correct: npt.NDArray[np.floating], cost_usd: npt.NDArray[np.floating]) -> None:
        """Counts one more prompt in: scores and costs of the models that are open to it."""
        costs = _costs(p_correct, cost_usd)
        costs = np.where(self.cost_usd > 0, np.minimum(costs, _MOST * self.cost_usd), costs)
        self.cost_usd = self.cost_usd + _FORGETS / (self.count + _FORGETS) * (costs - self.cost_usd)
        self.count = min(self.count + 1.0, self._most)

    def price_for(self, cost_usd: float) -> float:
        """The price at which a prompt costs this much on average; the steepest there is, below the least."""
        falling = np.minimum.accumulate(self.cost_usd)
        if cost_usd >= falling[0]:
            return 0.0
        return float(np.interp(-cost_usd, -falling, _PRICES))

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """The curve in plain numbers."""
        return {"cost_usd": self.cost_usd.tolist(), "count": self.count}

    @classmethod
    def from_dict(
        cls, state: Mapping[str, Any], *, half_life: float
    ) -> SpendingCurve:  # Any: a JSON document
        """The curve that `to_dict` described."""
        cost = np.array(state["cost_usd"], np.float64)
        if cost.shape != _PRICES.shape:
            raise ValueError(f"{len(_PRICES)} prices and {len(cost)} costs")
        return cls(half_life, cost, float(state["count"]))


def _costs(p_correct: npt.NDArray[np.floating], cost_usd: npt.NDArray[np.floating]) -> Floats:
    """What the best choice for a prompt costs at each price, ``(n_prices,)``."""
    cost = cost_usd.astype(np.float64)
    return np.asarray(cost[(p_correct - _PRICES[:, None] * cost).argmax(axis=1)])
