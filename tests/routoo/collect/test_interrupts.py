"""Ctrl-C while a collection runs: once, and twice."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from routoo.collect.collected import Collected
from routoo.collect.interrupts import STOPPING
from routoo.data.answer import Answer
from routoo.data.errors import CallError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.data.request import Request
from routoo.members.calling import Retries
from routoo.members.clock import Clock

Run = Callable[..., Collected]
Says = Callable[..., Callable[[Request, int], Answer]]
Scripted = Callable[..., Any]  # Any: a member of the conftest
AnswerOne = Callable[..., Awaitable[object]]
ONE_AT_A_TIME = Pool((PoolModel(name="small", usd_per_1m_input=1, usd_per_1m_output=1, concurrency=1),))


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def interrupting(answer_one: AnswerOne, remarks: list[str]) -> AnswerOne:
    """The same, but for an interrupt once it is asked, and an answer only when that has been said."""

    async def interrupted(request: Request, *, signals: object = ()) -> object:
        interrupt()
        while not remarks:
            await asyncio.sleep(0)
        return await answer_one(request)

    return interrupted


def test_once_ends_what_is_in_flight_and_writes(
    run: Run, says: Says, scripted: Scripted, tmp_path: Path
) -> None:
    remarks: list[str] = []
    small = scripted("small", says("4"))
    answer_one = small.answer_one
    small.answer_one = interrupting(answer_one, remarks)
    collected = run(small, pool=ONE_AT_A_TIME, on_remark=remarks.append)
    assert collected.interrupted
    assert remarks == [STOPPING]
    assert collected.models["small"].not_asked == {"interrupted": 3}
    assert len(Outcomes.read(tmp_path / "collected").outcomes) == len(small.asked) == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    small.answer_one = answer_one
    assert run(small, pool=ONE_AT_A_TIME).complete
    assert len(small.asked) == 4


def test_once_breaks_off_a_wait_for_another_try(run: Run, scripted: Scripted) -> None:
    def busy(request: Request, tries: int) -> CallError:
        return CallError("busy", retryable=True, retry_after_s=1e6, cost_usd=0.0)

    async def never(seconds: float) -> None:
        interrupt()
        await asyncio.Event().wait()

    collected = run(
        scripted("small", busy), clock=Clock(sleep=never), retries=Retries(deadline_s=1e9), pool=ONE_AT_A_TIME
    )
    assert collected.models["small"].unscored == {"busy": 1}
    assert collected.models["small"].not_asked == {"interrupted": 3}


def test_once_makes_no_call_that_waited_for_money(run: Run, says: Says, scripted: Scripted) -> None:
    remarks: list[str] = []
    small = scripted("small", says("4", cost_usd=0.1))
    small.answer_one = interrupting(small.answer_one, remarks)
    collected = run(small, budget_usd=1.5, on_remark=remarks.append)
    assert collected.models["small"].scored == 1
    assert collected.models["small"].not_asked == {"interrupted": 3}


def test_twice_leaves_at_once_and_the_journal_holds(run: Run, says: Says, scripted: Scripted) -> None:
    small = scripted("small", says("4"))

    async def hangs(request: Request, *, signals: object = ()) -> object:
        if small.asked:
            interrupt()
            await asyncio.Event().wait()
        return await answer_one(request)

    answer_one, small.answer_one = small.answer_one, hangs
    with pytest.raises(KeyboardInterrupt):
        run(small, pool=ONE_AT_A_TIME, on_remark=lambda words: interrupt())
    small.answer_one = answer_one
    collected = run(small, pool=ONE_AT_A_TIME)
    assert collected.complete
    assert len(small.asked) == 4
    assert collected.spent_usd == pytest.approx(4 * 0.5 + 1.0)  # what was broken off counts as its most
