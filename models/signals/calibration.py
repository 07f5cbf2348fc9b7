"""From a signal to the probability that the answer is correct, by model and domain."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from routoo.data.checks.arguments import name_list, number, same_length, vector
from routoo.data.domains import domain_names
from routoo.data.errors import InputError
from routoo.models.signals.generation import Vector

K = TypeVar("K", bound=Hashable)

_FORMAT = 1


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve that never falls, linear between its points and level beyond them.

    Args:
        n: How many answers it was fitted on.
        signal: Of its points, ascending, ``(n_points,)``.
        p_correct: Of its points, never falling, the same shape.

    Raises:
        InputError: There is no point, or it is no such curve.
    """

    n: int
    signal: Vector
    p_correct: Vector

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", number("n", self.n, least=1, whole=True))
        object.__setattr__(self, "signal", vector("signal", self.signal))
        object.__setattr__(self, "p_correct", vector("p_correct", self.p_correct, unit=True))
        same_length(signal=self.signal, p_correct=self.p_correct)
        x, p = self.signal, self.p_correct
        if not len(x) or (x[1:] <= x[:-1]).any() or (p[1:] < p[:-1]).any():
            raise InputError(
                "a calibration curve must have points of ascending signal and p_correct that never falls"
            )

    def shrunk(self, signal: Vector, parent: Vector, strength: float) -> Vector:
        """What the curve says, with weight ``n / (n + strength)``, and for the rest the parent."""
        own = np.interp(signal, self.signal, self.p_correct)
        return np.asarray(parent + (own - parent) * self.n / (self.n + strength), np.float64)

    def to_dict(self) -> dict[str, Any]:
        """The curve in plain numbers."""
        return {"n": self.n, "signal": self.signal.tolist(), "p_correct": self.p_correct.tolist()}


@dataclass(frozen=True, eq=False)
class Calibration:
    """Curves of all answers, of each model and of each model in each domain, each shrunk towards the former.

    A curve of `n` answers has weight ``n / (n + strength)``, and that of the next coarser one, shrunk
    likewise, the rest: a mean of curves that never fall, so that it does not fall either. A model that is not
    known has the curve of all answers, a domain that is not known that of its model.

    Args:
        overall: Of all answers.
        models: By model.
        domains: By model, then domain.
        strength: How many answers weigh as much as the coarser curve.
        rising: Whether a higher signal means that the answer is rather right; else curves are of minus the
            signal.
    """

    overall: Curve
    models: Mapping[str, Curve] = field(default_factory=dict)
    domains: Mapping[str, Mapping[str, Curve]] = field(default_factory=dict)
    strength: float = 30.0
    rising: bool = True

    def predict(
        self,
        signal: Sequence[float] | Vector,
        models: Sequence[str],
        domains: Sequence[str | None] | None = None,
    ) -> Vector:
        """Probability that each answer is correct, ``(n_answers,)``; NaN where the signal is NaN.

        Args:
            signal: Of each answer.
            models: That gave it.
            domains: Of its prompt; None where one is not known.

        Raises:
            InputError: Lengths disagree, or a signal is infinite.

        >>> curve = Curve(10, np.array([0.0, 2.0]), np.array([0.25, 0.75]))
        >>> Calibration(curve).predict([1.0, 5.0], ["small", "small"]).tolist()
        [0.5, 0.75]
        """
        x = vector("signal", signal, missing=True) * (1 if self.rising else -1)
        names = name_list("models", models)
        same_length(signal=x, models=names)
        where = [None] * len(x) if domains is None else domain_names(domains, len(x))
        p = np.interp(x, self.overall.signal, self.overall.p_correct)
        for model, rows in rows_by(names).items():
            if curve := self.models.get(model):
                p[rows] = curve.shrunk(x[rows], p[rows], self.strength)
        for (model, domain), rows in rows_by(zip(names, where, strict=True)).items():
            if domain is not None and (curve := self.domains.get(model, {}).get(domain)):
                p[rows] = curve.shrunk(x[rows], p[rows], self.strength)
        return p

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain numbers, as JSON holds them."""
        return {
            "format": _FORMAT,
            "rising": self.rising,
            "strength": self.strength,
            "overall": self.overall.to_dict(),
            "models": {model: curve.to_dict() for model, curve in self.models.items()},
            "domains": {
                model: {domain: curve.to_dict() for domain, curve in curves.items()}
                for model, curves in self.domains.items()
            },
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """The calibration that `to_dict` wrote.

        Raises:
            InputError: It is of another format, or something is missing or no such value.
        """
        if not isinstance(saved, Mapping) or saved.get("format") != _FORMAT:
            raise InputError(
                f"a calibration must be a mapping of format {_FORMAT}; fit it again with this version"
            )
        try:
            if not isinstance(saved["rising"], bool):
                raise InputError(f"rising must be true or false, got {saved['rising']!r}")
            return cls(
                overall=Curve(**saved["overall"]),
                models={model: Curve(**curve) for model, curve in saved["models"].items()},
                domains={
                    model: {domain: Curve(**curve) for domain, curve in curves.items()}
                    for model, curves in saved["domains"].items()
                },
                strength=number("strength", saved["strength"], finite=True),
                rising=saved["rising"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"a saved calibration is not whole: {error}; fit it again") from None


def rows_by(keys: Iterable[K]) -> dict[K, npt.NDArray[np.intp]]:
    """Which rows have each key, in the order in which keys come first."""
    rows: dict[K, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    return {key: np.array(found, np.intp) for key, found in rows.items()}
