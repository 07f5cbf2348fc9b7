"""Weights of predictors that are averaged, chosen by routing utility so that noise is not fitted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from routoo.data.curves import PRICES, routing_area

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

_PRICES = PRICES[::10]
_BAGS = 12
_STEPS = 8
_FOLDS = 3
_RESAMPLES = 100


@dataclass(frozen=True, eq=False)
class Held:
    """What the parts of a blend say of prompts that none of them was fitted on, and what came of these.

    Args:
        logits: ``(n_parts, n_prompts, n_models)``; the first part serves alone unless a blend is better.
        score: ``(n_prompts, n_models)``, NaN where missing.
        expected_cost: Costs in USD to choose by, the same shape.
        cost: What was paid, the same shape.
    """

    logits: Array
    score: Array
    expected_cost: Array
    cost: Array

    def utility(self, logits: Array, rows: Rows) -> float:
        """Area under the curve of routing these rows by `logits` ``(n_prompts, n_models)``.

        Where the cheapest model is the best one nothing is to trade, and it is minus the cross-entropy.
        """
        score, z = self.score[rows], logits[rows]
        found = routing_area(expit(z), self.expected_cost[rows], score, self.cost[rows], prices=_PRICES)
        return float(self.likelihood(logits)[rows].mean()) if np.isnan(found) else found

    def likelihood(self, logits: Array) -> Array:
        """Minus the cross-entropy of each prompt, summed over models and scaled to a mean over cells."""
        known = ~np.isnan(self.score)
        cells = np.where(known, np.nan_to_num(self.score) * logits - np.logaddexp(0, logits), 0.0)
        return np.asarray(cells.sum(1) * (len(known) / known.sum()), np.float64)


@dataclass(frozen=True)
class Blend:
    """Weights of the parts, and what the choice of them is worth on prompts that it did not see.

    Args:
        weights: At least 0, adding up to 1, one a part.
        proposed: The weights before they were held against the first part alone.
        gain: Utility of weights chosen on other folds of validation less that of the first part alone.
        error: Standard error of `gain`.
        likelihood_gain: The same in minus the cross-entropy, which is far less noisy than utility.
        likelihood_error: Standard error of `likelihood_gain`.
    """

    weights: tuple[float, ...]
    proposed: tuple[float, ...]
    gain: float
    error: float
    likelihood_gain: float
    likelihood_error: float

    @property
    def better(self) -> bool:
        """Whether what was chosen serves prompts that it did not see.

        Likelihood must gain, and utility not lose more than a standard error. Both are measured on folds that
        had no part in the choice, so the sign of the gain is the best guess at what serves; likelihood is by
        far the less noisy of the two, and utility on a thousand prompts can only veto.
        """
        return self.likelihood_gain > 0 and self.gain > -self.error


def fit_blend(held: Held, *, seed: int = 0) -> Blend:
    """The weights of a convex average of logits, the same for all models.

    Parts are added one by one, with replacement, as long as routing utility grows (Caruana and others 2004),
    on resamples of the prompts whose weights are averaged (bagged selection, Caruana and others 2006).
    All of this is done again on folds: unless weights chosen on the other folds serve a fold better than
    the first part alone (see `Blend.better`), the first part has all the weight.

    Args:
        held: What to choose on.
        seed: Of resamples and folds.
    """
    random = np.random.default_rng(seed)
    n_parts, n_prompts, _ = held.logits.shape
    everyone = np.arange(n_prompts)
    proposed = _bagged(held, everyone, random)
    outside = np.empty_like(held.logits[0])
    for fold in np.array_split(random.permutation(n_prompts), _FOLDS):
        weights = _bagged(held, np.setdiff1d(everyone, fold), random)
        outside[fold] = np.tensordot(weights, held.logits[:, fold], axes=1)
    first = held.logits[0]
    gain = held.utility(outside, everyone) - held.utility(first, everyone)
    draws = random.integers(n_prompts, size=(_RESAMPLES, n_prompts))
    error = float(np.std([held.utility(outside, rows) - held.utility(first, rows) for rows in draws]))
    change = held.likelihood(outside) - held.likelihood(first)
    chosen = tuple(proposed.tolist())
    blend = Blend(chosen, chosen, gain, error, float(change.mean()), float(change.std() / np.sqrt(n_prompts)))
    return blend if blend.better else replace(blend, weights=(1.0, *(0.0,) * (n_parts - 1)))


def _bagged(held: Held, rows: Rows, random: np.random.Generator) -> Array:
    """Mean of the weights that resamples of the rows lead to; what gets less than a twentieth is left out."""
    bags = [_greedy(held, random.choice(rows, len(rows))) for _ in range(_BAGS)]
    weights = np.mean(bags, axis=0)
    weights[weights < 0.05] = 0.0
    return np.asarray(weights / weights.sum(), np.float64)


def _greedy(held: Held, rows: Rows) -> Array:
    """Shares of the parts, begun at the best one and grown while it pays."""
    counts = np.zeros(len(held.logits))
    total, best = np.zeros_like(held.logits[0]), -np.inf
    for step in range(1, _STEPS + 1):
        values = [held.utility((total + part) / step, rows) for part in held.logits]
        at = int(np.argmax(values))
        if values[at] <= best:
            break
        best, total = values[at], total + held.logits[at]
        counts[at] += 1
    return np.asarray(counts / counts.sum(), np.float64)
