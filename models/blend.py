"""Weights of predictors that are averaged, chosen so that noise is not fitted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit, softmax

from routoo.data.curves import PRICES, routing_area

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

_PRICES = PRICES[::10]
_FOLDS = 5
_RESAMPLES = 100
_LEAST = 0.05
_LEAST_PROMPTS = 20  # fewer tell nothing of weights
_FIRST = 0.2
_DEPTH = 8.0  # of the free parameters: weights from about e^-16 of one another


@dataclass(frozen=True, eq=False)
class Held:
    """What the parts of a blend say of prompts that none of them was fitted on, and what came of these.

    Args:
        logits: ``(n_parts, n_prompts, n_models)``; the first part serves alone unless a blend is better.
        score: ``(n_prompts, n_models)``, NaN where missing.
        expected_cost: Costs in USD to choose by, the same shape.
        cost: What was paid, the same shape.
        means: Which part says each model's mean, whatever the prompt: it serves where the prompts are not
            seen to tell more.
    """

    logits: Array
    score: Array
    expected_cost: Array
    cost: Array
    means: int | None = None

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
        over_means: What the prompts tell: the same of what was chosen, less that of the models' means alone.
        over_means_error: Standard error of `over_means`.
    """

    weights: tuple[float, ...]
    proposed: tuple[float, ...]
    gain: float
    error: float
    likelihood_gain: float
    likelihood_error: float
    over_means: float = 0.0
    over_means_error: float = 0.0

    @property
    def better(self) -> bool:
        """Whether what was chosen serves prompts that it did not see.

        Likelihood must gain, and utility not lose beyond chance. Both are measured on folds that had no part
        in the choice, so the sign of the gain is the best guess at what serves; likelihood is by far the less
        noisy of the two, and utility on a thousand prompts can only veto.
        """
        return self.likelihood_gain > 0 and self.gain > -2 * self.error


@dataclass(frozen=True, eq=False)
class _Worth:
    """What logits are worth on validation: routing utility, also on resamples, and likelihood by prompt."""

    utility: float
    resampled: Array
    likelihood: Array

    @classmethod
    def of(cls, held: Held, logits: Array, draws: Rows) -> _Worth:
        resampled = np.array([held.utility(logits, rows) for rows in draws])
        return cls(held.utility(logits, np.arange(len(logits))), resampled, held.likelihood(logits))

    def above(self, other: _Worth) -> tuple[float, float, float, float]:
        """Utility and mean likelihood less those of the other, each with its standard error."""
        change = self.likelihood - other.likelihood
        error = float(np.std(self.resampled - other.resampled))
        likelihood = float(change.mean()), float(change.std() / np.sqrt(len(change)))
        return self.utility - other.utility, error, *likelihood


def fit_blend(held: Held, *, seed: int = 0) -> Blend:
    """The weights of a convex average of logits, the same for all models.

    Stacking (Wolpert 1992, Breiman 1996): the weights of least cross-entropy, at least 0 and adding up to 1,
    which by itself leaves most of them at nothing. Weights by routing utility, chosen greedily, followed the
    noise of a thousand prompts: they served worse on real sets, and varied from seed to seed.

    The first part keeps a fifth at least: how far its members disagree says how sure the mean is, and it
    speaks for models that join later. All of this is done again on folds: unless weights chosen on the other
    folds serve a fold better than the first part alone (see `Blend.better`), it has all the weight. And
    unless what was chosen is likelier than the models' means by a standard error (Breiman et al. 1984), and
    routes no worse beyond chance, the means have it: where prompts tell nothing, none of it is routed by.

    Args:
        held: What to choose on.
        seed: Of resamples and folds.
    """
    random = np.random.default_rng(seed)
    n_parts, n_prompts, _ = held.logits.shape
    everyone = np.arange(n_prompts)
    alone = (1.0, *(0.0,) * (n_parts - 1))
    if n_prompts < _LEAST_PROMPTS:
        return Blend(alone, alone, 0.0, 0.0, 0.0, 0.0)
    outside = np.empty_like(held.logits[0])
    for fold in np.array_split(random.permutation(n_prompts), _FOLDS):
        weights = _likeliest(held, np.setdiff1d(everyone, fold))
        outside[fold] = np.tensordot(weights, held.logits[:, fold], axes=1)
    draws = random.integers(n_prompts, size=(_RESAMPLES, n_prompts))
    blended, first = _Worth.of(held, outside, draws), _Worth.of(held, held.logits[0], draws)
    chosen = tuple(_likeliest(held, everyone).tolist())
    blend = Blend(chosen, chosen, *blended.above(first))
    served = blended if blend.better else first
    if not blend.better:
        blend = replace(blend, weights=alone)
    if held.means is None:
        return blend
    gain, error, over, over_error = served.above(_Worth.of(held, held.logits[held.means], draws))
    blend = replace(blend, over_means=over, over_means_error=over_error)
    if over > over_error and gain >= -2 * error:
        return blend
    return replace(blend, weights=tuple(np.eye(n_parts)[held.means].tolist()))


def _likeliest(held: Held, rows: Rows) -> Array:
    """The weights of least cross-entropy on these rows; what gets less than a twentieth is left out."""
    n_parts, first = len(held.logits), np.eye(len(held.logits))[0]
    known = ~np.isnan(held.score[rows])
    score, parts = held.score[rows][known], held.logits[:, rows][:, known]

    def loss(free: Array) -> tuple[float, Array]:
        shares = softmax(free)
        logits = (_FIRST * first + (1 - _FIRST) * shares) @ parts
        slopes = (1 - _FIRST) * parts @ (expit(logits) - score) / len(score)
        cost = float((np.logaddexp(0, logits) - score * logits).mean())
        return cost, shares * (slopes - shares @ slopes)

    if not len(score):
        return np.asarray(first, np.float64)
    found = minimize(
        loss, np.zeros(n_parts), jac=True, method="L-BFGS-B", bounds=[(-_DEPTH, _DEPTH)] * n_parts
    )
    weights = _FIRST * first + (1 - _FIRST) * softmax(found.x)
    weights[weights < _LEAST] = 0.0
    return np.asarray(weights / weights.sum(), np.float64)
