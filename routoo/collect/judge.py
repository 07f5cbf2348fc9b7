"""A member of the pool that judges answers: what it costs is in the books, and what it said is kept."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

from routoo.collect.books import BookedMember
from routoo.collect.journal import Line
from routoo.collect.keys import call_key, digest
from routoo.data.answer import Answer
from routoo.data.errors import CallError
from routoo.data.request import Request
from routoo.members.calling import Retries, call_member
from routoo.members.clock import Clock

Slot = Callable[[Request], AbstractAsyncContextManager[object]]
"""From a request to what is entered when a try of it may begin."""


class BookedJudge(BookedMember):
    """A member as `BookedMember` has it, whose answers are verdicts."""

    async def open(self, request: Request, *, wait: bool = True) -> Line:
        """See `BookedMember.open`."""
        assert request.key is not None  # for the type checker: every request of a collection has one
        most = self.most_usd(request)
        return await self.books.open(request.key, self.name, most, judge=True, wait=wait)

    def close(self, tried: Line, request: Request, answer: Answer) -> None:
        """See `BookedMember.close`."""
        text = answer.text or answer.answer or ""
        self.books.close(tried, "verdict", answer.cost_usd, text=text)

    def fail(self, tried: Line, request: Request, error: CallError) -> None:
        """See `BookedMember.fail`."""
        self.books.close(tried, "failure", error.cost_usd)


class Judge:
    """Asks a member to judge, once for each text.

    Args:
        member: Who judges.
        slot: Entered when a try of a request may begin.
        retries: How often, and how long, it is asked where it does not answer.
        clock: Where time comes from.
    """

    def __init__(self, member: BookedJudge, *, slot: Slot, retries: Retries, clock: Clock) -> None:
        self._member, self._slot, self._retries, self._clock = member, slot, retries, clock
        self._asking: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def ask(self, text: str) -> str:
        """What the judge says.

        Raises:
            CallError: It said nothing.
            StoppedError: The collection was asked to stop.
            BudgetSpentError: The cap leaves no room to ask it.
        """
        verdicts, prompt = self._member.books.history.verdicts, digest(text)
        key = call_key(f"judge {self._member.asked}", prompt, 0)
        async with self._asking[key]:  # two models may have given the same answer
            if key in verdicts:
                return verdicts[key]
            request = Request(f"judged {prompt}", text, key=key)
            answer = await call_member(
                self._member,
                request,
                retries=self._retries,
                slot=partial(self._slot, request),
                clock=self._clock,
            )
        if key not in verdicts:
            raise CallError(answer.error or "the judge gave no answer")
        return verdicts[key]
