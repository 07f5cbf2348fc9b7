"""What true costs teach about predicted ones: how far to trust a predicted cost, and what to reserve."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from routoo.solver.sums.rows import Floats

_HALF_LIFE = 100.0
"""Calls after which one counts half."""

_FADES = 0.5 ** (1.0 / _HALF_LIFE)

_PRIOR_CALLS = 20.0
"""Calls that the belief that predicted costs are right counts for at first; it fades like any call."""

_MOST = 5.0
"""Times the usual that one call counts for at most, in cost, in true per predicted cost and in its square."""

_LEAST = 1e-9
"""Least ratio of true to predicted cost, so that calls which all turn out free can be divided by."""

_DEVIATIONS = 4.0
"""Standard deviations of the cost of calls under way that are reserved beyond what is expected."""


@dataclass
class TrueCosts:
    """Fading, winsorised means of true per predicted cost.

    Every call counts with its predicted cost, at most five times the usual and at least a fifth of it; with
    its ratio of true to predicted cost, at most five times the ratio so far and at least a fifth of it; and
    with the square of its deviation, at most five times the mean square or a quarter of the square of the
    ratio. So one call, whatever it was predicted to cost and does, moves ratio and spread by a bounded
    share, and half of that is forgotten after a hundred more.

    Args:
        prior: What is left of the calls that the first belief counts for.
        count: Calls that were reported, faded.
        log_usd: Mean logarithm of their predicted costs, which says what is usual.
        weight: What they count for: their predicted costs over the usual one.
        true: The same, of their true costs.
        squares: Squared deviations of their ratios.
    """

    prior: float = _PRIOR_CALLS
    count: float = 0.0
    log_usd: float = 0.0
    weight: float = 0.0
    true: float = 0.0
    squares: float = 0.0

    @property
    def ratio(self) -> float:
        """True cost per predicted cost, believed to be 1 at first."""
        return max((self.true + self.prior) / (self.weight + self.prior), _LEAST)

    def learn(self, predicted_usd: float, true_usd: float) -> None:
        """Counts one more true cost in; a call that was predicted to be free teaches nothing."""
        if predicted_usd == 0:
            return
        ratio = self.ratio
        seen = min(max(true_usd / predicted_usd, ratio / _MOST), ratio * _MOST)
        most = max(_MOST * self.squares / (self.count + self.prior), ratio**2 / 4)
        self.prior *= _FADES
        self.count = _FADES * self.count + 1.0
        self.log_usd += (math.log(predicted_usd) - self.log_usd) / self.count
        weight = min(max(predicted_usd / math.exp(self.log_usd), 1 / _MOST), _MOST)
        self.weight = _FADES * self.weight + weight
        self.true = _FADES * self.true + weight * seen
        self.squares = _FADES * self.squares + min((seen - self.ratio) ** 2, most)

    def reserve(self, predicted_usd: Floats | float, squares: Floats | float) -> Floats:
        """What calls may cost in sum: as expected, and four standard deviations above.

        Args:
            predicted_usd: Sum of their predicted costs.
            squares: Sum of the squares of these.
        """
        deviation = math.sqrt(self.squares / (self.count + self.prior))
        return np.asarray(self.ratio * predicted_usd + _DEVIATIONS * deviation * np.sqrt(squares))
