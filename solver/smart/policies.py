"""Policies over a batch: which model each would have answer each item, and what that is expected to cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from routoo.data.curves import PRICES, choices
from routoo.solver.bounds.failures import Counts
from routoo.solver.bounds.special import Array
from routoo.solver.smart.terms import Flags

MOST = 24
"""How many policies a family has at most: a finer one would save little more."""


@dataclass(frozen=True, eq=False)
class Policies:
    """Which model each policy has answer each item; the reference is numbered after the models.

    Policies share calls: a model that several of them would ask for an item is asked once.

    Args:
        chosen: Numbers of models, ``(n_policies, n_items)``.
        cost: What a call of each model, then of the reference, is expected to cost, ``(n_items,
            n_models + 1)``.
    """

    chosen: Counts
    cost: Array

    @property
    def reach(self) -> Counts:
        """How many items a policy does not leave to the reference, ``(n_policies,)``."""
        return np.asarray((self.chosen < self.cost.shape[1] - 1).sum(1), np.int64)

    @property
    def costs(self) -> Array:
        """What a policy costs an item on average, ``(n_policies,)``."""
        return np.asarray(self.cost[np.arange(len(self.cost)), self.chosen].mean(1))

    def models(self, policies: Flags) -> Flags:
        """Which models some of these policies, ``(n_policies,)``, would ask for which item, ``(n_models,
        n_items)``."""
        chosen, numbers = self.chosen[policies], range(self.cost.shape[1] - 1)
        return np.stack([(chosen == number).any(0) for number in numbers])

    def asking(self, asked: Flags, beside: float = 0.0) -> Array:
        """What it costs to ask for an item all models that policies need beside the reference.

        Args:
            asked: Policies whose answers are compared, ``(n_runs, n_policies)``.
            beside: What is paid for each answer beside the call: for judging it, say.
        """
        calls = np.stack([self.models(policies) for policies in asked])
        return np.asarray((calls * (self.cost[:, :-1].T + beside)).sum((1, 2)) / len(self.cost))

    @classmethod
    def alone(cls, cost: Array) -> Policies:
        """Each model for all items."""
        return cls(np.repeat(np.arange(cost.shape[1] - 1)[:, None], len(cost), 1), cost)

    @classmethod
    def at_prices(cls, agreement: Array, cost: Array, prices: Array) -> Policies:
        """At each price the model of which most agreement is predicted, less the price times its cost.

        The reference agrees with itself. Of policies that cost the same in expectation none differs less in
        expectation: a price is the multiplier of the money.

        Args:
            agreement: Probability that a model's answer agrees with the reference's, ``(n_items, n_models)``.
            cost: As `Policies` has it.
            prices: Agreeing answers that a dollar must buy, rising, ``(n_policies,)``.

        Example:
            The model saves 9 USD an item, and is taken where that is more than a possible difference costs.

            >>> agreement, cost = np.array([[0.99], [0.9], [0.5]]), np.array([[1.0, 10.0]] * 3)
            >>> Policies.at_prices(agreement, cost, np.array([0.0, 0.01, 0.02, 0.1])).chosen.tolist()
            [[1, 1, 1], [0, 1, 1], [0, 0, 1], [0, 0, 0]]
        """
        agreed = np.append(agreement, np.ones((len(cost), 1)), 1)
        return cls(choices(agreed, cost, prices).astype(np.int64), cost)


def spread_prices(agreement: Array, cost: Array) -> Array:
    """Prices from the safest policy to the cheapest, at about equal steps of expected money.

    They are among `PRICES`, and depend on predictions alone; above the last one nothing changes. Policies
    that leave all to the reference are left out. See `Policies.at_prices`.
    """
    policies = Policies.at_prices(agreement, cost, PRICES)
    new = np.append(True, (np.diff(policies.chosen, axis=0) != 0).any(1)) & (policies.reach > 0)
    places = np.flatnonzero(new)
    if not len(places):
        return PRICES[:1]
    costs = policies.costs[places]
    levels = np.linspace(cost[:, -1].mean(), costs.min(), MOST + 1)[1:]
    nearest = np.abs(costs[:, None] - levels).argmin(0)
    return np.asarray(PRICES[places[np.unique(np.append(nearest, len(places) - 1))]])
