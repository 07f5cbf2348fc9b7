"""One event loop for all doors that are not asynchronous, so that connections outlive a call."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_starting = threading.Lock()
_loops: dict[threading.Thread, asyncio.AbstractEventLoop] = {}


def run_in_background(work: Coroutine[Any, Any, T]) -> T:  # Any: what a coroutine sends and takes
    """What a coroutine returns; it is cancelled where waiting for it is broken off, by Ctrl-C, say.

    It serves any thread, and one in which a loop runs already, as in a notebook.

    >>> run_in_background(asyncio.sleep(0, "done"))
    'done'
    """
    loop, tasks, done = _loop(), list[asyncio.Task[T]](), Future[T]()

    def start() -> None:
        tasks.append(loop.create_task(work))
        tasks[0].add_done_callback(lambda task: _settle(done, task))

    def cancel() -> None:
        for task in tasks:
            loop.call_soon(task.cancel)  # once it has begun, so that it can clear up

    try:
        loop.call_soon_threadsafe(start)
        return done.result()
    except BaseException:  # wherever it comes, it is heard in the loop after the start
        loop.call_soon_threadsafe(cancel)
        raise


def _settle(done: Future[T], task: asyncio.Task[T]) -> None:
    """Hands over what came of a task."""
    if task.cancelled():
        done.cancel()
    elif (error := task.exception()) is not None:
        done.set_exception(error)
    else:
        done.set_result(task.result())


def _loop() -> asyncio.AbstractEventLoop:
    """The loop, in a thread that ends with the process; a forked process has one of its own."""
    with _starting:
        for thread, loop in _loops.items():
            if thread.is_alive():
                return loop
        _loops.clear()
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="routoo-members", daemon=True)
        _loops[thread] = loop
        thread.start()
        return loop
