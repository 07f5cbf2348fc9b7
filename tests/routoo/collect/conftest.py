"""Members that answer by a rule, and a small collection of theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from routoo.collect.collect import collect
from routoo.collect.collected import Collected
from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.pool import Pool, PoolModel
from routoo.data.request import Request
from routoo.members.clock import Clock
from routoo.members.member import OnAnswer

Reply = Callable[[Request, int], Answer | Exception]
"""What comes of a request and the number of its try, from 0."""


@dataclass
class ScriptedMember:
    """Answers as `reply` says, and keeps what it was asked."""

    name: str
    reply: Reply
    most: float = 1.0
    asked: list[Request] = field(default_factory=list)
    on_ask: Callable[[], object] = lambda: None

    def most_usd(self, request: Request) -> float:
        return self.most

    async def answer_one(self, request: Request, *, signals: Sequence[str] = ()) -> Answer:
        tries = sum(other.key == request.key for other in self.asked)
        self.asked.append(request)
        self.on_ask()
        await asyncio.sleep(0)
        came = self.reply(request, tries)
        if isinstance(came, Answer):
            return came
        raise came

    def answer(
        self, requests: Sequence[Request], *, signals: Sequence[str] = (), on_answer: OnAnswer | None = None
    ) -> Answers:
        answers = [asyncio.run(self.answer_one(request)) for request in requests]
        for answer in answers:
            if on_answer is not None:
                on_answer(answer)
        return Answers.of(answers)


@dataclass
class JumpingClock:
    """A clock that jumps to the end of every sleep."""

    seconds: float = 0.0

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.seconds, sleep=self.sleep, draw=lambda: 0.0)


Says = Callable[..., Reply]


@pytest.fixture
def says() -> Says:
    """A reply of one text at one cost: `says("4", cost_usd=0.5)`."""

    def made(text: str | None, **known: Any) -> Reply:
        def reply(request: Request, tries: int) -> Answer:
            return Answer(
                prompt_id=request.prompt_id,
                model=known.get("model", "small"),
                answer=text,
                sample=request.sample,
                cost_usd=known.get("cost_usd", 0.5),
                latency_s=known.get("latency_s", 0.1),
                error=known.get("error"),
            )

        return reply

    return made


@pytest.fixture
def scripted() -> type[ScriptedMember]:
    return ScriptedMember


@pytest.fixture
def jumping() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
def sums() -> pl.DataFrame:
    """Four prompts with their right answers, of two domains."""
    return pl.DataFrame(
        {
            "prompt_id": ["a", "b", "c", "d"],
            "prompt": ["2 + 2?", "1 + 1?", "3 + 1?", "2 * 2?"],
            "answer": ["4", "2", "4", "4"],
            "domain": ["sum", "sum", "sum", "product"],
        }
    )


Run = Callable[..., Collected]


@pytest.fixture
def run(tmp_path: Path, sums: pl.DataFrame, jumping: JumpingClock) -> Run:
    """Collects the sums from these members into one folder: `run(member, budget_usd=3)`."""

    def made(*members: ScriptedMember, **options: Any) -> Collected:
        pool = Pool(tuple(PoolModel(name=m.name, usd_per_1m_input=1, usd_per_1m_output=1) for m in members))
        options = {"budget_usd": 100.0, "grader": "text", "clock": jumping.clock, **options}
        prompts = options.pop("prompts", sums)
        pool = options.pop("pool", pool)
        return collect(prompts, pool, tmp_path / "collected", members=members, **options)

    return made
