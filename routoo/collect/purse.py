"""The money of a collection: what a try may cost is set aside before it, and settled after it."""

from __future__ import annotations

import asyncio

from routoo.data.checks.arguments import number
from routoo.data.errors import RoutooError


class BudgetSpentError(RoutooError):
    """The cap leaves no room for a call: it was not made."""


class Purse:
    """A cap of money in USD that holds as long as no try costs more than was set aside for it.

    Args:
        cap_usd: Most that may be spent, what was spent before included.
        spent_usd: What was spent before.

    Raises:
        InputError: An amount is negative or not finite.
    """

    def __init__(self, cap_usd: float, *, spent_usd: float = 0.0) -> None:
        self.cap_usd: float = number("budget_usd", cap_usd, finite=True)
        self.spent_usd: float = number("spent_usd", spent_usd, finite=True)
        self.reserved_usd = 0.0
        self._tries = 0
        self._settled = asyncio.Event()

    @property
    def left_usd(self) -> float:
        """What is neither spent nor set aside."""
        return max(self.cap_usd - self.spent_usd - self.reserved_usd, 0.0)

    async def reserve(self, most_usd: float, *, wait: bool = True) -> None:
        """Sets this much aside, once there is room; what is set aside for others may leave some.

        Raises:
            BudgetSpentError: There is no room, whatever the tries under way turn out to cost; or none now,
                and this is not to wait for them.
        """
        while most_usd > 0 and self.spent_usd + self.reserved_usd + most_usd > self.cap_usd:
            if not wait or self._tries == 0 or self.spent_usd + most_usd > self.cap_usd:
                raise BudgetSpentError("the budget is spent")
            await self._settled.wait()
        self.reserved_usd += most_usd
        self._tries += 1

    def settle(self, most_usd: float, cost_usd: float | None) -> None:
        """Counts what a try cost in the place of what was set aside; all of that where nobody knows."""
        self._tries -= 1
        self.reserved_usd = self.reserved_usd - most_usd if self._tries else 0.0
        self.spent_usd += most_usd if cost_usd is None else cost_usd
        self._settled.set()
        self._settled = asyncio.Event()
