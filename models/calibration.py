"""Calibration on prompts that training did not see: of what is predicted, and of how far off it may be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit

from routoo.models.encoder.inputs import Inputs
from routoo.models.groups.kmeans import spherical_centres, unit_rows
from routoo.models.network.network import Predictions, RouterNetwork
from routoo.models.network.predicting import predict_inputs
from routoo.models.training.targets import Targets

Array = npt.NDArray[np.float64]

LEAST_TOLD = 50
"""Validation prompts of known domain from which what is fitted to them is worth having."""

_GROUP = 48  # prompts a group, on average
_LOG_FACTOR = 0.5  # standard deviation, beforehand, of the logarithm of the factor
_TAKEN = (1.0, 0.75, 0.5, 0.25, 0.0)  # shares of a guess
_SHARED = 50.0
"""Weight of the pull of the shared pair towards no change."""


def calibrate(
    network: RouterNetwork,
    inputs: Inputs,
    targets: Targets,
    validating: npt.NDArray[np.intp],
) -> dict[str, Any]:
    """Fits calibration and spread of a network on validation; returns the Brier score there before and after.

    Prompts whose domain or labels are known have calibrations of their own, where there are enough of them.

    Args:
        network: Not yet calibrated; it is changed.
        inputs: Of all prompts.
        targets: Of all prompts.
        validating: Rows of the prompts that training did not see.
    """
    raw = predict_inputs(network, inputs, validating)
    target = targets.score[validating].astype(np.float64)
    logits = _logits(raw)
    slope, shift = pair = fit_calibration(logits, target)
    named = validating[targets.domain[validating] >= 0]
    told = _fit_told(network, inputs, targets, named, pair, domain=targets.domain)
    if targets.label is not None:
        label = targets.label
        labelled = validating[(label[validating] >= 0).any(1)]
        both = np.intersect1d(labelled, named)
        _fit_label_guess(network, inputs, targets, labelled)
        alone = _fit_told(network, inputs, targets, labelled, pair, label=label)
        beside = _fit_told(network, inputs, targets, both, alone, domain=targets.domain, label=label)
        network.calibration_labels.copy_(torch.from_numpy(np.stack([alone, beside])))
    network.calibration.copy_(torch.from_numpy(pair))
    network.calibration_told.copy_(torch.from_numpy(told))
    calibrated = logits * slope + shift
    if network.config.heads.members > 1:
        error = raw.logit_std.double().numpy() * slope
        network.spread.fill_(fit_spread(calibrated, error, target))
    recorded = ~np.isnan(target)
    return {
        "val_brier": float(((expit(calibrated) - target)[recorded] ** 2).mean()),
        "val_brier_before_calibration": float(((expit(logits) - target)[recorded] ** 2).mean()),
    }


def _fit_told(
    network: RouterNetwork,
    inputs: Inputs,
    targets: Targets,
    rows: npt.NDArray[np.intp],
    otherwise: Array,
    *,
    domain: npt.NDArray[np.int64] | None = None,
    label: npt.NDArray[np.int64] | None = None,
) -> Array:
    """The calibration of what is predicted of these rows when told; another where they are too few."""
    if len(rows) < LEAST_TOLD:
        return otherwise
    said = _logits(predict_inputs(network, inputs, rows, domain=domain, labels=label))
    return fit_calibration(said, targets.score[rows].astype(np.float64))


def _fit_label_guess(
    network: RouterNetwork, inputs: Inputs, targets: Targets, rows: npt.NDArray[np.intp]
) -> None:
    """How much of the heads' guess of a label is to be taken out where it is told.

    All of it is in the logits of the heads alone; of a stack only their share may be, or its other parts may
    have guessed alike. Validation says which.
    """
    if len(rows) < LEAST_TOLD:
        return
    score = targets.score[rows].astype(np.float64)
    known = ~np.isnan(score)

    def loss(taken: float) -> float:
        network.label_guess.fill_(taken)
        logits = _logits(predict_inputs(network, inputs, rows, labels=targets.label))
        slope, shift = fit_calibration(logits, score)
        return _cross_entropy(slope, shift, logits, np.nan_to_num(score), known)[0]

    network.label_guess.fill_(min(_TAKEN, key=loss))


def _logits(predictions: Predictions) -> Array:
    found: Array = torch.logit(predictions.p_correct.double(), 1e-6).numpy()
    return found


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


def fit_spread(logits: Array, error: Array, score: Array, *, seed: int = 0) -> float:
    """The factor that makes the members' disagreement a standard error of the expected score.

    Members that share their data may be wrong together. Groups of prompts that the network thinks alike show
    by how much: the mean score of a group misses the mean prediction by the luck of its answers, whose
    variance is known, and by the network's error, which is what remains. The factor is the likeliest one,
    beginning at 1 with a standard deviation of a half in its logarithm; a few hundred prompts move it little.

    Args:
        logits: Calibrated, ``(n_prompts, n_models)``, of prompts that training did not see.
        error: Standard deviation of the members' logits, the same shape.
        score: In [0, 1], the same shape; NaN where missing.
        seed: Of the grouping.
    """
    p = expit(logits)
    known = ~np.isnan(score)
    missed = np.where(known, np.nan_to_num(score) - p, 0.0)
    luck = np.where(known, p * (1 - p), 0.0)
    group = _alike(logits, max(len(logits) // _GROUP, 1), seed)
    total = [np.zeros((group.max(initial=0) + 1, logits.shape[1])) for _ in range(3)]
    for sums, values in zip(total, (missed, luck, luck * error), strict=True):
        np.add.at(sums, group, values)
    missed, luck, claimed = (sums[total[1] > 0] for sums in total)
    # Models fail on the same prompts: so many of them tell as much as the root of their number would alone.
    alone = math.sqrt(logits.shape[1])

    def objective(log_factor: float) -> float:
        variance = luck + (np.exp(log_factor) * claimed) ** 2
        surprise = float((np.log(variance) + missed**2 / variance).sum()) / 2
        return surprise / alone + (log_factor / _LOG_FACTOR) ** 2 / 2

    found = minimize_scalar(objective, bounds=(-3.0, 3.0), method="bounded")
    return math.exp(found.x)


def _alike(logits: Array, n_groups: int, seed: int) -> npt.NDArray[np.intp]:
    """The number of each prompt's group, of prompts of which much the same is said."""
    beside = np.ones((len(logits), 1))  # beside a constant, a direction tells the length too
    vectors = unit_rows(np.hstack([logits, beside]))
    centres = spherical_centres(vectors, n_groups, np.random.default_rng(seed))
    return np.asarray((vectors @ centres.T).argmax(axis=1), np.intp)
