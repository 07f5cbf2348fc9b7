"""P(correct) from what is predicted before a model answers and what its answer shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from routoo.data.checks.arguments import name_list, numbers, same_length, vector
from routoo.data.errors import InputError
from routoo.models.signals.generation import Vector
from routoo.models.signals.left_out import log_odds

_FORMAT = 1

Weights = tuple[float, ...]
"""Of 1, of each calibrated signal's log-odds and of those of `p_correct`; all but the first at least 0."""


@dataclass(frozen=True)
class Fusion:
    """A logistic regression on log-odds: of calibrated signals, one or more, and of `p_correct` before them.

    It never falls in any of them. Log-odds are within those of one in a thousand. A signal that is missing
    says what `p_correct` does.

    Args:
        shared: Weights for a model that is not known.
        models: Weights by model.

    Raises:
        InputError: Weights are not three or more finite numbers, as many for each model, or any but the first
            is negative.
    """

    shared: Weights
    models: Mapping[str, Weights] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shared", _checked("shared", self.shared))
        checked = {
            model: _checked(f"models[{model!r}]", weights, len(self.shared))
            for model, weights in self.models.items()
        }
        object.__setattr__(self, "models", checked)

    @property
    def n_signals(self) -> int:
        """How many signals it joins."""
        return len(self.shared) - 2

    def predict(
        self,
        calibrated: Sequence[float] | Sequence[Sequence[float]] | Vector,
        p_correct: Sequence[float] | Vector,
        models: Sequence[str],
    ) -> Vector:
        """Probability that each answer is correct, ``(n_answers,)``.

        Where no signal is known it is `p_correct` unchanged; where that is not, the mean of the signals.

        Args:
            calibrated: P(correct) that the signals were calibrated to, ``(n_answers, n_signals)``, or
                ``(n_answers,)`` of one; NaN where there was no signal.
            p_correct: What the predictor expected of the same model on the same prompt, NaN where it did not.
            models: That gave the answers.

        Raises:
            InputError: Lengths disagree, it joins more or fewer signals, or a probability is out of 0..1.

        >>> Fusion((0.0, 1.0, 1.0)).predict([0.75, float("nan")], [0.75, 0.25], ["a", "a"]).round(4).tolist()
        [0.9, 0.25]
        """
        after = signal_columns(calibrated)
        before = vector("p_correct", p_correct, missing=True, unit=True)
        names = name_list("models", models)
        same_length(calibrated=after, p_correct=before, models=names)
        if after.shape[1] != self.n_signals:
            raise InputError(f"calibrated must have {self.n_signals} signals, got {after.shape[1]}")
        weights = np.array([self.models.get(name, self.shared) for name in names], np.float64)
        z = (weights.reshape(len(names), len(self.shared)) * inputs(after, before)).sum(1)
        mean = _mean_known(after)
        return np.where(np.isnan(mean), before, np.where(np.isnan(before), mean, 1 / (1 + np.exp(-z))))

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain numbers, as JSON holds them."""
        models = {model: list(weights) for model, weights in self.models.items()}
        return {"format": _FORMAT, "shared": list(self.shared), "models": models}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """The fusion that `to_dict` wrote.

        Raises:
            InputError: It is of another format, or something is missing or no such value.
        """
        if not isinstance(saved, Mapping) or saved.get("format") != _FORMAT:
            raise InputError(
                f"a fusion must be a mapping of format {_FORMAT}; fit it again with this version"
            )
        if not isinstance(saved.get("models"), Mapping) or "shared" not in saved:
            raise InputError("a saved fusion must hold shared and models; fit it again")
        return cls(saved["shared"], saved["models"])


def signal_columns(calibrated: Sequence[float] | Sequence[Sequence[float]] | Vector) -> Vector:
    """P(correct) by signal, ``(n_answers, n_signals)``; one dimension is one signal.

    Raises:
        InputError: It has no such shape, or a value is neither NaN nor within 0..1.
    """
    found = numbers("calibrated", calibrated).astype(np.float64)
    if found.ndim not in (1, 2):
        raise InputError(f"calibrated must have one or two dimensions, got shape {found.shape}")
    vector("calibrated", found.ravel(), missing=True, unit=True)
    return found[:, None] if found.ndim == 1 else found


def inputs(calibrated: Vector, p_correct: Vector) -> Vector:
    """What the weights are of, ``(n_answers, 2 + n_signals)``."""
    before, after = log_odds(p_correct)[:, None], log_odds(calibrated)
    return np.hstack([np.ones_like(before), np.where(np.isnan(after), before, after), before])


def _mean_known(calibrated: Vector) -> Vector:
    """The mean of the signals that are known, ``(n_answers,)``; NaN where none is."""
    known = ~np.isnan(calibrated)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, calibrated, 0).sum(1) / known.sum(1))


def _checked(what: str, weights: object, size: int | None = None) -> Weights:
    found = numbers(what, weights).astype(np.float64)
    if found.ndim != 1 or len(found) < 3 or len(found) != (size or len(found)):
        raise InputError(f"{what} must be {size or 'three or more'} weights, got shape {found.shape}")
    if not np.isfinite(found).all() or (found[1:] < 0).any():
        raise InputError(f"{what} must be finite weights, of log-odds at least 0, got {found.tolist()}")
    return tuple(found.tolist())
