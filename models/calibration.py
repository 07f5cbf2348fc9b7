"""Calibration: an affine map of each model's logit, fitted on prompts that training did not see."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

Array = npt.NDArray[np.float64]

_SHARED = 50.0
"""Weight of the pull of the shared pair towards no change."""


def fit_calibration(logits: Array, score: Array, *, strength: float = 3000.0) -> Array:
    """Slope and shift of each model's logit, ``(2, n_models)``, by penalised cross-entropy.

    Platt scaling (Platt 1999) with soft labels. Each model's pair is pulled towards one pair shared by all,
    and the shared pair weakly towards no change: with few validation prompts the result stays near the
    logits as they are. The pull is strong, since what is routed by are differences between models, to which
    the chance of a validation set adds when each model has a map of its own.

    Args:
        logits: ``(n_prompts, n_models)``.
        score: In [0, 1], the same shape; NaN where missing.
        strength: Weight of the pull towards the shared pair, as if by so many prompts of evidence.
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
        loss += 0.5 * _SHARED * float(away @ away)
        return loss, np.array([slope.sum(), shift.sum()]) + _SHARED * away

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


def fit_spread(logits: Array, error: Array, score: Array, *, neighbours: int = 32) -> float:
    """The factor that makes the members' disagreement a standard error of the expected score.

    Members that share their data disagree by less than they may be wrong together. Groups of prompts that the
    network thinks alike show by how much: the mean score of a group misses the mean prediction by the luck of
    its answers, whose variance is known, and by the network's error, which is what remains. The factor
    equates that, summed over groups and models, with what the members claim.

    Args:
        logits: Calibrated, ``(n_prompts, n_models)``, of prompts that training did not see.
        error: Standard deviation of the members' logits, the same shape.
        score: In [0, 1], the same shape; NaN where missing.
        neighbours: Prompts a group.

    Returns:
        Between 0.5 and 20; 1 where too little is known to tell.
    """
    n_prompts = len(logits)
    size = min(neighbours, n_prompts // 4)
    if size < 8:
        return 1.0
    p = expit(logits)
    known = ~np.isnan(score)
    missed = np.where(known, np.nan_to_num(score) - p, 0.0)
    luck = np.where(known, p * (1 - p), 0.0)
    claim = np.where(known, p * (1 - p) * error, 0.0)
    excess = claimed = 0.0
    for anchor in np.linspace(0, n_prompts - 1, min(n_prompts, 256)).astype(int):
        away = ((logits - logits[anchor]) ** 2).sum(1)
        group = np.argpartition(away, size - 1)[:size]
        count = known[group].sum(0)
        enough = count >= size // 2
        n = count[enough].astype(np.float64)
        excess += float((((missed[group].sum(0)[enough] ** 2) - luck[group].sum(0)[enough]) / n**2).sum())
        claimed += float(((claim[group].sum(0)[enough] / n) ** 2).sum())
    if claimed <= 0:
        return 1.0
    return float(np.sqrt(np.clip(excess / claimed, 0.25, 400.0)))
