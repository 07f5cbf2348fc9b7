"""Rates that a pool states of a model: how much any minute may hold, and any day."""

from __future__ import annotations

import math
from dataclasses import dataclass

from routoo.data.pool import PoolModel

DAY_S = 86_400
"""Seconds of a day."""

WINDOWS_S = {"minute": 60, "day": DAY_S}
"""Seconds of the windows that rates are of, by their names in the pool."""


@dataclass(frozen=True)
class Rate:
    """What any window of so many seconds may hold of a model's calls.

    Args:
        per: Name of the window, see `WINDOWS_S`.
        requests: Requests; infinity where they are not limited.
        tokens: Tokens, likewise.
    """

    per: str
    requests: float = math.inf
    tokens: float = math.inf

    @property
    def seconds(self) -> int:
        """How long the window is."""
        return WINDOWS_S[self.per]

    def passed(self, requests: float, tokens: float) -> str | None:
        """The limit that so much would pass, in words; None where it passes none.

        >>> Rate("day", requests=1000).passed(1001, 5.0), Rate("day", requests=1000).passed(1000, 5.0)
        ('requests_per_day 1,000', None)
        """
        if requests > self.requests:
            return f"requests_per_{self.per} {self.requests:,}"
        return f"tokens_per_{self.per} {self.tokens:,}" if tokens > self.tokens else None


def rates_of(model: PoolModel) -> tuple[Rate, ...]:
    """The rates that the pool states of a model; none where it states none.

    >>> rates_of(PoolModel(name="a", usd_per_1m_input=1, usd_per_1m_output=1, tokens_per_day=9000))
    (Rate(per='day', requests=inf, tokens=9000),)
    """
    found = list[Rate]()
    for per in WINDOWS_S:
        requests, tokens = (getattr(model, f"{what}_per_{per}") for what in ("requests", "tokens"))
        if requests is not None or tokens is not None:
            found.append(
                Rate(
                    per,
                    math.inf if requests is None else requests,
                    math.inf if tokens is None else tokens,
                )
            )
    return tuple(found)
