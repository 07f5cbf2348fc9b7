"""Calibration: an affine map of each model's logit, fitted on prompts that training did not see."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

Array = npt.NDArray[np.float64]


def fit_calibration(logits: Array, score: Array, *, strength: float = 50.0) -> Array:
    """Slope and shift of each model's logit, ``(2, n_models)``, by penalised cross-entropy.

    Platt scaling (Platt 1999) with soft labels. Each model's pair is pulled towards one pair shared by all,
    as if by `strength` prompts of evidence, and the shared pair towards no change: with few
    validation prompts the result stays near the logits as they are.

    Args:
        logits: ``(n_prompts, n_models)``.
        score: In [0, 1], the same shape; NaN where missing.
        strength: Weight of the pull.
    """
    n_models = logits.shape[1]
    known = ~np.isnan(score)
    if not known.any():
        return np.stack([np.ones(n_models), np.zeros(n_models)])
    target = np.nan_to_num(score)

    neutral = np.array([1.0, 0.0])

    def shared(theta: Array) -> tuple[float, Array]:
        loss, slope, shift = _cross_entropy(theta[0], theta[1], logits, target, known)
        away = theta - neutral
        loss += 0.5 * strength * float(away @ away)
        return loss, np.array([slope.sum(), shift.sum()]) + strength * away

    centre = minimize(shared, neutral, jac=True, method="L-BFGS-B").x

    def apart(theta: Array) -> tuple[float, Array]:
        pairs = theta.reshape(2, n_models)
        away = pairs - centre[:, None]
        loss, slope, shift = _cross_entropy(pairs[0], pairs[1], logits, target, known)
        return loss + 0.5 * strength * float((away**2).sum()), np.r_[slope, shift] + strength * away.ravel()

    found = minimize(apart, np.repeat(centre, n_models), jac=True, method="L-BFGS-B")
    pairs: Array = found.x.reshape(2, n_models)
    pairs[0] = np.maximum(pairs[0], 0.05)  # a model's ranking of prompts is never turned round
    return pairs


def _cross_entropy(
    slope: Array, shift: Array, logits: Array, target: Array, known: npt.NDArray[np.bool_]
) -> tuple[float, Array, Array]:
    """Summed cross-entropy over known cells, and its derivatives by each model's slope and shift."""
    z = slope * logits + shift
    loss = np.where(known, np.logaddexp(0, z) - target * z, 0).sum()
    residual = np.where(known, expit(z) - target, 0)
    return float(loss), (residual * logits).sum(0), residual.sum(0)
