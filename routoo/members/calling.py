"""A member asked until it answers: tries, waits between them, and what each costs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace

from routoo.data.answer import Answer, no_answer
from routoo.data.checks.arguments import number
from routoo.data.errors import CallError
from routoo.data.request import Request
from routoo.members.clock import Clock
from routoo.members.member import Member

BeforeTry = Callable[[float], Awaitable[None]]
"""Awaited before each try with the most that it can cost in USD; it may wait, and what it raises goes up."""

AfterTry = Callable[[float, float | None], None]
"""Called after each try with the most that it could cost and what it did: None where nobody knows."""


@dataclass(frozen=True, kw_only=True)
class Retries:
    """How often, and for how long, a member is asked that did not answer.

    Args:
        tries: Most tries, the first one included.
        first_wait_s: Seconds before the second try; each further wait is twice as long, less up to half of
            it by chance, so that those who failed together do not come back together.
        most_wait_s: Longest wait that is not the provider's own wish.
        deadline_s: Seconds from the first try, after which no further one begins.

    Raises:
        InputError: A number is negative, or there is no try.
    """

    tries: int = 5
    first_wait_s: float = 1.0
    most_wait_s: float = 60.0
    deadline_s: float = 600.0

    def __post_init__(self) -> None:
        number("tries", self.tries, least=1, whole=True)
        for name in ("first_wait_s", "most_wait_s", "deadline_s"):
            number(name, getattr(self, name))

    def wait_s(self, failed: int, error: CallError, draw: Callable[[], float]) -> float:
        """Seconds to wait after so many tries that failed: what the provider asks for, else the backoff.

        >>> Retries().wait_s(3, CallError("busy"), lambda: 0.0)
        4.0
        >>> Retries().wait_s(3, CallError("busy", retry_after_s=90), lambda: 0.0)
        90
        """
        if error.retry_after_s is not None:
            return error.retry_after_s
        backoff = self.first_wait_s * 2.0 ** min(failed - 1, 60)
        return min(backoff, self.most_wait_s) * (1 - draw() / 2)


async def call_member(
    member: Member,
    request: Request,
    *,
    signals: Sequence[str] = (),
    retries: Retries | None = None,
    slot: Callable[[], AbstractAsyncContextManager[object]] = nullcontext,
    before_try: BeforeTry | None = None,
    after_try: AfterTry | None = None,
    clock: Clock | None = None,
) -> Answer:
    """The answer of a member to one request, tried again where that may help.

    One that failed for good has an `error` and no answer. `cost_usd` of either is what all tries cost, None
    where that of one is not known.

    Args:
        member: Whom to ask.
        request: What is asked.
        signals: Signals to read off the answer, by name.
        retries: How often, and for how long; `Retries()` where it is left out.
        slot: Opened around each try, not around the waits between them: a slot of a `Limiter`, say.
        before_try: See `BeforeTry`; awaited within the slot.
        after_try: See `AfterTry`; called once after each `before_try` that raised nothing, with None for the
            cost of a try that was cancelled.
        clock: Where time comes from.
    """
    retries, clock = retries or Retries(), clock or Clock()
    started: float | None = None
    spent: float | None = 0.0
    failed = 0
    while True:
        async with slot():
            started = clock.now() if started is None else started
            if before_try is not None:
                await before_try(member.most_usd(request))
            came = await _one_try(member, request, signals, after_try)
        spent = _sum(spent, came.cost_usd)
        if isinstance(came, Answer):
            return replace(came, cost_usd=spent)
        failed += 1
        wait_s = retries.wait_s(failed, came, clock.draw)
        late = clock.now() - started + wait_s > retries.deadline_s
        if not came.retryable or failed >= retries.tries or late:
            return no_answer(request, member.name, str(came), cost_usd=spent)
        await clock.sleep(wait_s)


async def _one_try(
    member: Member, request: Request, signals: Sequence[str], after_try: AfterTry | None
) -> Answer | CallError:
    """What came of one try, once its cost was reported."""
    cost_usd: float | None = None
    try:
        came: Answer | CallError = await member.answer_one(request, signals=signals)
        cost_usd = came.cost_usd
    except CallError as error:
        came, cost_usd = error, error.cost_usd
    finally:
        if after_try is not None:
            after_try(member.most_usd(request), cost_usd)
    return came


def _sum(spent: float | None, cost_usd: float | None) -> float | None:
    return None if spent is None or cost_usd is None else spent + cost_usd
