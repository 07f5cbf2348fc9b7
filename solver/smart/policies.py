"""Policies over a batch: which model each would have answer each item, and what that is expected to cost."""

from __future__ import annotations

from collections.abc import Callable
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

    Policies share calls: a model that several of them would ask for an item is asked once. A policy may read
    the answer, and hand the item on to the reference.

    Args:
        chosen: Numbers of models, ``(n_policies, n_items)``.
        cost: What a call of each model, then of the reference, is expected to cost, ``(n_items,
            n_models + 1)``.
        least: The probability of agreement, its answer read, from which on a model's answer stands,
            ``(n_policies, n_items)``; 0 where answers are not read, and all stand.
        handed_on: Share of the models' answers that are expected to be handed on, ``(n_policies,)``.
    """

    chosen: Counts
    cost: Array
    least: Array
    handed_on: Array | float = 0.0

    @property
    def reach(self) -> Counts:
        """How many items a policy does not leave to the reference, ``(n_policies,)``."""
        return np.asarray((self.chosen < self.cost.shape[1] - 1).sum(1), np.int64)

    @property
    def costs(self) -> Array:
        """What a policy costs an item on average, ``(n_policies,)``."""
        first = self.cost[np.arange(len(self.cost)), self.chosen].mean(1)
        again = ((self.chosen < self.cost.shape[1] - 1) * self.cost[:, -1]).mean(1)
        return np.asarray(first + self.handed_on * again)

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
        chosen = np.repeat(np.arange(cost.shape[1] - 1)[:, None], len(cost), 1)
        return cls(chosen, cost, np.zeros(chosen.shape))

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
        chosen = choices(agreed, cost, prices).astype(np.int64)
        return cls(chosen, cost, np.zeros(chosen.shape))

    @classmethod
    def cascades(cls, agreement: Array, cost: Array, prices: Array, levels: Array) -> Policies:
        """At each price a model or the reference is asked, and as the model's answer reads, that too.

        An answer stands where it agrees with a probability of at least 1 less the price times what the
        reference costs. Asked is whom that pays most in expectation, looking one step ahead.

        Args:
            agreement: As in `at_prices`, before answers are read.
            cost: As `Policies` has it.
            prices: As in `at_prices`.
            levels: Shares of answers of models that differ and that agree by how they read, ``(n_levels, 2,
                n_models)``.

        Example:
            Half of the answers that differ are known by their looks: where few agree, or much must, asking
            does not pay.

            >>> agreement, cost = np.array([[0.9], [0.05]]), np.array([[1.0, 10.0]] * 2)
            >>> levels = np.array([[[0.5], [0.0]], [[0.5], [1.0]]])
            >>> found = Policies.cascades(agreement, cost, np.array([0.004, 0.007]), levels)
            >>> found.chosen.tolist(), found.least[:, 0].round(2).tolist(), found.handed_on.round(2).tolist()
            ([[1, 1], [0, 1]], [0.96, 0.93], [0.0, 0.05])
        """
        n, reference = len(cost), cost.shape[1] - 1
        agree = agreement[:, :, None] * levels[:, 1].T  # and read so, (n_items, n_models, n_levels)
        read = agree + (1 - agreement[:, :, None]) * levels[:, 0].T
        chosen, handed_on = np.empty((len(prices), n), np.int64), np.zeros(len(prices))
        least = 1 - prices[:, None] * cost[:, -1]
        for at, price in enumerate(prices.tolist()):
            doubted = agree < least[at][:, None, None] * read
            stands = np.where(doubted, least[at][:, None, None] * read, agree).sum(-1)
            value = np.append(stands - price * cost[:, :-1], least[at][:, None], 1)
            chosen[at] = reference - value[:, ::-1].argmax(1)
            asked = np.flatnonzero(chosen[at] < reference)
            if len(asked):
                handed_on[at] = (doubted * read).sum(-1)[asked, chosen[at, asked]].mean()
        return cls(chosen, cost, least, handed_on)


def spread_prices(family: Callable[[Array], Policies]) -> Array:
    """Prices from the safest policy of a family to the cheapest, at about equal steps of expected money.

    They are among `PRICES`, and depend on predictions alone; above the last one nothing changes. Policies
    that leave all to the reference are left out.

    Args:
        family: Makes policies of prices.
    """
    policies = family(PRICES)
    costs = policies.costs
    places = np.flatnonzero(np.append(True, np.diff(costs) != 0) & (policies.reach > 0))
    if not len(places):
        return PRICES[:1]
    levels = np.linspace(policies.cost[:, -1].mean(), costs[places].min(), MOST + 1)[1:]
    nearest = np.abs(costs[places][:, None] - levels).argmin(0)
    return np.asarray(PRICES[places[np.unique(np.append(nearest, len(places) - 1))]])
