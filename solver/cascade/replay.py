"""The quantile rule over recorded outcomes, at many budgets at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.data.checks.arguments import choice, number, same_length, vector
from routoo.solver.cascade.quantile import LEAST_SEEN, READS, ROUNDING, place_among_equals

Vector = npt.NDArray[np.float64]
Decided = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Replay:
    """Who was asked, prompt by prompt, at each budget.

    Args:
        small: Whether the small model was, ``(n_prompts, n_budgets)``.
        large: Whether the large model was, the same shape.
        spent: What was spent, ``(n_budgets,)``.
    """

    small: Decided
    large: Decided
    spent: Vector


def replay(
    signal: Vector,
    small_cost: Vector,
    large_cost: Vector,
    budgets: Vector,
    *,
    means: tuple[float, float] | None = None,
    reads: str = "answer",
    large_better: bool = True,
    hold_back: bool = True,
) -> Replay:
    """What `QuantileRule` decides on a stream of prompts, at each of several budgets.

    It is the same to the last decision, and some fifty times as fast at a hundred budgets.

    Args:
        signal: Of each prompt in the order of the stream, ``(n_prompts,)``; low where the large model is to
            be asked.
        small_cost: What a call of the small model costs on it, the same shape: also the most that it can.
        large_cost: The same of the large model.
        budgets: For all prompts, ``(n_budgets,)``.
        means: `small_cost` and `large_cost` of the rule; None where it learns them.
        reads: Of the rule, as the rest.
        large_better: Likewise.
        hold_back: Likewise.

    Raises:
        InputError: Lengths disagree, or a value is not finite.

    >>> found = replay(np.arange(30.0)[::-1], np.ones(30), np.full(30, 4.0), np.array([30.0, 60.0, 120.0]))
    >>> found.large.sum(0).tolist(), found.spent.tolist()
    ([0, 10, 30], [30.0, 60.0, 120.0])
    """
    x = vector("signal", signal)
    small, large = vector("small_cost", small_cost), vector("large_cost", large_cost)
    same_length(signal=x, small_cost=small, large_cost=large)
    if means is not None:
        means = number("means", means[0], finite=True), number("means", means[1], finite=True)
    rules = _Rules(vector("budgets", budgets), len(x), means, choice("reads", reads, READS), hold_back)
    asked = np.zeros((2, len(x), len(rules.budget)), np.bool_)
    for at, rank in enumerate(np.unique(x, return_inverse=True)[1] + 1):
        to_come = len(x) - at
        some = rules.affords(small[at])
        c1, c2 = rules.mean(0, small[at]), rules.mean(1, large[at])
        frugal = rules.budget - rules.spent <= to_come * c1 + rules.rounding
        rich = some & ~frugal & large_better & rules.affords(to_come * c2) & rules.affords(large[at])
        read = some & ~frugal & ~rich
        if reads == "prompt":
            go = rules.wanted(rank, read, to_come - 1, small[at], large[at])
            asked[0, at] = some & ~rich & ~go
            rules.pay(0, asked[0, at], small[at])
        else:
            asked[0, at] = some & ~rich
            rules.pay(0, asked[0, at], small[at])
            go = rules.wanted(rank, read, to_come - 1, small[at], large[at])
        asked[1, at] = rich | go
        rules.pay(1, asked[1, at], large[at])
    return Replay(asked[0], asked[1], rules.spent)


class _Rules:
    """What `QuantileRule` keeps, at each of several budgets."""

    def __init__(
        self, budget: Vector, n: int, means: tuple[float, float] | None, reads: str, hold_back: bool
    ) -> None:
        self.budget, self.spent, self.rounding = budget, np.zeros(len(budget)), ROUNDING * budget
        self._n, self._means, self._reads, self._hold_back = n, means, reads, hold_back
        self._paid, self._calls = np.zeros((2, len(budget))), np.zeros((2, len(budget)))
        self._seen = _Counts(n, len(budget))

    def mean(self, model: int, most: float) -> Vector:
        """What a call is expected to cost."""
        if self._means is not None:
            return np.full(len(self.budget), self._means[model])
        calls = self._calls[model]
        return np.where(calls > 0, self._paid[model] / np.maximum(calls, 1), most)

    def affords(self, cost: float | Vector) -> Decided:
        """Where there is as much left."""
        return np.asarray(self.budget - self.spent + self.rounding >= cost)

    def pay(self, model: int, where: Decided, cost: float) -> None:
        """Takes what a call costs where it was made."""
        for total, much in ((self.spent, cost), (self._paid[model], cost), (self._calls[model], 1)):
            total[where] += much

    def wanted(self, rank: int, where: Decided, after: int, small: float, large: float) -> Decided:
        """Where the prompt is to go to the large model, and can; its signal is kept.

        Args:
            rank: Of its signal among all of them.
            where: Where it is in question.
            after: How many prompts come after it.
            small: The most that the call of the small model can cost.
            large: The same of the large model.
        """
        self._seen.add(rank, where)
        less, steps = self._seen.below(rank), self._seen.total - 1
        place = place_among_equals(less, self._seen.below(rank + 1) - less)
        c1, c2 = self.mean(0, small), self.mean(1, large)
        more = c2 if self._reads == "answer" else c2 - c1
        share = (self.budget / self._n - c1) / np.where(more > 0, more, np.inf)
        share = np.where(more > 0, share.clip(0.0, 1.0), 1.0)
        left = self.affords(large + (after * c1 if self._hold_back else 0.0))
        return where & (steps >= LEAST_SEEN) & (place < share * steps) & left


class _Counts:
    """How many signals of each rank were seen at each budget: a binary indexed tree (Fenwick 1994)."""

    def __init__(self, n_ranks: int, n_budgets: int) -> None:
        self.total = np.zeros(n_budgets)
        self._tree = np.zeros((n_ranks + 1, n_budgets))

    def add(self, rank: int, rows: Decided) -> None:
        """One more of this rank, from 1 on, in these rows."""
        self.total += rows
        while rank < len(self._tree):
            self._tree[rank] += rows
            rank += rank & -rank

    def below(self, rank: int) -> Vector:
        """How many of lower ranks."""
        found, rank = np.zeros_like(self.total), rank - 1
        while rank > 0:
            found += self._tree[rank]
            rank -= rank & -rank
        return found
