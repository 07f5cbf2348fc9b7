"""What a contract promises, as the mean of something in [0, 1] that stays at or above a floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.data.checks.arguments import number
from routoo.data.errors import InputError

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ScorePromise:
    """A policy's mean score is at least a share of that of a reference model.

    Args:
        share: Of the reference's mean score, above 0 and at most 1.

    Raises:
        InputError: It is no such number.

    Example:
        Where both are right a prompt is just above the floor, where both fail on it.

        >>> promise = ScorePromise(0.98)
        >>> promise.kept([1, 0, 1, 0], [1, 0, 0, 1]).round(3).tolist(), round(promise.floor, 3)
        ([0.505, 0.495, 1.0, 0.0], 0.495)
    """

    share: float

    def __post_init__(self) -> None:
        if number("share", self.share, most=1) == 0:
            raise InputError("share must be above 0: every policy keeps a share of 0")

    def kept(self, score: npt.ArrayLike, reference_score: npt.ArrayLike) -> Array:
        """The policy's score less the share of the reference's, moved and scaled into [0, 1]."""
        score, reference_score = np.asarray(score, float), np.asarray(reference_score, float)
        return (score - self.share * reference_score + self.share) / (1 + self.share)

    @property
    def floor(self) -> float:
        """Where the mean of `kept` lies if the promise is just kept."""
        return self.share / (1 + self.share)


@dataclass(frozen=True)
class SpendPromise:
    """A policy's mean cost of a prompt is at most so much, where no prompt counts as more than another sum.

    Without such a sum no sample could bound a mean: one prompt in ten thousand may cost a fortune.

    Args:
        usd: Most mean cost of a prompt.
        prompt_usd: What a prompt counts as that costs more than this.

    Raises:
        InputError: They are not above 0, or the second is not above the first.

    Example:
        >>> promise = SpendPromise(0.002, 0.02)
        >>> promise.kept([0.001, 0.02, 0.5]).round(3).tolist(), promise.floor
        ([0.95, 0.0, 0.0], 0.9)
    """

    usd: float
    prompt_usd: float

    def __post_init__(self) -> None:
        number("spend_usd", self.usd, finite=True)
        if not 0 < self.usd < number("prompt_usd", self.prompt_usd, finite=True):
            raise InputError(
                "a promise on spend needs spend_usd above 0, the mean cost of a prompt, and prompt_usd above "
                f"it, the most that one may cost; got {self.usd:g} and {self.prompt_usd:g}"
            )

    def kept(self, cost_usd: npt.ArrayLike) -> Array:
        """What is left of the most that a prompt may cost, as a share of it."""
        return 1 - np.minimum(np.asarray(cost_usd, float) / self.prompt_usd, 1)

    @property
    def floor(self) -> float:
        """Where the mean of `kept` lies if the promise is just kept."""
        return 1 - self.usd / self.prompt_usd
