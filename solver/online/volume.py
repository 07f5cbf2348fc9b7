"""How many prompts a period still brings: by the forecast, by what has come, and by the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from routoo.data.checks.arguments import number
from routoo.data.errors import InputError

_PRIOR_PROMPTS = 15.0
"""Prompts that a forecast counts for against those that came."""

_TAIL = 0.01
"""Share of the prompts, seen or forecast, that is always still expected while nobody tells the progress."""


@dataclass(frozen=True)
class ToCome:
    """Prompts to come, the one at hand among them, each at least 1.

    Args:
        foretold: By the forecast, or by the clock.
        likely: Among how many the money that is left is to be shared.
        most: For how many an answer should be left.
    """

    foretold: float
    likely: float
    most: float


@dataclass
class Volume:
    """Prompts of a period, seen and expected.

    Args:
        forecast: Prompts that were foretold.
        seen: Prompts that came.
        progress: The latest share of the period that was reported to have passed.
        total: Prompts of the whole period, by the last estimate.
    """

    forecast: float | None
    seen: int = 0
    progress: float | None = None
    total: float | None = None

    def __post_init__(self) -> None:
        if self.total is None:
            self.total = self.forecast

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:  # Any: a JSON document
        """The volume whose fields these are."""
        some = {name: state[name] for name in ("forecast", "progress", "total")}
        known = {name: None if value is None else number(name, value) for name, value in some.items()}
        return cls(seen=number("seen", state["seen"], whole=True), **known)

    def to_come(self, progress: float | None, most: float | None) -> ToCome:
        """The prompts to come.

        Where progress is reported, the pace of the forecast and that of what has come are mixed: the mean
        pace of a Gamma distribution after a Poisson process. Where it is not, the last estimate holds, and
        a hundredth of all is always still likely.

        Args:
            progress: Share of the period that has passed, where it is reported.
            most: The most prompts that there may be in all; when None, twice the forecast where the progress
                was never reported, and no more than likely where it was.

        Raises:
            InputError: The progress is no share, or neither it nor a forecast is known.
        """
        if progress is not None:
            foretold = likely = self._by_clock(progress)
        elif self.total is None:
            raise InputError("a pacer needs expected_prompts, or the progress of the period at each select")
        else:
            foretold = max(self.total - self.seen, 1.0)
            likely = max(foretold, _TAIL * max(self.total, self.seen))
        if most is None:
            most = 0.0 if self.forecast is None or self.progress is not None else 2.0 * self.forecast
        return ToCome(foretold, likely, max(most - self.seen, likely))

    def _by_clock(self, progress: float) -> float:
        self.progress = max(number("progress", progress, most=1), self.progress or 0.0)
        if self.forecast is None:
            pace = (self.seen + 1) / max(self.progress, 1.0 / (self.seen + _PRIOR_PROMPTS))
        else:
            prior = min(_PRIOR_PROMPTS, self.forecast)
            pace = (self.seen + 1 + prior) / (self.progress + prior / self.forecast)
        to_come = max(pace * (1.0 - self.progress), 1.0)
        self.total = self.seen + to_come
        return to_come
