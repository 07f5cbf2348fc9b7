"""What each model is expected to be worth to a router, by group of prompts and price of money."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from routoo.data.curves import Vector, best_single, choices, hull, realised
from routoo.data.errors import InputError
from routoo.data.group_table import GroupTable, group_sums

if TYPE_CHECKING:
    from routoo.data.outcomes import Outcomes
    from routoo.data.pool import Pool
    from routoo.design.groups import PromptGroups

Columns = npt.NDArray[np.intp]

_BUDGETS = 32
NO_ANSWER = -1
"""The column of a prompt that no model is worth asking at a price."""


@dataclass(frozen=True, eq=False)
class Worth:
    """Expected score and cost by group and model, and the prices at which they are traded.

    Args:
        score: Expected score, ``(n_groups, n_models)``.
        cost_usd: Mean cost of a call, the same shape.
        share: Share of the prompts in each group, ``(n_groups,)``.
        spread: What `GroupTable` says of it.
        prices: Score per USD, ``(n_prices,)``.
        budgets: Share of the budgets that have each price, ``(n_prices,)``.
    """

    score: Vector
    cost_usd: Vector
    share: Vector
    spread: float
    prices: Vector
    budgets: Vector

    @classmethod
    def of(
        cls, outcomes: Outcomes, pool: Pool, cost: Vector, groups: PromptGroups, price: float | None
    ) -> Worth:
        """What these outcomes say, at one price or at all that matter.

        Args:
            outcomes: Recorded outcomes.
            pool: The models of the columns.
            cost: What calls cost, ``(n_prompts, n_models)``, NaN where it is not known.
            groups: Tell prompts apart.
            price: Score per USD; None for those of all budgets.

        Raises:
            InputError: A model has no recorded score.
        """
        rows = groups.of_prompts(outcomes)
        score = outcomes.to_matrices(pool.names).score
        unknown = [name for name, of in zip(pool.names, score.T, strict=True) if np.isnan(of).all()]
        if unknown:
            raise InputError(
                f"no score of {', '.join(unknown)} is recorded in train or val: leave it out of the pool"
            )
        table = GroupTable.of(score, rows, len(groups))
        known = group_sums(~np.isnan(cost), rows, len(groups))
        paid = group_sums(np.nan_to_num(cost), rows, len(groups))
        mean = np.where(known > 0, paid / np.maximum(known, 1), paid.sum(0) / known.sum(0))
        found = _prices(table.expected, mean, table.share) if price is None else np.array([price])
        prices, counts = np.unique(found, return_counts=True)
        return cls(table.expected, mean, table.share, table.spread, prices, counts / counts.sum())

    @cached_property
    def net(self) -> Vector:
        """Score less cost at each price, ``(n_prices, n_groups, n_models)``."""
        return np.asarray(self.score - self.prices[:, None, None] * self.cost_usd, np.float64)

    @cached_property
    def values(self) -> Vector:
        """The same as rows whose sum over the best columns is worth a prompt, ``(n_rows, n_models)``."""
        weighed = self.net * self.share[:, None] * self.budgets[:, None, None]
        return np.asarray(weighed.reshape(-1, self.score.shape[1]), np.float64)

    @cached_property
    def mean_cost_usd(self) -> Vector:
        """Mean cost of a call of each model, ``(n_models,)``."""
        return np.asarray(self.share @ self.cost_usd, np.float64)

    def routed(self, columns: tuple[int, ...]) -> Columns:
        """Which of these columns each group is given at each price, ``(n_prices, n_groups)``."""
        net = self.net[:, :, list(columns)]
        return np.where(net.max(axis=2) > 0, np.array(columns)[net.argmax(axis=2)], NO_ANSWER)


def _prices(score: Vector, cost: Vector, share: Vector) -> Vector:
    """The price of each of evenly spaced budgets, from the cheapest single model's to the best one's.

    That is the slope, at the budget, of the curve that a router among all models is expected to draw. By weak
    duality, what a set of models is worth at that price, plus the budget's worth, is at least the score
    that the set reaches within the budget; the mean over the budgets bounds the area below its curve.
    """
    singles = np.stack([share @ cost, share @ score], axis=1)
    low, high = singles[:, 0].min(), singles[best_single(singles), 0]
    if high <= low:
        return np.zeros(1)
    chosen = choices(score, cost)
    points = np.stack([realised(chosen, cost) @ share, realised(chosen, score) @ share], axis=1)
    vertices = hull(np.vstack([[0.0, 0.0], points]))
    run, rise = np.diff(vertices, axis=0).T
    budgets = low + (high - low) * (np.arange(_BUDGETS) + 0.5) / _BUDGETS
    segment = np.searchsorted(vertices[1:, 0], budgets)
    return np.asarray(np.append(rise / run, 0.0)[segment], np.float64)
