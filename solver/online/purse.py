"""The money of a period: what was spent, what is reserved for calls under way, and what is free."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from routoo.data.checks.arguments import number
from routoo.solver.online.bookings import Booking, Bookings, Lifetime
from routoo.solver.online.true_costs import TrueCosts
from routoo.solver.sums.rows import Floats


@dataclass
class Purse:
    """Money of which every call takes a reserve when it is made, and its true cost when that is reported.

    Args:
        budget_usd: Money for the period.
        lifetime: How long a call that is not settled keeps its ticket.
        told_usd: True costs that were reported, and the reserves of tickets that expired.
        expired: Tickets that did.
        bookings: Calls under way.
        true_costs: What true costs taught about predicted ones.
    """

    budget_usd: float
    lifetime: Lifetime
    told_usd: float = 0.0
    expired: int = 0
    bookings: Bookings = field(default_factory=Bookings)
    true_costs: TrueCosts = field(default_factory=TrueCosts)

    @property
    def spent_usd(self) -> float:
        """What was reported, and the expected cost of calls under way."""
        return self.told_usd + self.true_costs.ratio * self.bookings.predicted_usd

    @property
    def left_usd(self) -> float:
        """Money that is left, at least 0."""
        return max(self.budget_usd - self.spent_usd, 0.0)

    def free(self, cost_usd: Floats, worst_cost_usd: Floats | None) -> Floats:
        """What is free once a call is reserved for, ``(n_models,)``; below 0 where it cannot be.

        Args:
            cost_usd: What it is predicted to cost, by model.
            worst_cost_usd: What it can cost at worst, where that was reported.
        """
        held = self.bookings
        if worst_cost_usd is None:
            unsure = self.true_costs.reserve(held.unsure_usd + cost_usd, held.squares + cost_usd**2)
        else:
            unsure = self.true_costs.reserve(held.unsure_usd, held.squares) + worst_cost_usd
        return self.budget_usd - self.told_usd - held.worst_usd - unsure

    def settle(self, ticket: int, cost_usd: float) -> bool:
        """Whether the call of this ticket was under way; its true cost is then counted."""
        booking = self.bookings.take(ticket)
        if booking is None:
            return False
        self.told_usd += cost_usd
        self.true_costs.learn(booking.predicted_usd, cost_usd)
        return True

    def expire(self, seen: int, now_s: float | None) -> None:
        """Closes tickets that are too old when so many prompts came, at this time: at what they reserve."""
        for booking in self.lifetime.expired(self.bookings, seen, now_s):
            self.expired += 1
            self.told_usd += self._reserved(booking)

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """The state as JSON has it."""
        return {
            "budget_usd": self.budget_usd,
            "expire_after": self.lifetime.prompts,
            "expire_after_s": self.lifetime.seconds,
            "told_usd": self.told_usd,
            "expired": self.expired,
            "bookings": self.bookings.to_dict(),
            "true_costs": asdict(self.true_costs),
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:  # Any: a JSON document
        """The purse that `to_dict` described."""
        seconds = state["expire_after_s"]
        lifetime = Lifetime(
            number("expire_after", state["expire_after"]),
            None if seconds is None else number("expire_after_s", seconds),
        )
        return cls(
            number("budget_usd", state["budget_usd"], finite=True),
            lifetime,
            number("told_usd", state["told_usd"], finite=True),
            number("expired", state["expired"], whole=True),
            Bookings.from_dict(state["bookings"]),
            TrueCosts(
                **{name: number(name, value, least=-math.inf) for name, value in state["true_costs"].items()}
            ),
        )

    def _reserved(self, booking: Booking) -> float:
        """What a call is now expected to cost, or what it can at worst where that was reported."""
        expected = self.true_costs.ratio * booking.predicted_usd
        return expected if booking.worst_usd is None else booking.worst_usd
