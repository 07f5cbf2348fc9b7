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

Weights = tuple[float, float, float]
"""Of 1, of the calibrated signal's log-odds and of those of `p_correct`; the latter two at least 0."""


@dataclass(frozen=True)
class Fusion:
    """A logistic regression on two log-odds: of the calibrated signal, and of the predictor's `p_correct`.

    It never falls in either. Log-odds are within those of one in a thousand.

    Args:
        shared: Weights for a model that is not known.
        models: Weights by model.

    Raises:
        InputError: Weights are not three finite numbers, or the second or third is negative.
    """

    shared: Weights
    models: Mapping[str, Weights] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shared", _checked("shared", self.shared))
        checked = {model: _checked(f"models[{model!r}]", weights) for model, weights in self.models.items()}
        object.__setattr__(self, "models", checked)

    def predict(
        self,
        calibrated: Sequence[float] | Vector,
        p_correct: Sequence[float] | Vector,
        models: Sequence[str],
    ) -> Vector:
        """Probability that each answer is correct, ``(n_answers,)``; either alone where the other is NaN.

        Args:
            calibrated: P(correct) that the signal was calibrated to, NaN where there was no signal.
            p_correct: What the predictor expected of the same model on the same prompt, NaN where it did not.
            models: That gave the answers.

        Raises:
            InputError: Lengths disagree, or a probability is out of 0..1.

        >>> Fusion((0.0, 1.0, 1.0)).predict([0.75, float("nan")], [0.75, 0.25], ["a", "a"]).round(4).tolist()
        [0.9, 0.25]
        """
        after = vector("calibrated", calibrated, missing=True, unit=True)
        before = vector("p_correct", p_correct, missing=True, unit=True)
        names = name_list("models", models)
        same_length(calibrated=after, p_correct=before, models=names)
        weights = np.array([self.models.get(name, self.shared) for name in names], np.float64).reshape(-1, 3)
        fused = 1 / (1 + np.exp(-(weights * inputs(after, before)).sum(1)))
        return np.where(np.isnan(after), before, np.where(np.isnan(before), after, fused))

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


def inputs(calibrated: Vector, p_correct: Vector) -> Vector:
    """What the weights are of, ``(n_answers, 3)``."""
    return np.column_stack([np.ones(len(calibrated)), log_odds(calibrated), log_odds(p_correct)])


def _checked(what: str, weights: object) -> Weights:
    found = numbers(what, weights, shape=(3,)).astype(np.float64)
    if not np.isfinite(found).all() or (found[1:] < 0).any():
        raise InputError(f"{what} must be three finite weights, of log-odds at least 0, got {found.tolist()}")
    first, second, third = found.tolist()
    return first, second, third
