"""Ctrl-C: once to come to an orderly end, twice to leave."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from routoo.members.background import run_in_background
from routoo.members.stopping import Stop

STOPPING = "stopping: calls in flight are waited for; Ctrl-C again leaves them"
_LEAVING_S = 1.0


def run_attended(
    work: Coroutine[Any, Any, None],  # Any: what a coroutine sends and takes
    stop: Stop,
    on_remark: Callable[[str], None],
) -> None:
    """Runs work to its end; the first Ctrl-C makes no more calls, the second waits for none.

    Raises:
        KeyboardInterrupt: It was interrupted twice.
    """

    def interrupt() -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.ask()
        on_remark(STOPPING)

    ended = threading.Event()
    with _on_interrupt(interrupt):
        try:
            run_in_background(_announced(work, ended))
        except KeyboardInterrupt:
            ended.wait(_LEAVING_S)  # so that the journal says what was broken off
            raise


async def _announced(work: Coroutine[Any, Any, None], ended: threading.Event) -> None:  # Any: as above
    """Awaits the work, and says when it has ended."""
    try:
        await work
    finally:
        ended.set()


@contextmanager
def _on_interrupt(call: Callable[[], None]) -> Iterator[None]:
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
