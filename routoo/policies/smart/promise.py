"""What is promised of a batch, and of whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
    """

    reference: str
    candidates: tuple[str, ...]
    delta: float
    confidence: float
    method: str
    expected_usd: Mapping[str, float]

    def terms(self, n_items: int, costs: npt.ArrayLike, reference_cost: float) -> Terms:
        """The promise of a batch, at what models cost."""
        return Terms(
            n_items,
            tolerance=self.delta,
            confidence=self.confidence,
            costs=costs,
            reference_cost=reference_cost,
        )

    def allowed(self, n_items: int) -> int:
        """How many answers of so many items may differ."""
        return self.terms(n_items, [0.0], 0.0).allowed
