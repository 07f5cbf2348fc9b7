"""Seconds of an answer as somebody would wait for it who asks alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.request import Request
from routoo.members.calling import Retries, call_member
from routoo.members.member import Member, OnAnswer


@dataclass(frozen=True)
class TimedAlone:
    """A member that answers some prompts one at a time, and all others in batches without seconds.

    A prompt in a batch waits for the others, so that its seconds say how large the batch was.

    Args:
        member: Who answers.
        alone: Names of the prompts that are asked one at a time.
    """

    member: Member
    alone: frozenset[str]

    @property
    def name(self) -> str:
        """Its name in the pool."""
        return self.member.name

    def answer(
        self, requests: Sequence[Request], *, signals: Sequence[str] = (), on_answer: OnAnswer | None = None
    ) -> Answers:
        """An answer to every request; seconds of those that were asked alone."""
        found: list[Answer] = []

        def take(answer: Answer) -> None:
            found.append(answer)
            if on_answer is not None:
                on_answer(answer)

        for request in requests:
            if request.prompt_id in self.alone:
                take(self._alone(request, signals))
        if rest := [request for request in requests if request.prompt_id not in self.alone]:
            self.member.answer(
                rest,
                signals=signals,
                on_answer=lambda answer: take(replace(answer, latency_s=None, latency_first_s=None)),
            )
        return Answers.of(found, name=self.name)

    async def answer_one(self, request: Request, *, signals: Sequence[str] = ()) -> Answer:
        """The answer to one request.

        Raises:
            CallError: None came.
        """
        return await self.member.answer_one(request, signals=signals)

    def most_usd(self, request: Request) -> float:
        """The most that one try can cost, in USD."""
        return self.member.most_usd(request)

    def _alone(self, request: Request, signals: Sequence[str]) -> Answer:
        return asyncio.run(call_member(self.member, request, signals=signals, retries=Retries(tries=1)))
