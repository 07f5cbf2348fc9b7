"""How far a collection is: what is done, what it cost, and what is to come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass
class ModelStanding:
    """How far one model is.

    Args:
        total: Calls that are wanted of it.
        before: Those that earlier runs had answered.
        answered: Those answered by now, with those before.
        failed: Those that failed for good in this run.
        spent_usd: What was spent on it by now, in this run.
        stopped: Why no more calls are made, where that is so.
    """

    total: int
    before: int = 0
    answered: int = 0
    failed: int = 0
    spent_usd: float = 0.0
    stopped: str = ""

    @property
    def done(self) -> int:
        """Calls that have ended."""
        return self.answered + self.failed

    @property
    def to_come(self) -> int:
        """Calls that are still to be made."""
        return 0 if self.stopped else self.total - self.done

    @property
    def new(self) -> int:
        """Calls that have ended in this run."""
        return self.done - self.before


@dataclass(frozen=True)
class Standing:
    """How far all are.

    Args:
        models: By name.
        spent_usd: All that was spent, in earlier runs too.
        cap_usd: Most that may be.
        seconds: Since this run began to ask.
    """

    models: Mapping[str, ModelStanding]
    spent_usd: float
    cap_usd: float
    seconds: float

    @property
    def done(self) -> int:
        """Calls that have ended."""
        return sum(model.done for model in self.models.values())

    @property
    def total(self) -> int:
        """Calls that are wanted."""
        return sum(model.total for model in self.models.values())

    @property
    def usd_to_come(self) -> float:
        """What the calls to come will cost if they cost what those of this run did, up to the cap."""
        means = (model.spent_usd / model.new * model.to_come for model in self.models.values() if model.new)
        return min(sum(means), max(self.cap_usd - self.spent_usd, 0.0))

    @property
    def seconds_to_come(self) -> float | None:
        """Seconds that the slowest model needs at the pace of this run; None until all have answered once."""
        left = [model for model in self.models.values() if model.to_come]
        if any(not model.new for model in left):
            return None
        return max((self.seconds / model.new * model.to_come for model in left), default=0.0)
