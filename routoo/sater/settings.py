"""What a run of SATER is made with."""

from __future__ import annotations

from dataclasses import dataclass, field

from routoo.data.checks.arguments import number
from routoo.data.errors import InputError
from routoo.tuning.low_rank import LowRank

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Probabilities of being right at which the paper trains refusals."""


def _preference() -> LowRank:
    return LowRank(learning_rate=1e-4, batch_size=8)


def _refusal() -> LowRank:
    return LowRank(epochs=2)


@dataclass(frozen=True, kw_only=True)
class SaterSettings:
    """How answers are sampled, and how the two stages are trained.

    Args:
        samples: Answers a prompt, in each stage.
        temperature: At which they are sampled.
        beta: Of the preference loss: how closely the model is held to what it was.
        anchor: Weight of the chosen answers' own likelihood beside it.
        thresholds: Probabilities of being right that stage two trains.
        most_pairs: Most preference pairs; of more, so many are drawn.
        most_lessons: Most answers, and most refusals, of stage two, over all thresholds.
        preference: How adapters are trained in stage one.
        refusal: The same in stage two, which goes on from them.
        seed: Of samples and examples.

    Raises:
        InputError: A number cannot be used.
    """

    samples: int = 8
    temperature: float = 0.8
    beta: float = 0.1
    anchor: float = 1.0
    thresholds: tuple[float, ...] = THRESHOLDS
    most_pairs: int = 4000
    most_lessons: int = 3000
    preference: LowRank = field(default_factory=_preference)
    refusal: LowRank = field(default_factory=_refusal)
    seed: int = 0

    def __post_init__(self) -> None:
        number("samples", self.samples, least=2, whole=True)
        for name in ("most_pairs", "most_lessons"):
            number(name, getattr(self, name), least=1, whole=True)
        number("seed", self.seed, whole=True)
        number("anchor", self.anchor, finite=True)
        for name in ("temperature", "beta"):
            if not number(name, getattr(self, name), finite=True):
                raise InputError(f"{name} must be above 0")
        found = tuple(number("thresholds", value, most=1) for value in self.thresholds)
        object.__setattr__(self, "thresholds", found)
