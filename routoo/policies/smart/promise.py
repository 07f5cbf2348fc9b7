"""What is promised of a batch, and of whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.solver.smart.terms import Terms


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What is promised, of whom.

    Args:
        reference: The model with whose answers the batch's are to agree.
        candidates: Models that may answer in its place.
        delta: The share of the items whose answers may differ.
        confidence: With which that holds.
        method: A name of `METHODS`.
        expected_usd: What a call of each model is taken to cost where none was made.
        prices: Agreeing answers that a dollar must buy, of the router's policies; None where each candidate
            is a policy of its own.
    """

    reference: str
    candidates: tuple[str, ...]
    delta: float
    confidence: float
    method: str
    expected_usd: Mapping[str, float]
    prices: tuple[float, ...] | None = None

    @property
    def policies(self) -> tuple[str, ...]:
        """What may answer in the reference's place, by name: a model, or the router at a price."""
        if self.prices is None:
            return self.candidates
        return tuple(f"price {price:.6g}" for price in self.prices)

    def terms(
        self,
        n_items: int,
        costs: npt.ArrayLike,
        reference_cost: float,
        *,
        reach: npt.ArrayLike | None = None,
        profiling: Callable[[npt.NDArray[np.bool_]], npt.NDArray[np.float64]] | None = None,
    ) -> Terms:
        """The promise of a batch, at what policies cost; see `Terms`."""
        return Terms(
            n_items,
            tolerance=self.delta,
            confidence=self.confidence,
            costs=costs,
            reference_cost=reference_cost,
            reach=reach,
            profiling=profiling,
        )

    def allowed(self, n_items: int) -> int:
        """How many answers of so many items may differ."""
        return self.terms(n_items, [0.0], 0.0).allowed
