"""How bets are spread: which shares of the most that may be staked, and the weight of each."""

from __future__ import annotations

import numpy as np

from routoo.solver.bounds.special import Array

KEPT: Array = np.array([0.05, 0.3, 0.5, 0.65, 0.8, 0.9, 0.96, 0.985])
"""What a bet leaves of its capital at a full failure, ``(n_bets,)``: one less the share staked.

Against a null hypothesis of failure rate q, the bet that keeps u is the one that grows fastest if the rate
is u q.
"""

WEIGHTS: Array = np.array([1, 1, 1, 1, 1, 1, 0.4, 0.4]) / 6.8
"""Share of the capital that begins with each bet, ``(n_bets,)``: the last two matter in large samples."""


def log_mean(log_capital: Array, weights: Array = WEIGHTS) -> Array:
    """Logarithm of the capital over all bets, from ``(..., n_bets)``."""
    top = np.max(log_capital, -1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(top[..., 0] + np.log(np.exp(log_capital - top) @ weights))
