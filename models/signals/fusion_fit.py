"""Fits the weights of a fusion, and chooses how far those of a model may be from the shared ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from routoo.data.checks.arguments import name_list, same_length, vector
from routoo.data.errors import InputError
from routoo.models.signals.fusion import Fusion, Weights, inputs, signal_columns
from routoo.models.signals.generation import Vector
from routoo.models.signals.left_out import Rows, folds, log_loss

_PRIOR_STD = 1.0
_STDS = (0.03, 0.1, 0.3, 1.0)
_USUAL = 0.1  # where prompts are too few to choose


def fit_fusion(
    calibrated: Sequence[float] | Sequence[Sequence[float]] | Vector,
    p_correct: Sequence[float] | Vector,
    score: Sequence[float] | Vector,
    models: Sequence[str],
    *,
    prompt_ids: Sequence[str] | None = None,
    seed: int = 0,
) -> Fusion:
    """A logistic regression for each model, its weights shrunk towards those that all models share.

    Weights are normal: shared ones about those of the mean of all log-odds, a model's about the shared ones.
    The standard deviation of a model's weights, of 0.03 to 1, is that with the least log loss on prompts left
    out in five folds; with fewer than 20 prompts it is 0.1. That of the shared weights is 1.

    Args:
        calibrated: P(correct) of each answer by its signals, ``(n_answers, n_signals)``, or ``(n_answers,)``
            by one, of calibrations that did not see it (`CalibrationFit.left_out`); NaN where there was none.
        p_correct: Of the predictor that did not see the prompt, likewise.
        score: What the answer achieved, in 0..1.
        models: That gave it.
        prompt_ids: Which prompt it answers, so that answers to one are left out together.
        seed: Of the folds.

    Raises:
        InputError: No answer has a signal and p_correct, lengths disagree, or a value is out of 0..1.
    """
    after = signal_columns(calibrated)
    before = vector("p_correct", p_correct, missing=True, unit=True)
    y, names = vector("score", score, unit=True), np.array(name_list("models", models), object)
    same_length(calibrated=after, p_correct=before, score=y, models=names)
    both = ~np.isnan(after).all(1) & ~np.isnan(before)
    if not both.any():
        raise InputError(
            "a fusion needs at least one answer with both a calibrated signal and p_correct, got none"
        )
    x = inputs(after, before)
    # Estimates of one thing: their mean, until there is evidence.
    prior = (0.0, *[1 / (x.shape[1] - 1)] * (x.shape[1] - 1))

    def fitted(rows: Rows, std: float) -> Fusion:
        shared = _weights(x[rows], y[rows], prior, _PRIOR_STD)
        of = {name: rows & (names == name) for name in sorted(set(names[rows]))}
        return Fusion(shared, {name: _weights(x[own], y[own], shared, std) for name, own in of.items()})

    parts = [(rows & both, both & ~rows) for rows in folds(prompt_ids, len(x), seed)]

    def loss(std: float) -> float:
        total = 0.0
        for out, rest in parts:
            if out.any() and rest.any():
                p = fitted(rest, std).predict(after[out], before[out], names[out].tolist())
                total += log_loss(p, y[out])
        return total

    return fitted(both, min(_STDS, key=loss) if parts else _USUAL)


def _weights(x: Vector, y: Vector, centre: Weights, std: float) -> Weights:
    """The likeliest weights under a normal prior, those of log-odds at least 0."""

    def loss(weights: Vector) -> tuple[float, Vector]:
        z, away = x @ weights, (weights - centre) / std
        value = -(y * log_expit(z) + (1 - y) * log_expit(-z)).sum() + away @ away / 2
        return float(value), x.T @ (expit(z) - y) + away / std

    bounds = [(None, None), *[(0.0, None)] * (len(centre) - 1)]
    found = minimize(loss, np.array(centre), jac=True, method="L-BFGS-B", bounds=bounds).x
    return tuple(found.tolist())
