"""What prompts cost on average at every price of money, learnt from the prompts that come by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from routoo.data.arguments import record
from routoo.data.scores import Scores
from routoo.solver.rows import Floats

_POINTS = 96
_DECADES = 4.0
_MOST_LEARNT = 4096


@dataclass
class SpendingCurve:
    """Mean cost of a prompt's best choice at each of a row of prices, recent prompts counting most.

    Args:
        prices: Score per USD, rising, the first 0, ``(n_points,)``.
        cost_usd: Mean cost at each price, ``(n_points,)``.
        cheapest_usd: Mean cost of the cheapest open choice.
        weight: How many prompts the means stand for, at most a half-life's worth.
        half_life: Prompts after which one counts half.
    """

    prices: Floats
    cost_usd: Floats
    cheapest_usd: float
    weight: float
    half_life: float

    @classmethod
    def of(cls, scores: Scores, *, half_life: float, weight: float | None = None) -> SpendingCurve:
        """The curve of a batch; its prices span four decades about those that make a difference.

        Args:
            scores: Prompts like those to come.
            half_life: Prompts after which one counts half.
            weight: How many prompts it stands for; as many as it has, when None.
        """
        some = np.linspace(0, len(scores) - 1, min(len(scores), _MOST_LEARNT)).astype(np.intp)
        p, cost = (matrix[some].astype(np.float64) for matrix in (scores.p_correct, scores.cost_usd))
        spread = float(np.ptp(p, axis=1).mean()) or 1.0
        middle = spread / (float(np.ptp(cost, axis=1).mean()) or 1.0)
        grid = middle * np.logspace(-_DECADES / 2, _DECADES, _POINTS - 1)
        prices = np.concatenate([[0.0], grid])
        curve = cls(prices, np.zeros(_POINTS), 0.0, 0.0, half_life)
        curve.learn(p, cost)
        curve.weight = min(len(scores) if weight is None else weight, curve._most)
        return curve

    @property
    def _most(self) -> float:
        return self.half_life / math.log(2)

    def learn(self, p_correct: Floats, cost_usd: Floats) -> None:
        """Counts more prompts in, ``(n, n_models)`` each; infinity is the cost of what is not open."""
        costs = np.zeros(len(self.prices))
        for p, cost in zip(p_correct, cost_usd, strict=True):
            with np.errstate(invalid="ignore"):
                value = p - self.prices[:, None] * cost  # 0 times infinity: closed
            costs += cost[np.where(np.isnan(value), -np.inf, value).argmax(axis=1)]
        count = len(p_correct)
        share = count / (count + self.weight)
        self.cost_usd = self.cost_usd + share * (costs / count - self.cost_usd)
        self.cheapest_usd += share * (float(cost_usd.min(axis=1).mean()) - self.cheapest_usd)
        self.weight = min(self.weight + count, self._most)

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """The curve in plain numbers."""
        return {
            "prices": self.prices.tolist(),
            "cost_usd": self.cost_usd.tolist(),
            "cheapest_usd": self.cheapest_usd,
            "weight": self.weight,
        }

    @classmethod
    def from_dict(
        cls, state: Mapping[str, Any], *, half_life: float
    ) -> SpendingCurve:  # Any: a JSON document
        """The curve that `to_dict` described."""
        record("curve", state, dict)
        prices, cost = np.array(state["prices"], np.float64), np.array(state["cost_usd"], np.float64)
        if prices.shape != cost.shape:
            raise ValueError(f"{len(prices)} prices and {len(cost)} costs")
        return cls(prices, cost, float(state["cheapest_usd"]), float(state["weight"]), half_life)

    def price_for(self, cost_usd: float) -> float:
        """The price at which a prompt costs this much on average; the steepest there is, below the least."""
        falling = np.minimum.accumulate(self.cost_usd)
        if cost_usd >= falling[0]:
            return 0.0
        return float(np.interp(-cost_usd, -falling, self.prices))
