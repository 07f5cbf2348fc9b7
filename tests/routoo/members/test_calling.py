"""A member is asked again where that may help, and every try's money is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.errors import CallError, InputError
from routoo.data.request import Request
from routoo.members.calling import Retries, call_member
from routoo.members.clock import Clock
from routoo.members.member import OnAnswer

REQUEST = Request("q", "2 + 2?")
BUSY = CallError("busy", retryable=True, cost_usd=0.0)


@dataclass
class Scripted:
    """A member whose tries are written down."""

    script: Sequence[Answer | BaseException]
    name: str = "m"
    asked: int = 0

    def answer(
        self, requests: Sequence[Request], *, signals: Sequence[str] = (), on_answer: OnAnswer | None = None
    ) -> Answers:
        raise NotImplementedError

    async def answer_one(self, request: Request, *, signals: Sequence[str] = ()) -> Answer:
        self.asked += 1
        came = self.script[min(self.asked, len(self.script)) - 1]
        if isinstance(came, BaseException):
            raise came
        return came

    def most_usd(self, request: Request) -> float:
        return 5.0


@dataclass
class Waits:
    """A clock that moves by what is slept."""

    seconds: list[float] = field(default_factory=list)
    chance: float = 0.0

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: sum(self.seconds), sleep=self.sleep, draw=lambda: self.chance)


def answered(cost_usd: float | None = 0.25) -> Answer:
    return Answer(prompt_id="q", model="m", answer="4", cost_usd=cost_usd)


def called(member: Scripted, waits: Waits | None = None, **options: Any) -> Answer:
    return asyncio.run(call_member(member, REQUEST, clock=(waits or Waits()).clock, **options))


def test_waits_double_and_stop_at_the_longest() -> None:
    waits = Waits()
    answer = called(Scripted([*[BUSY] * 5, answered()]), waits, retries=Retries(tries=6, most_wait_s=5))
    assert answer.answer == "4"
    assert waits.seconds == [1, 2, 4, 5, 5]


def test_chance_shortens_a_wait_by_up_to_half() -> None:
    waits = Waits(chance=1.0)
    called(Scripted([BUSY, BUSY, answered()]), waits)
    assert waits.seconds == [0.5, 1.0]


def test_the_provider_says_how_long() -> None:
    waits = Waits()
    called(Scripted([CallError("busy", retryable=True, retry_after_s=90.0), answered()]), waits)
    assert waits.seconds == [90.0]


@pytest.mark.parametrize(
    ("error", "retries", "asked"),
    [
        (CallError("no such model"), Retries(), 1),
        (BUSY, Retries(tries=3), 3),
        (BUSY, Retries(deadline_s=2.5), 2),
        (CallError("busy", retryable=True, retry_after_s=601), Retries(), 1),
    ],
    ids=["not retryable", "out of tries", "deadline", "asked to wait beyond the deadline"],
)
def test_one_that_failed_for_good_says_why(error: CallError, retries: Retries, asked: int) -> None:
    member = Scripted([error])
    answer = called(member, retries=retries)
    assert (answer.answer, answer.error, member.asked) == (None, str(error), asked)


@pytest.mark.parametrize(
    ("costs", "sum_usd"), [([0.0, 0.25], 0.25), ([1.0, 0.25], 1.25), ([None, 0.25], None), ([1, None], None)]
)
def test_an_answer_costs_what_all_its_tries_did(costs: list[float | None], sum_usd: float | None) -> None:
    failed = CallError("broken", retryable=True, cost_usd=costs[0])
    told: list[tuple[float, float | None]] = []
    answer = called(
        Scripted([failed, answered(costs[1])]), after_try=lambda most, cost: told.append((most, cost))
    )
    assert answer.cost_usd == sum_usd
    assert told == [(5.0, costs[0]), (5.0, costs[1])]


def test_hooks_and_slot_are_around_each_try_and_not_around_waits() -> None:
    events: list[str] = []

    @asynccontextmanager
    async def slot() -> AsyncIterator[None]:
        events.append("open")
        yield
        events.append("close")

    async def before(most: float) -> None:
        events.append(f"before {most}")

    async def sleep(seconds: float) -> None:
        events.append("wait")

    called_once = call_member(
        Scripted([BUSY, answered()]),
        REQUEST,
        slot=slot,
        before_try=before,
        after_try=lambda most, cost: events.append(f"after {cost}"),
        clock=Clock(sleep=sleep),
    )
    asyncio.run(called_once)
    once = ["open", "before 5.0", "after 0.0", "close"]
    assert events == [*once, "wait", *once[:2], "after 0.25", "close"]


def test_what_the_hook_before_a_try_raises_goes_up_and_nothing_is_called() -> None:
    async def no_money(most: float) -> None:
        raise CallError("the cap is reached", retryable=True)

    member, told = Scripted([answered()]), list[float | None]()
    with pytest.raises(CallError, match="the cap is reached"):
        called(member, before_try=no_money, after_try=lambda most, cost: told.append(cost))
    assert (member.asked, told) == (0, [])


@pytest.mark.parametrize("error", [asyncio.CancelledError(), RuntimeError("a bug")])
def test_the_cost_of_a_try_that_broke_off_is_unknown(error: BaseException) -> None:
    told: list[float | None] = []
    with pytest.raises(type(error)):
        called(Scripted([error]), after_try=lambda most, cost: told.append(cost))
    assert told == [None]


def test_retries_are_checked() -> None:
    with pytest.raises(InputError, match="tries must be a whole number of at least 1, got 0"):
        Retries(tries=0)
    with pytest.raises(InputError, match="deadline_s must be"):
        Retries(deadline_s=-1)
