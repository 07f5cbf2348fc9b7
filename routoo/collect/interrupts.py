"""Ctrl-C: once to come to an orderly end, twice to leave."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from routoo.collect.runner import Runner, Ungraded

STOPPING = "stopping: calls in flight are waited for; Ctrl-C again leaves them"


async def attended(runner: Runner, ungraded: Sequence[Ungraded], on_remark: Callable[[str], None]) -> None:
    """Runs to the end; the first Ctrl-C stops it, the second breaks off the calls in flight.

    Raises:
        CancelledError: It was interrupted twice.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def interrupt() -> None:
        if not runner.interrupted:
            runner.stop()
            on_remark(STOPPING)
        elif task is not None:
            task.cancel()

    with _on_interrupt(lambda: loop.call_soon_threadsafe(interrupt)):
        await runner.run(ungraded)


@contextmanager
def _on_interrupt(call: Callable[[], object]) -> Iterator[None]:
    """Calls this at each Ctrl-C; only the main thread hears of them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(signum: int, frame: FrameType | None) -> None:
        call()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
