"""Money set aside for calls under way, and what true costs teach about predicted ones."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_PRIOR_CALLS = 50.0
"""Calls that the belief that predicted costs are right counts for."""

_DEVIATIONS = 4.0


@dataclass(frozen=True)
class Booking:
    """Money set aside for a call under way: as predicted, as expected, and at worst where that was told."""

    model: str
    predicted_usd: float
    expected_usd: float
    worst_usd: float | None


@dataclass
class TrueCosts:
    """What true costs have taught about predicted ones.

    Args:
        count: Calls whose true cost was told.
        predicted_usd: What they were predicted to cost in sum.
        true_usd: What they did.
        squares: Sum of the squared deviations of true per predicted cost.
        most: Largest ratio of the two, at least 1.
    """

    count: int = 0
    predicted_usd: float = 0.0
    true_usd: float = 0.0
    squares: float = 0.0
    most: float = 1.0

    @property
    def correction(self) -> float:
        """True cost per predicted cost, believed to be 1 at first."""
        prior = _PRIOR_CALLS * self.predicted_usd / max(self.count, 1)
        return (self.true_usd + prior) / (self.predicted_usd + prior) if self.predicted_usd > 0 else 1.0

    def learn(self, predicted_usd: float, true_usd: float) -> None:
        """Counts one more true cost in."""
        self.count += 1
        self.predicted_usd += predicted_usd
        self.true_usd += true_usd
        if predicted_usd > 0:
            self.squares += (true_usd / predicted_usd - self.correction) ** 2
            self.most = max(self.most, true_usd / predicted_usd)

    def at_worst(self, bookings: Iterable[Booking]) -> float:
        """What calls under way may cost in sum: what was told, else four standard deviations above."""
        told = unsure = squares = 0.0
        for booking in bookings:
            if booking.worst_usd is not None:
                told += booking.worst_usd
            else:
                unsure += booking.expected_usd
                squares += booking.predicted_usd**2
        deviation = math.sqrt(self.squares / max(self.count, 1))
        return told + unsure + _DEVIATIONS * deviation * math.sqrt(squares)
