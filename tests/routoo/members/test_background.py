"""Work runs in one loop beside whatever else runs."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from routoo.members import background
from routoo.members.background import run_in_background


async def _loop() -> int:
    return id(asyncio.get_running_loop())


def test_it_is_one_loop_for_all_and_serves_one_that_runs_already() -> None:
    async def inside() -> tuple[int, int]:
        return id(asyncio.get_running_loop()), run_in_background(_loop())

    first = run_in_background(_loop())
    mine, theirs = asyncio.run(inside())
    assert first == theirs != mine


def test_errors_go_up_and_waiting_that_is_broken_off_cancels_the_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken() -> None:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        run_in_background(broken())

    cancelled = threading.Event()

    async def long() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    def interrupted(self: object, timeout: float | None = None) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("concurrent.futures.Future.result", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_in_background(long())
    assert cancelled.wait(5)


def test_an_interrupt_as_work_is_handed_over_cancels_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, cancelled = threading.Event(), threading.Event()

    async def long() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    run_in_background(_loop())
    [loop] = background._loops.values()
    hand_over, calls = loop.call_soon_threadsafe, []

    def interrupted(*given: Any) -> object:  # Any: a callback and what it takes
        calls.append(given)
        handle = hand_over(*given)
        if len(calls) == 1:
            assert begun.wait(5)
            raise KeyboardInterrupt
        return handle

    monkeypatch.setattr(loop, "call_soon_threadsafe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_in_background(long())
    assert cancelled.wait(5)
