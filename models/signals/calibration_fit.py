"""Fits the curves of a calibration, and chooses how far they are shrunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.isotonic import IsotonicRegression

from routoo.data.checks.arguments import name_list, same_length, vector
from routoo.data.domains import domain_names
from routoo.data.errors import InputError
from routoo.models.signals.calibration import Calibration, Curve, rows_by
from routoo.models.signals.generation import Vector
from routoo.models.signals.left_out import Rows, folds, log_loss

_STRENGTHS = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
_AT_EITHER_END = 2  # else the ends, of few answers, are held for certain
_USUAL = 30.0  # where prompts are too few to choose


@dataclass(frozen=True, eq=False)
class CalibrationFit:
    """A calibration, and what it says of answers that it did not see.

    Args:
        calibration: Fitted on all answers.
        left_out: P(correct) of each answer, ``(n_answers,)``, by curves fitted without its prompt: what a
            fusion is fitted on. Where prompts were too few to leave any out, by the calibration itself.
    """

    calibration: Calibration
    left_out: Vector


def fit_calibration(
    signal: Sequence[float] | Vector,
    score: Sequence[float] | Vector,
    models: Sequence[str],
    domains: Sequence[str | None] | None = None,
    *,
    prompt_ids: Sequence[str] | None = None,
    rising: bool = True,
    seed: int = 0,
) -> CalibrationFit:
    """Isotonic regressions of score on signal, shrunk as left-out answers are predicted best.

    At the least and at the highest signal of a curve two further answers have come out as its mean. Of a few
    strengths of shrinkage, from 3 to 1000 answers, that with the least log loss on prompts left out in five
    folds is taken; with fewer than 20 prompts it is 30.

    Args:
        signal: Of each answer, ``(n_answers,)``.
        score: What it achieved, in 0..1, the same shape.
        models: That gave it.
        domains: Of its prompt; None where one is not known.
        prompt_ids: Which prompt it answers, so that answers to one are left out together.
        rising: Whether a higher signal means that the answer is rather right (`Signal.rising`).
        seed: Of the folds.

    Raises:
        InputError: There is no answer, lengths disagree, a value is not finite, or a score is out of 0..1.
    """
    x, y = vector("signal", signal), vector("score", score, unit=True)
    names = np.array(name_list("models", models), object)
    same_length(signal=x, score=y, models=names)
    if not len(x):
        raise InputError("a calibration needs at least one answer, got none")
    where = np.array([None] * len(x) if domains is None else domain_names(domains, len(x)), object)

    def fitted(rows: Rows) -> Calibration:
        return _fitted(x[rows], y[rows], names[rows].tolist(), where[rows].tolist(), rising)

    everything = fitted(np.ones(len(x), bool))
    parts = [(rows, fitted(~rows)) for rows in folds(prompt_ids, len(x), seed)]
    if not parts:
        calibration = replace(everything, strength=_USUAL)
        return CalibrationFit(calibration, calibration.predict(x, models, domains))

    def left_out(strength: float) -> Vector:
        p = np.empty(len(x))
        for rows, part in parts:
            p[rows] = replace(part, strength=strength).predict(
                x[rows], names[rows].tolist(), where[rows].tolist()
            )
        return p

    best = min(_STRENGTHS, key=lambda strength: log_loss(left_out(strength), y))
    return CalibrationFit(replace(everything, strength=best), left_out(best))


def _fitted(
    x: Vector, y: Vector, names: Sequence[str], where: Sequence[str | None], rising: bool
) -> Calibration:
    """The curves, whatever they are shrunk by."""
    x = x if rising else -x
    domains: dict[str, dict[str, Curve]] = {}
    for (model, domain), rows in rows_by(zip(names, where, strict=True)).items():
        if domain is not None:
            domains.setdefault(model, {})[domain] = _curve(x[rows], y[rows])
    models = {model: _curve(x[rows], y[rows]) for model, rows in rows_by(names).items()}
    return Calibration(_curve(x, y), models, domains, rising=rising)


def _curve(x: Vector, y: Vector) -> Curve:
    """The isotonic regression, at either end with further answers that came out as the mean."""
    ends, means = np.repeat([x.min(), x.max()], _AT_EITHER_END), np.full(2 * _AT_EITHER_END, y.mean())
    fit = IsotonicRegression(y_min=0, y_max=1).fit(np.append(x, ends), np.append(y, means))
    return Curve(len(x), fit.X_thresholds_, fit.y_thresholds_)
