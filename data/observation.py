"""What an answer tells of whether it is right, and of the other models' answers: an observation model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from routoo.data.checks.arguments import known_names, name_list, number, numbers
from routoo.data.errors import InputError

Array = npt.NDArray[np.float64]

_FORMAT = 1
_CERTAIN = 1e-4
_SUM = 1e-6
"""By how much probabilities may miss a sum of one, since they are kept to some digits."""


@dataclass(frozen=True, eq=False)
class ObservationModel:
    """Probabilities of what can be seen of answers, given which of them are right.

    That the predicted scores of two models err together on a prompt is put down to one factor, its residual
    difficulty: given ``theta``, standard normal, an answer of model j is right with probability
    ``Phi((Phi^-1(p_j) + loading_j theta) / sqrt(1 - loading_j^2))``, which has mean ``p_j`` (the one-factor
    Gaussian copula; Vasicek 2002). Where all seems easy, errors have reasons that models share: a loading may
    rise with `p_j`. Given which answers are right, signals and agreements are independent.

    Args:
        models: The models.
        loading: How far each model follows the factor, in (-1, 1), ``(n_models,)``.
        level_right: Share of right answers whose signals stand at each level, from what speaks most against
            an answer to what speaks most for it, ``(n_models, n_levels)``.
        level_wrong: The same of wrong answers.
        agreement: How often two models' answers are the same where none, one, or both of the two are right,
            ``(n_models, n_models, 3)``.
        agreement_slope: By how much the log-odds of agreeing where none is right rise with the mean of both
            models' log-odds of being right: what seems easy misleads them alike. `agreement` is that of even
            odds.
        loading_slope: By how much the inverse hyperbolic tangent of a loading rises with ``Phi^-1(p_j)``;
            `loading` is that of even odds.
        n_prompts: Prompts that it was fitted on.

    Raises:
        InputError: Shapes disagree, a value is out of its range, or levels of a model do not sum to one.

    >>> none, same = np.ones((2, 1)), np.tile([0.1, 0.0, 1.0], (2, 2, 1))
    >>> model = ObservationModel(("a", "b"), np.zeros(2), none, none, same)
    >>> model.select(["b"]).agreement.shape
    (1, 1, 3)
    """

    models: tuple[str, ...]
    loading: Array
    level_right: Array
    level_wrong: Array
    agreement: Array
    agreement_slope: float = 0.0
    loading_slope: float = 0.0
    n_prompts: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "models", name_list("models", self.models))
        object.__setattr__(self, "n_prompts", number("n_prompts", self.n_prompts, whole=True))
        for name in _SLOPES:
            slope = number(name, getattr(self, name), least=-math.inf, finite=True)
            object.__setattr__(self, name, float(slope))
        n, levels = len(self.models), np.shape(self.level_right)[-1:]
        shapes = {
            "loading": (n,),
            "level_right": (n, *levels),
            "level_wrong": (n, *levels),
            "agreement": (n, n, 3),
        }
        for name, shape in shapes.items():
            value = numbers(name, getattr(self, name), shape=shape).astype(np.float64)
            low = -1.0 if name == "loading" else 0.0
            if not np.isfinite(value).all() or (value < low).any() or (value > 1).any():
                raise InputError(f"observation model: {name} must lie in [{low:g}, 1]")
            object.__setattr__(self, name, value)
        if (np.abs(self.loading) >= 1).any():
            raise InputError("observation model: loading must lie between -1 and 1")
        for name in ("level_right", "level_wrong"):
            if not levels[0] or (np.abs(getattr(self, name).sum(1) - 1) > _SUM).any():
                raise InputError(f"observation model: {name} of each model must sum to 1")
        if (np.abs(self.agreement - self.agreement.transpose(1, 0, 2)) > _SUM).any():
            raise InputError("observation model: agreement of two models must be the same in either order")

    @cached_property
    def agreement_log_odds(self) -> Array:
        """Log-odds of `agreement`, within those of one in ten thousand."""
        rate = self.agreement.clip(_CERTAIN, 1 - _CERTAIN)
        return np.asarray(np.log(rate) - np.log1p(-rate), np.float64)

    @cached_property
    def levels(self) -> Array:
        """`level_wrong` and `level_right`, ``(n_levels, 2, n_models)``; one level if none tells anything."""
        found = np.stack([self.level_wrong, self.level_right]).transpose(2, 0, 1)
        return np.ones((1, 2, len(self.models))) if (found[:, 0] == found[:, 1]).all() else found

    def select(self, models: Sequence[str]) -> Self:
        """That of these models, in this order.

        Raises:
            InputError: One is not known.
        """
        names = known_names("models", models, self.models)
        at = [self.models.index(name) for name in names]
        return replace(
            self,
            models=tuple(names),
            loading=self.loading[at],
            level_right=self.level_right[at],
            level_wrong=self.level_wrong[at],
            agreement=self.agreement[np.ix_(at, at)],
        )

    def with_model(self, name: str) -> Self:
        """That of one more model, the last, of whose answers nothing is known: the mean of the others.

        Raises:
            InputError: It is known.
        """
        if name in self.models:
            raise InputError(f"the observation model knows a model {name!r} already")
        n = len(self.models)
        pairs = ~np.eye(n, dtype=bool) if n > 1 else np.eye(1, dtype=bool)
        agreement = np.tile(self.agreement[pairs].mean(0), (n + 1, n + 1, 1))
        agreement[:n, :n] = self.agreement
        return replace(
            self,
            models=(*self.models, name),
            loading=_with_mean(self.loading),
            level_right=_with_mean(self.level_right),
            level_wrong=_with_mean(self.level_wrong),
            agreement=agreement,
        )

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """All of it in plain numbers, as JSON holds them, to eight digits."""
        arrays = {name: getattr(self, name).round(8).tolist() for name in _ARRAYS}
        single = {name: getattr(self, name) for name in ("n_prompts", *_SLOPES)}
        return {"format": _FORMAT, "models": list(self.models), **single, **arrays}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """The one that `to_dict` wrote.

        Raises:
            InputError: It is of another format, or something is missing or no such value.
        """
        if not isinstance(saved, Mapping) or saved.get("format") != _FORMAT:
            raise InputError(f"an observation model must be a mapping of format {_FORMAT}; fit it again")
        try:
            loading, right, wrong, agreement = (np.array(saved[name], np.float64) for name in _ARRAYS)
            single = {name: saved.get(name, 0.0) for name in _SLOPES}
            count = saved["n_prompts"]
            return cls(tuple(saved["models"]), loading, right, wrong, agreement, **single, n_prompts=count)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"a saved observation model is not whole: {error}; fit it again") from None


_ARRAYS = ("loading", "level_right", "level_wrong", "agreement")
_SLOPES = ("agreement_slope", "loading_slope")


def _with_mean(rows: Array) -> Array:
    """The rows, and their mean as one more."""
    return np.append(rows, rows.mean(0, keepdims=True), 0)
