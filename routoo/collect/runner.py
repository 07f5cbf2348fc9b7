"""Asking: the calls of a collection, each model at its own pace, until all are made or none may be."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import partial

from routoo.collect.books import BookedMember, Books
from routoo.collect.grading import Grading
from routoo.collect.journal import Line
from routoo.collect.prompts import PromptToAsk
from routoo.collect.purse import BudgetSpentError
from routoo.collect.standing import ModelStanding, Standing
from routoo.collect.threads import in_thread
from routoo.data.answer import Answer
from routoo.data.errors import CallError
from routoo.data.request import Request
from routoo.members.calling import Retries, call_member
from routoo.members.clock import Clock
from routoo.members.limiter import CONCURRENCY
from routoo.members.stopping import Stop, StoppedError
from routoo.members.together import together

GIVE_UP = 20
"""Calls in a row that fail for good, after which no more are made to a model in this run."""

BUDGET_SPENT = "the budget is spent"
INTERRUPTED = "interrupted"
_BATCH = 32  # requests that a local model is given at once

OnStanding = Callable[[Standing], None]
"""Called with how far all is, after each answer."""


@dataclass(frozen=True, eq=False)
class Planned:
    """A call that is wanted."""

    prompt: PromptToAsk
    request: Request


_Opened = tuple[Planned, Line]
"""A call, and the try that is in the books for it."""


@dataclass(frozen=True, eq=False)
class Asked:
    """One model, and the calls that are wanted of it.

    Args:
        member: The model, in the books.
        calls: In the order in which they are made.
        slot: Entered when a try of a request may begin.
        workers: Most calls at once.
        in_batches: Whether it is asked in batches in a thread, one such model at a time.
    """

    member: BookedMember
    calls: Sequence[Planned]
    slot: Callable[[Request], AbstractAsyncContextManager[object]]
    workers: int
    in_batches: bool


@dataclass(frozen=True, eq=False)
class Ungraded:
    """An answer of an earlier run that these graders have not graded."""

    key: str
    prompt: PromptToAsk
    answer: Answer


class Runner:
    """Makes the calls that are wanted, and grades what comes.

    Args:
        models: Each with its calls, by name.
        standings: What earlier runs had done of them.
        books: The money, and what is known.
        grading: How answers are graded.
        stop: What asks it to stop.
        signals: Signals to read off the answers, by name.
        retries: How often, and how long, one is asked that did not answer.
        clock: Where time comes from.
        on_standing: Called after each answer.
    """

    def __init__(
        self,
        models: Mapping[str, Asked],
        standings: Mapping[str, ModelStanding],
        *,
        books: Books,
        grading: Grading,
        stop: Stop,
        signals: Sequence[str],
        retries: Retries,
        clock: Clock,
        on_standing: OnStanding | None,
    ) -> None:
        self._models, self.standings = models, standings
        self._books, self._grading, self._retries = books, grading, retries
        self._signals = signals
        self._clock = clock
        self._on_standing, self._began = on_standing, clock.now()
        self._spent_before = dict(books.history.spent_usd)
        self._stop, self._local = stop, asyncio.Lock()
        self._in_a_row = dict.fromkeys(models, 0)

    async def run(self, ungraded: Sequence[Ungraded] = ()) -> None:
        """Makes all calls, and grades these answers of earlier runs too.

        Raises:
            OSError: The journal cannot be written; calls in flight are broken off.
        """
        old = iter(ungraded)
        workers = [self._grade_old(old) for _ in range(min(len(ungraded), CONCURRENCY))]
        for name, asked in self._models.items():
            if asked.in_batches:
                workers.append(self._ask_in_batches(name, asked))
            else:
                calls = iter(asked.calls)
                workers += [
                    self._ask(name, asked, calls) for _ in range(min(asked.workers, len(asked.calls)))
                ]
        await together(workers)
        for standing in self.standings.values():
            if self._stop.asked and standing.to_come:
                standing.stopped = INTERRUPTED
        self._tell()

    async def _ask(self, name: str, asked: Asked, calls: Iterator[Planned]) -> None:
        """Makes calls one after the other, of those that all workers of the model share."""
        for planned in calls:
            if self._stop.asked or self.standings[name].stopped:
                return
            try:
                answer = await call_member(
                    asked.member,
                    planned.request,
                    signals=self._signals,
                    retries=self._retries,
                    slot=partial(self._slot, asked, planned.request),
                    clock=self._stop.clock(self._clock),
                )
            except BudgetSpentError:
                self.standings[name].stopped = BUDGET_SPENT
            except StoppedError:
                return
            else:
                await self._came(name, planned, answer)

    def _slot(self, asked: Asked, request: Request) -> AbstractAsyncContextManager[None]:
        return self._stop.entered(asked.slot(request))

    async def _ask_in_batches(self, name: str, asked: Asked) -> None:
        """Makes calls by the batch while no other model of its kind does."""
        calls = deque(asked.calls)
        async with self._local:
            while calls and not self._stop.asked and not self.standings[name].stopped:
                opened = await self._opened(name, asked.member, calls)
                if opened:
                    await self._ask_batch(name, asked.member, opened)

    async def _opened(self, name: str, member: BookedMember, calls: deque[Planned]) -> dict[str, _Opened]:
        """The next calls that there is money for, taken from those to come; of a prompt one at a time."""
        opened: dict[str, _Opened] = {}
        while calls and len(opened) < _BATCH and calls[0].prompt.prompt_id not in opened:
            try:
                tried = await member.open(calls[0].request, wait=not opened)
            except BudgetSpentError:
                if not opened:
                    self.standings[name].stopped = BUDGET_SPENT
                break
            except StoppedError:
                break
            planned = calls.popleft()
            opened[planned.prompt.prompt_id] = planned, tried
        return opened

    async def _ask_batch(self, name: str, member: BookedMember, opened: dict[str, _Opened]) -> None:
        """Asks for all at once in a thread, and takes each answer as it comes."""
        loop, came = asyncio.get_running_loop(), asyncio.Queue[Answer | None]()
        requests = [planned.request for planned, _ in opened.values()]

        def on_answer(answer: Answer) -> None:
            loop.call_soon_threadsafe(came.put_nowait, answer)

        work = asyncio.ensure_future(
            in_thread(lambda: member.answer(requests, signals=self._signals, on_answer=on_answer))
        )
        work.add_done_callback(lambda _: came.put_nowait(None))
        try:
            while (answer := await came.get()) is not None:
                planned, tried = opened.pop(answer.prompt_id)
                answer = replace(answer, sample=planned.request.sample)
                member.close(tried, planned.request, answer)
                await self._came(name, planned, answer)
            await work
        finally:
            for planned, tried in opened.values():
                member.fail(tried, planned.request, CallError("the batch ended without an answer"))
                self.standings[name].failed += 1

    async def _came(self, name: str, planned: Planned, answer: Answer) -> None:
        """Counts what came of a call, and grades it."""
        standing = self.standings[name]
        key = planned.request.key or ""
        if key in self._books.history.answers:
            self._in_a_row[name] = 0
            standing.answered += 1
            await self._grade(Ungraded(key, planned.prompt, answer))
        else:
            self._in_a_row[name] += 1
            standing.failed += 1
            if self._in_a_row[name] == GIVE_UP:
                standing.stopped = f"{GIVE_UP} calls in a row failed, the last one: {answer.error}"
        self._tell()

    async def _grade_old(self, ungraded: Iterator[Ungraded]) -> None:
        for each in ungraded:
            if not self._stop.asked:
                await self._grade(each)

    async def _grade(self, ungraded: Ungraded) -> None:
        """Grades an answer; where the judge has not answered, a later run asks it again."""
        try:
            grade = await self._grading.grade(ungraded.answer, ungraded.prompt)
        except (BudgetSpentError, CallError, StoppedError):
            return
        self._books.grade(ungraded.key, self._grading.by(ungraded.prompt), grade)

    def _tell(self) -> None:
        if self._on_standing is None:
            return
        spent = self._books.history.spent_usd
        for name, standing in self.standings.items():
            standing.spent_usd = spent[name] - self._spent_before.get(name, 0.0)
        purse = self._books.purse
        self._on_standing(
            Standing(self.standings, purse.spent_usd, purse.cap_usd, self._clock.now() - self._began)
        )
