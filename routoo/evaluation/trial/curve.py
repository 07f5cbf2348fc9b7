"""What a policy realises along the price, and which models it calls there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.data.curves import Choices, Vector

NEARLY_FREE = 1
"""Position of the least price above 0: money is no object, but of two that tie the cheaper is taken."""


@dataclass(frozen=True, eq=False)
class Curve:
    """What a policy realises at each price.

    Args:
        prices: Score per USD, ascending, ``(n_prices,)``.
        cost_usd: Mean cost in USD a prompt, ``(n_prices,)``.
        score: Mean score, ``(n_prices,)``.
        shares: Share of the prompts that get the answer of each model, ``(n_prices, n_models)``.
        needless: Share of the prompts for which a cheaper model scores no less, ``(n_prices,)``.
    """

    prices: Vector
    cost_usd: Vector
    score: Vector
    shares: Vector
    needless: Vector

    @property
    def points(self) -> Vector:
        """(mean cost, mean score) at each price, ``(n_prices, 2)``."""
        return np.stack([self.cost_usd, self.score], axis=1)

    def shares_at(self, budgets_usd: Vector) -> Vector:
        """Share of the prompts that each model gets at these budgets a prompt, ``(n_budgets, n_models)``.

        Between two prices their choices are mixed, so that the budget is met on average.
        """
        return np.stack([self.at(budgets_usd, column) for column in self.shares.T], axis=1)

    def needless_at(self, budgets_usd: Vector) -> Vector:
        """Share of the prompts for which a cheaper model scores no less, at these budgets a prompt."""
        return self.at(budgets_usd, self.needless)

    def at(self, budgets_usd: Vector, values: Vector) -> Vector:
        """`values` of each price, read at budgets; at price 0 chance decides between models that tie."""
        priced = np.flatnonzero(self.prices > 0)
        order = priced[np.argsort(self.cost_usd[priced], kind="stable")]
        return np.asarray(np.interp(budgets_usd, self.cost_usd[order], values[order]), np.float64)


def shares_of(chosen: Choices, n_models: int) -> npt.NDArray[np.float64]:
    """Share of the prompts that each model gets at each price, ``(n_prices, n_models)``."""
    n_prices, n_prompts = chosen.shape
    cells = chosen + n_models * np.arange(n_prices)[:, None]
    counts = np.bincount(cells.ravel(), minlength=n_prices * n_models).reshape(n_prices, n_models)
    return np.asarray(counts / n_prompts, np.float64)
