"""On which day a request is submitted, so that no day holds more than an account allows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from routoo.batch.manifest import Part
from routoo.data.errors import InputError
from routoo.data.pool import Pool, PoolModel
from routoo.data.rates import DAY_S
from routoo.members.registry import Account, account_of


@dataclass
class _Day:
    """The last day of an account that is used, and what of it."""

    number: int = 0
    requests: float = 0.0
    tokens: float = 0.0


@dataclass
class Schedule:
    """Fills days one after the other, each account's for itself.

    A day is what is submitted together: those of the next go a whole day after the last of these, so that no
    24 hours see more than `requests_per_day` and `tokens_per_day` of the pool.

    >>> model = PoolModel(name="m@batch", usd_per_1m_input=1, usd_per_1m_output=1, requests_per_day=2)
    >>> schedule = Schedule()
    >>> [schedule.day_of(model, requests=1, tokens=10) for _ in range(5)]
    [0, 0, 1, 1, 2]
    """

    _days: dict[Account, _Day] = field(default_factory=dict)

    @classmethod
    def of(cls, pool: Pool, parts: Iterable[Part]) -> Self:
        """The schedule in which these files are planned."""
        schedule = cls()
        for part in parts:
            day = schedule._day(pool[part.model])
            if part.day > day.number:
                day.number, day.requests, day.tokens = part.day, 0.0, 0.0
            day.requests += part.requests
            day.tokens += part.tokens
        return schedule

    def day_of(self, model: PoolModel, *, requests: int, tokens: float) -> int:
        """The day of requests that go together, which are counted on it.

        Args:
            model: The member that they are for.
            requests: How many there are.
            tokens: What they take.

        Raises:
            InputError: They are more than a day allows.
        """
        most_requests = math.inf if model.requests_per_day is None else model.requests_per_day
        most_tokens = math.inf if model.tokens_per_day is None else model.tokens_per_day
        if requests > most_requests or tokens > most_tokens:
            raise InputError(
                f"{requests:,} requests of {tokens:,.0f} tokens are more than {model.name} takes a day "
                f"(requests_per_day {most_requests:,}, tokens_per_day {most_tokens:,})"
            )
        day = self._day(model)
        if day.requests + requests > most_requests or day.tokens + tokens > most_tokens:
            day.number, day.requests, day.tokens = day.number + 1, 0.0, 0.0
        day.requests += requests
        day.tokens += tokens
        return day.number

    def _day(self, model: PoolModel) -> _Day:
        return self._days.setdefault(account_of(model), _Day())


def check_period(model: PoolModel, day: int, period_s: float | None) -> None:
    """Refuses a day whose files would not be answered within the period.

    Raises:
        InputError: They would not.
    """
    ends_s = day * DAY_S + (model.batch_window_s or 0.0)
    if period_s is not None and ends_s > period_s:
        raise InputError(
            f"{model.name} is answered within {ends_s:,.0f} s at the latest, by what a day allows it, and "
            f"--period-s is {period_s:,.0f}: assign with --period-s, so that the plan keeps it"
        )
