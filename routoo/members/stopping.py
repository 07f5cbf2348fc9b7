"""Asking calls to stop: what waits is broken off, those in flight come to their end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import TypeVar

from routoo.members.clock import Clock

T = TypeVar("T")


class StoppedError(Exception):
    """What waited was broken off."""


class Stop:
    """Whether calls were asked to stop; any thread may ask."""

    def __init__(self) -> None:
        self.asked = False
        self._event = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def ask(self) -> None:
        """Makes everything that waits, or will, raise `StoppedError`."""
        self.asked = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._event.set)

    async def unless_asked(self, work: Awaitable[T]) -> T:
        """What `work` returns.

        Raises:
            StoppedError: It was asked to stop before that came.
        """
        self._loop = asyncio.get_running_loop()
        if self.asked:
            self._event.set()
        task, asked = asyncio.ensure_future(work), asyncio.ensure_future(self._event.wait())
        try:
            await asyncio.wait((task, asked), return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()
            if not task.done():
                task.cancel()
        if not task.done():
            raise StoppedError
        return task.result()

    @asynccontextmanager
    async def entered(self, slot: AbstractAsyncContextManager[object]) -> AsyncIterator[None]:
        """The slot, where it can be entered before it is asked to stop."""
        await self.unless_asked(slot.__aenter__())
        try:
            yield
        finally:
            await slot.__aexit__(None, None, None)

    def clock(self, clock: Clock) -> Clock:
        """The clock, whose sleep ends when it is asked to stop."""
        return replace(clock, sleep=lambda seconds: self.unless_asked(clock.sleep(seconds)))
