"""What two-tier selection is worth on recorded outcomes: a curve over budgets, and the area under it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.data.errors import InputError
from routoo.solver.cascade.replay import replay

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tier:
    """One of the two models on every prompt.

    Args:
        score: What its answer achieved, ``(n_prompts,)``.
        cost: What that cost, the same shape, in any unit.
    """

    score: Vector
    cost: Vector

    @property
    def mean_cost(self) -> float:
        """What a call costs on average."""
        return float(self.cost.mean())


@dataclass(frozen=True, eq=False)
class TwoTierCurve:
    """What a signal makes of a pair of models, from a budget for the small one to that for the large one.

    Args:
        budget: A prompt, ``(n_budgets,)``, evenly spaced.
        score: Mean score at each, the same shape.
        share: Share of the prompts that the large model answered, the same shape.
        parts: Mean score of each prompt over the budgets, ``(n_prompts,)``, whose mean is the area.
    """

    budget: Vector
    score: Vector
    share: Vector
    parts: Vector

    @property
    def area(self) -> float:
        """Area under the curve by trapezoids, over the range of budgets: a mean score."""
        return float(self.parts.mean())


def two_tier_curve(
    signal: Vector,
    small: Tier,
    large: Tier,
    *,
    reads: str = "answer",
    learn_costs: bool = False,
    plain: Tier | None = None,
    n_budgets: int = 100,
    orders: Sequence[int] = (0, 1, 2),
) -> TwoTierCurve:
    """The curve of `QuantileRule`, a mean over orders of the stream (Ramírez et al. 2024, arXiv 2405.02134).

    Args:
        signal: Of each prompt, ``(n_prompts,)``; low where the large model is to be asked.
        small: What is paid for the signal and its answer.
        large: The large model.
        reads: What the signal is read off: ``answer`` or ``prompt``.
        learn_costs: Whether each call costs what it did, and means are learned; else every call of a model
            costs its mean.
        plain: Who answers where the budget does not do for `small`, of which a signal that costs more than
            the small model itself is a part; `small` when not given. Budgets begin at its cost.
        n_budgets: How many budgets.
        orders: Seeds of the orders of the stream.

    Raises:
        InputError: The large model does not cost more than the small one.

    >>> small, large = Tier(np.zeros(400), np.ones(400)), Tier(np.ones(400), np.full(400, 5.0))
    >>> curve = two_tier_curve(np.random.default_rng(0).random(400), small, large, reads="prompt")
    >>> round(curve.area, 2)
    0.5
    """
    first = small if plain is None else plain
    low, high, n = first.mean_cost, large.mean_cost, len(signal)
    if not low < high:
        raise InputError(f"the large model must cost more than the small one, got {high:g} and {low:g}")
    budgets = np.linspace(low, high, n_budgets)
    weight = np.full(n_budgets, 1.0)
    weight[[0, -1]] = 0.5
    weight /= weight.sum()
    means = None if learn_costs else (small.mean_cost, high)
    costs = (small.cost, large.cost) if means is None else (np.full(n, means[0]), np.full(n, means[1]))
    score, share, parts = np.zeros(n_budgets), np.zeros(n_budgets), np.zeros(n)
    too_low = budgets < small.mean_cost * (1 - 1e-9)
    for seed in orders:
        at = np.random.default_rng(seed).permutation(n)
        found = replay(signal[at], costs[0][at], costs[1][at], budgets * n, means=means, reads=reads)
        came = np.where(found.large, large.score[at, None], found.small * small.score[at, None])
        came = np.where(too_low, first.score[at, None], came)
        score += came.mean(0) / len(orders)
        share += np.where(too_low, 0.0, found.large.mean(0)) / len(orders)
        parts[at] += came @ weight / len(orders)
    return TwoTierCurve(budgets, score, share, parts)
