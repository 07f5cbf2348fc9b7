"""What is promised of a batch, and what its calls cost."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.data.checks.arguments import number, numbers
from routoo.data.errors import InputError
from routoo.solver.bounds.special import Array

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Terms:
    """The promise, and the prices: at most a share `tolerance` of the answers differ from the reference's.

    A candidate is whatever answers an item in the reference's place: a model, a router at some price, a
    cascade with some threshold, a mixture of these.

    Args:
        n_items: Items in the batch.
        tolerance: The share of items whose answer may differ.
        confidence: Probability, over the random order, with which that holds.
        costs: What an item costs on average that a candidate answers, ``(n_candidates,)``.
        reference_cost: What a call of the reference costs.
        reach: How many items a candidate answers otherwise than by the reference, known beforehand,
            ``(n_candidates,)``; all when not given.
        profiling: What asking candidates ``(n_runs, n_candidates)`` for an item beside the reference costs;
            the sum of their costs when not given, as if they shared no calls.

    Raises:
        InputError: A number is out of its range, or no candidate is given.

    Example:
        >>> terms = Terms(1000, tolerance=0.05, confidence=0.95, costs=[1, 2], reference_cost=30)
        >>> terms.allowed, terms.gains.tolist()
        (50, [29.0, 28.0])
    """

    n_items: int
    tolerance: float
    confidence: float
    costs: npt.ArrayLike
    reference_cost: float
    reach: npt.ArrayLike | None = None
    profiling: Callable[[Flags], Array] | None = None

    def __post_init__(self) -> None:
        number("n_items", self.n_items, least=1, whole=True)
        number("tolerance", self.tolerance, most=1)
        if number("confidence", self.confidence, most=1) in (0, 1):
            raise InputError(f"confidence must be above 0 and below 1, got {self.confidence:g}")
        number("reference_cost", self.reference_cost, finite=True)
        costs = numbers("costs", self.costs)
        if costs.ndim != 1 or not len(costs) or not (costs >= 0).all():
            raise InputError("costs must be one number of at least 0 for each of one or more candidates")
        object.__setattr__(self, "costs", costs.astype(float))

    @property
    def alpha(self) -> float:
        """The error allowed."""
        return 1 - self.confidence

    @property
    def allowed(self) -> int:
        """How many answers of the whole batch may differ."""
        return math.floor(self.tolerance * self.n_items + 1e-9)

    @property
    def unit_costs(self) -> Array:
        """Of the candidates, then of the reference, ``(n_candidates + 1,)``."""
        return np.append(np.asarray(self.costs, float), self.reference_cost)

    @property
    def gains(self) -> Array:
        """What an item saves that a candidate answers in the reference's place, ``(n_candidates,)``."""
        return np.asarray(self.reference_cost - np.asarray(self.costs, float))

    def asking(self, asked: Flags) -> Array:
        """What it costs an item to ask these candidates beside the reference, ``(n_runs,)``."""
        return np.asarray(asked @ self.unit_costs[:-1]) if self.profiling is None else self.profiling(asked)
