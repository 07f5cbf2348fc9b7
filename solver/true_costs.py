"""What true costs teach about predicted ones: how far to trust a predicted cost, and what to reserve."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from routoo.solver.rows import Floats

_HALF_LIFE = 100.0
"""Calls after which one counts half."""

_FADES = 0.5 ** (1.0 / _HALF_LIFE)

_PRIOR_CALLS = 50.0
"""Calls that the belief that predicted costs are right counts for at first; it fades like any call."""

_MOST = 10.0
"""Times the usual that one call counts for at most, both in cost and in true per predicted cost."""

_LEAST = 1e-9
"""Least ratio of true to predicted cost, so that calls which all turn out free can be divided by."""

_DEVIATIONS = 4.0
"""Standard deviations of the cost of calls under way that are reserved beyond what is expected."""


@dataclass
class TrueCosts:
    """Fading, winsorised means of true per predicted cost.

    Every call counts with its predicted cost, at most ten times the mean, and with its ratio of true to
    predicted cost, at most ten times the ratio so far and at least a tenth of it. So one call, whatever it
    was predicted to cost and does, moves the ratio by a bounded share, and half of that is forgotten after
    a hundred more.

    Args:
        prior: What is left of the calls that the first belief counts for.
        count: Calls that were told, faded.
        predicted_usd: What they were predicted to cost.
        true_usd: What they did.
        squares: Squared deviations of their ratios.
    """

    prior: float = _PRIOR_CALLS
    count: float = 0.0
    predicted_usd: float = 0.0
    true_usd: float = 0.0
    squares: float = 0.0

    @property
    def ratio(self) -> float:
        """True cost per predicted cost, believed to be 1 at first."""
        if self.predicted_usd == 0:
            return 1.0
        prior = self.prior * self.predicted_usd / self.count
        return max((self.true_usd + prior) / (self.predicted_usd + prior), _LEAST)

    def learn(self, predicted_usd: float, true_usd: float) -> None:
        """Counts one more true cost in; a call that was predicted to be free teaches nothing."""
        if predicted_usd == 0:
            return
        ratio = self.ratio
        seen = min(max(true_usd / predicted_usd, ratio / _MOST), ratio * _MOST)
        weight = predicted_usd
        if self.count > 0:
            weight = min(weight, _MOST * self.predicted_usd / self.count)
        self.prior *= _FADES
        self.count = _FADES * self.count + 1.0
        self.predicted_usd = _FADES * self.predicted_usd + weight
        self.true_usd = _FADES * self.true_usd + weight * seen
        self.squares = _FADES * self.squares + (seen - self.ratio) ** 2

    def reserve(self, predicted_usd: Floats | float, squares: Floats | float) -> Floats:
        """What calls may cost in sum: as expected, and four standard deviations above.

        Args:
            predicted_usd: Sum of their predicted costs.
            squares: Sum of the squares of these.
        """
        deviation = math.sqrt(self.squares / (self.count + self.prior))
        return np.asarray(self.ratio * predicted_usd + _DEVIATIONS * deviation * np.sqrt(squares))
