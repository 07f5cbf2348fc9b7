"""What answers tell, as it was learned: of themselves by their signals, of one another by who agrees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from routoo.data.checks.arguments import mapping, name_list, same_length, vector
from routoo.data.errors import InputError
from routoo.data.observation import ObservationModel
from routoo.models.signals.calibration import Calibration
from routoo.models.signals.fusion import Fusion
from routoo.models.signals.generation import Vector
from routoo.models.signals.left_out import log_odds

_FORMAT = 1
_MOST = float(np.log(1000))
"""Within what a log ratio is held: no signal makes an answer a thousand times as likely to be right."""
_BLANK = -3 * _MOST
"""That of an answer that says nothing: no prediction outweighs it."""


@dataclass(frozen=True, eq=False)
class AnswerModel:
    """Turns the signals of an answer into evidence, and knows what answers tell of one another.

    Args:
        observation: What signals and agreement are like, given which answers are right.
        calibrations: Of each signal to P(correct), by name without ``signal_``.
        fusion: Joins them, in the order of `calibrations`, with `p_correct`; None where there are none.

    Raises:
        InputError: The fusion joins another number of signals than there are calibrations.

    >>> same = ObservationModel(("a",), np.zeros(1), np.ones((1, 1)), np.ones((1, 1)), np.ones((1, 1, 3)))
    >>> AnswerModel(same).log_ratio({}, [0.5, 0.9], ["a", "a"]).tolist()
    [0.0, 0.0]
    """

    observation: ObservationModel
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    fusion: Fusion | None = None

    def __post_init__(self) -> None:
        joined = 0 if self.fusion is None else self.fusion.n_signals
        if joined != len(self.calibrations):
            raise InputError(
                f"the fusion of an answer model joins {joined} signals, and {len(self.calibrations)} are "
                "calibrated: fit it again"
            )

    @property
    def models(self) -> tuple[str, ...]:
        """The models of whose answers it knows."""
        return self.observation.models

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals that it reads, by name."""
        return tuple(self.calibrations)

    def log_ratio(
        self,
        signals: Mapping[str, Sequence[float] | Vector],
        p_correct: Sequence[float] | Vector,
        models: Sequence[str],
    ) -> Vector:
        """Log of P(signals of an answer given that it is right) over P(them given that it is wrong).

        One an answer, ``(n_answers,)``; 0 where it has no signal. Added to the log-odds of `p_correct` it
        gives those of P(correct) given the signals, for odds within a thousand to one. An answer that is
        blank (signal `answered`) is wrong, whatever was expected of it.

        Args:
            signals: By name, values for each answer, NaN where there is none; others than `signals` are left
                alone, and those that lack are taken to be unknown.
            p_correct: What was expected of each answer before it was seen, ``(n_answers,)``.
            models: That gave them.

        Raises:
            InputError: Lengths disagree, a signal is infinite, or a probability is not within 0..1.
        """
        before, names = vector("p_correct", p_correct, unit=True), name_list("models", models)
        same_length(p_correct=before, models=names)
        found = np.zeros(len(before))
        if self.fusion is not None:
            found = log_ratios(self.calibrations, self.fusion, signals, before, names)
        return np.where(np.equal(signals.get("answered", 1.0), 0), _BLANK, found)

    def select(self, models: Sequence[str]) -> Self:
        """That of these models, in this order.

        Raises:
            InputError: One is not known.
        """
        return replace(self, observation=self.observation.select(models))

    def with_model(self, name: str) -> Self:
        """That of one more model, the last, taken to be like the others on average.

        Raises:
            InputError: It is known.
        """
        return replace(self, observation=self.observation.with_model(name))

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """All of it in plain numbers, as JSON holds them."""
        return {
            "format": _FORMAT,
            "observation": self.observation.to_dict(),
            "calibrations": {name: found.to_dict() for name, found in self.calibrations.items()},
            "fusion": None if self.fusion is None else self.fusion.to_dict(),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """The one that `to_dict` wrote.

        Raises:
            InputError: It is of another format, or something is missing or no such value.
        """
        if not isinstance(saved, Mapping) or saved.get("format") != _FORMAT:
            raise InputError(f"an answer model must be a mapping of format {_FORMAT}; fit it again")
        try:
            observation, fusion = saved["observation"], saved["fusion"]
            calibrations = mapping("calibrations", saved["calibrations"], dict, "signals")
        except KeyError as error:
            raise InputError(f"a saved answer model lacks {error}; fit it again") from None
        return cls(
            ObservationModel.from_dict(observation),
            {name: Calibration.from_dict(found) for name, found in calibrations.items()},
            None if fusion is None else Fusion.from_dict(fusion),
        )


def log_ratios(
    calibrations: Mapping[str, Calibration],
    fusion: Fusion,
    signals: Mapping[str, Sequence[float] | Vector],
    p_correct: Vector,
    models: Sequence[str],
) -> Vector:
    """Fused log-odds less those of `p_correct`; see `AnswerModel.log_ratio`."""
    calibrated = np.full((len(p_correct), len(calibrations)), np.nan)
    for at, (name, calibration) in enumerate(calibrations.items()):
        if name in signals:
            values = vector(name, signals[name], missing=True)
            same_length(signal=values, p_correct=p_correct)
            calibrated[:, at] = calibration.predict(values, models)
    fused = fusion.predict(calibrated, p_correct, models)
    shift = (log_odds(fused) - log_odds(p_correct)).clip(-_MOST, _MOST)
    return np.where(np.isnan(calibrated).all(1), 0.0, shift)
