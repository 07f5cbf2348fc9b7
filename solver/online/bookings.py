"""Money set aside for calls under way, by the ticket of each."""

from __future__ import annotations

import base64
import math
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from routoo.data.checks.arguments import number


@dataclass(frozen=True, slots=True)
class Booking:
    """A call under way: what it was predicted to cost, at worst where that was stated, and since when."""

    model: str
    predicted_usd: float
    worst_usd: float | None
    at_s: float | None


@dataclass(frozen=True)
class Lifetime:
    """How long a ticket stays open: prompts, and seconds where these are stated."""

    prompts: float
    seconds: float | None

    def __str__(self) -> str:
        words = f"{self.prompts:,g} prompts"
        return words if self.seconds is None else f"{words} or {self.seconds:,g} s"

    def expired(self, bookings: Bookings, seen: int, now_s: float | None) -> list[Booking]:
        """Ends, and returns, the calls that are too old when so many prompts came, at this time."""
        before_s = -math.inf if now_s is None or self.seconds is None else now_s - self.seconds
        return bookings.expired(seen - self.prompts - 1, before_s)


@dataclass
class Bookings:
    """Calls under way, and sums over them that are kept as calls come and go.

    Args:
        open: The calls, by rising ticket.
        predicted_usd: Sum of their predicted costs.
        unsure_usd: The same, of those whose worst cost was not reported.
        squares: Sum of the squares of these.
        worst_usd: Sum of the worst costs that were reported.
        calls: Their number, by model.
    """

    open: dict[int, Booking] = field(default_factory=dict)
    predicted_usd: float = 0.0
    unsure_usd: float = 0.0
    squares: float = 0.0
    worst_usd: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)

    def add(self, ticket: int, booking: Booking) -> None:
        """Sets money aside for a call."""
        self.open[ticket] = booking
        self._count(booking, 1)

    def take(self, ticket: int) -> Booking | None:
        """Ends the call of this ticket; None where it is not under way."""
        booking = self.open.pop(ticket, None)
        if booking is not None:
            self._count(booking, -1)
        if not self.open:  # no rounding error outlives a moment without calls
            self.predicted_usd = self.unsure_usd = self.squares = self.worst_usd = 0.0
        return booking

    def expired(self, through: float, before_s: float) -> list[Booking]:
        """Ends, and returns, the calls up to this ticket and those that began before this time."""
        tickets: list[int] = []
        for ticket, booking in self.open.items():
            if ticket > through and (booking.at_s is None or booking.at_s >= before_s):
                break
            tickets.append(ticket)
        taken = map(self.take, tickets)
        return [booking for booking in taken if booking is not None]

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """The calls as packed columns, some six bytes each, and the sums as they are."""
        models, bookings = sorted(self.calls), self.open.values()
        place = {name: at for at, name in enumerate(models)}
        return {
            "models": models,
            "tickets": _packed(np.diff(list(self.open), prepend=0), "<u4"),
            "model": _packed([place[it.model] for it in bookings], "<u2"),
            "predicted_usd": _packed([it.predicted_usd for it in bookings], "<f4"),
            "worst_usd": _packed([_or_nan(it.worst_usd) for it in bookings], "<f8"),
            "at_s": _packed([_or_nan(it.at_s) for it in bookings], "<f8"),
            "sums": [self.predicted_usd, self.unsure_usd, self.squares, self.worst_usd],
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:  # Any: a JSON document
        """The bookings that `to_dict` described."""
        tickets = np.cumsum(_unpacked(state["tickets"], "<u4").astype(np.int64)).tolist()
        models = [state["models"][at] for at in _unpacked(state["model"], "<u2").tolist()]
        columns = (
            _unpacked(state[name], form).tolist()
            for name, form in (("predicted_usd", "<f4"), ("worst_usd", "<f8"), ("at_s", "<f8"))
        )
        open_ = {
            ticket: Booking(model, cost, _known(worst), _known(at))
            for ticket, model, cost, worst, at in zip(tickets, models, *columns, strict=True)
        }
        predicted, unsure, squares, most = (number("sums", value) for value in state["sums"])
        return cls(open_, predicted, unsure, squares, most, Counter(models))

    def _count(self, booking: Booking, sign: int) -> None:
        self.calls[booking.model] += sign
        if not self.calls[booking.model]:
            del self.calls[booking.model]
        self.predicted_usd = max(self.predicted_usd + sign * booking.predicted_usd, 0.0)
        if booking.worst_usd is None:
            self.unsure_usd = max(self.unsure_usd + sign * booking.predicted_usd, 0.0)
            self.squares = max(self.squares + sign * booking.predicted_usd**2, 0.0)
        else:
            self.worst_usd = max(self.worst_usd + sign * booking.worst_usd, 0.0)


def _packed(values: Sequence[float] | npt.NDArray[np.int64], form: str) -> str:
    """Numbers as text that a JSON document holds."""
    return base64.b64encode(zlib.compress(np.asarray(values, form).tobytes())).decode()


def _unpacked(text: str, form: str) -> npt.NDArray[Any]:  # Any: of the form asked for
    try:
        return np.frombuffer(zlib.decompress(base64.b64decode(text, validate=True)), form)
    except zlib.error as error:
        raise ValueError(str(error)) from None


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
