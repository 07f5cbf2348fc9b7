"""One event loop for all doors that are not asynchronous, so that connections outlive a call."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
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
    future = asyncio.run_coroutine_threadsafe(work, _loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


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
