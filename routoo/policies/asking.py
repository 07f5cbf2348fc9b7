"""Prompts asked of members, within a budget and deadlines."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from routoo.collect.kept_answers import KeptAnswers
from routoo.collect.purse import BudgetSpentError, Purse
from routoo.data.answer import Answer, no_answer
from routoo.data.request import Request
from routoo.members.calling import Retries, call_member
from routoo.members.clock import Clock
from routoo.members.local import LocalModel
from routoo.members.member import Member
from routoo.members.provider import ProviderModel
from routoo.members.together import together

_LATE = "no answer within the deadline"


class Kept(Protocol):
    """Where answers are kept, such as `KeptAnswers`."""

    def to(self, requests: Sequence[Request], models: Sequence[str]) -> list[Answer]:
        """The answers that are known of those models to those requests."""
        ...

    def keep(self, request: Request, answer: Answer) -> None:
        """Keeps an answer."""
        ...


@dataclass(frozen=True)
class Call:
    """A model to be asked for a prompt.

    Args:
        prompt: Number of the prompt.
        model: Whom to ask.
        seconds_left: Within which the answer must come; infinite where it does not matter.
    """

    prompt: int
    model: str
    seconds_left: float


@dataclass(frozen=True)
class Came:
    """What came of a call.

    Args:
        call: The call.
        answer: What the model returned, with an `error` where it failed; None where there was no money.
        seconds: After how many seconds.
    """

    call: Call
    answer: Answer | None
    seconds: float = 0.0


class Asking:
    """Asks members for prompts; what a call may cost at most is set aside before it.

    Args:
        members: Who can be asked, by name.
        requests: The prompts.
        signals: Signals to read off the answers, by name.
        purse: The money; None where it is not limited.
        retries: How often, and how long, a member is asked that did not answer.
        clock: Where time comes from.
        kept: Answers of runs that did not end, which are not asked for again; those that come are kept there
            too. `KeptAnswers` keep tries as well, and what those runs paid is to be in the purse as spent.
    """

    def __init__(
        self,
        members: Mapping[str, Member],
        requests: Sequence[Request],
        *,
        signals: Sequence[str],
        purse: Purse | None,
        retries: Retries | None,
        clock: Clock | None,
        kept: Kept | None,
    ) -> None:
        self.members, self.requests, self.signals = members, requests, signals
        self.purse, self._retries, self._clock, self._kept = purse, retries, clock or Clock(), kept
        self._books = kept if isinstance(kept, KeptAnswers) else None
        self._to_come_usd = 0.0
        if self._books is not None and self._books.spent_usd:
            pairs = itertools.product(requests, members)
            self._to_come_usd = sum(self._books.paid_usd(*pair) for pair in pairs)

    @property
    def left_usd(self) -> float:
        """What may still be planned with: what is in the purse, and what kept answers to come cost."""
        return np.inf if self.purse is None else self.purse.left_usd + self._to_come_usd

    async def ask(self, calls: Sequence[Call]) -> list[Came]:
        """What came of these calls, made at once, in the order in which it came.

        A local model takes the prompts that have no deadline as one batch, one model after the other.
        """
        batches: dict[str, list[Call]] = {}
        one_by_one: list[Call] = []
        known: list[Came] = []
        for call in calls:
            if (before := self._before(call)) is not None:
                known.append(before)
            elif isinstance(self.members[call.model], LocalModel) and np.isinf(call.seconds_left):
                batches.setdefault(call.model, []).append(call)
            else:
                one_by_one.append(call)
        found = await together([self._in_batches(batches), *map(self._alone, one_by_one)])
        return sorted([*known, *itertools.chain(*found)], key=lambda came: came.seconds)

    def _before(self, call: Call) -> Came | None:
        """What came of a call in a run before this one."""
        if self._kept is None:
            return None
        request = self.requests[call.prompt]
        found = self._kept.to([request], [call.model])
        if not found:
            return None
        if self._books is not None:
            self._to_come_usd -= self._books.paid_usd(request, call.model)
        return Came(call, found[0], found[0].latency_s or 0.0)

    async def _begin(self, call: Call, most_usd: float, *, wait: bool = True) -> None:
        """Sets aside what a try can cost, and writes that it is made.

        Raises:
            BudgetSpentError: There is no money; nothing is written.
            OSError: It cannot be written.
        """
        if self.purse is not None:
            await self.purse.reserve(most_usd, wait=wait)
        try:
            if self._books is not None:
                self._books.begin(self.requests[call.prompt], call.model, most_usd)
        except BaseException:
            self._settle(most_usd, 0.0)
            raise

    def _settle(self, most_usd: float, cost_usd: float | None) -> None:
        if self.purse is not None:
            self.purse.settle(most_usd, cost_usd)

    def _keep(self, call: Call, answer: Answer) -> None:
        if self._kept is not None:
            self._kept.keep(self.requests[call.prompt], answer)

    async def _alone(self, call: Call) -> list[Came]:
        request, began = self.requests[call.prompt], self._clock.now()
        member = self.members[call.model]
        try:
            async with asyncio.timeout(None if np.isinf(call.seconds_left) else call.seconds_left):
                answer = await call_member(
                    member,
                    request,
                    signals=self.signals,
                    retries=self._retries,
                    slot=partial(member.slot, request) if isinstance(member, ProviderModel) else nullcontext,
                    before_try=partial(self._begin, call),
                    after_try=self._settle,
                    clock=self._clock,
                )
        except BudgetSpentError:
            return [Came(call, None)]
        except TimeoutError:
            answer = no_answer(request, call.model, _LATE)
        self._keep(call, answer)
        seconds = max(self._clock.now() - began, answer.latency_s or 0.0)
        if seconds > call.seconds_left and answer.error is None:
            answer = no_answer(request, call.model, _LATE, cost_usd=answer.cost_usd)
        return [Came(call, answer, seconds)]

    async def _in_batches(self, batches: Mapping[str, Sequence[Call]]) -> list[Came]:
        found = []
        for name, calls in batches.items():
            member, open_ = self.members[name], dict[str, tuple[Call, float]]()
            for call in calls:
                request = self.requests[call.prompt]
                most = member.most_usd(request)
                try:
                    await self._begin(call, most, wait=not open_)
                    open_[request.prompt_id] = call, most
                except BudgetSpentError:
                    found.append(Came(call, None))
            if open_:
                found += await self._batch(member, open_)
        return found

    async def _batch(self, member: Member, open_: Mapping[str, tuple[Call, float]]) -> list[Came]:
        """Answers of a member to prompts for which money was set aside."""
        requests, came = [self.requests[call.prompt] for call, _ in open_.values()], list[Answer]()

        def on_answer(answer: Answer) -> None:
            came.append(answer)
            self._keep(open_[answer.prompt_id][0], answer)

        ask = partial(member.answer, requests, signals=self.signals, on_answer=on_answer)
        try:
            await asyncio.to_thread(ask)
        finally:
            costs = {answer.prompt_id: answer.cost_usd for answer in came}
            for name, (_, most) in open_.items():
                self._settle(most, costs.get(name))
        return [Came(open_[answer.prompt_id][0], answer, answer.latency_s or 0.0) for answer in came]
