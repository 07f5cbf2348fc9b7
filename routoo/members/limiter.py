"""How many calls a provider takes at once and a minute, kept to before it has to say so."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from routoo.data.pool import PoolModel
from routoo.members.clock import Clock

CONCURRENCY = 8
"""Calls at once, where the pool states no `concurrency`."""

_MINUTE_S = 60.0


class Limiter:
    """Lets calls begin as fast as the limits of a provider's account allow, in the order in which they came.

    In no sixty seconds do more requests or tokens begin than are allowed; a call that holds more tokens than
    that begins when no other has within a minute. Members of one account share a limiter. It serves any
    thread; `concurrency` is counted for each event loop.

    Args:
        requests_per_minute: Calls a minute, None where they are not limited.
        tokens_per_minute: Tokens a minute, sent and allowed to come, None where they are not limited.
        concurrency: Calls at once.
        clock: Where time comes from.
    """

    def __init__(
        self,
        *,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        concurrency: int = CONCURRENCY,
        clock: Clock | None = None,
    ) -> None:
        self._requests, self._tokens = requests_per_minute, tokens_per_minute
        self._concurrency, self._clock = concurrency, clock or Clock()
        self._begun: deque[tuple[float, float]] = deque()  # when, and with how many tokens
        self._sum = 0.0
        self._thread_lock = threading.Lock()
        self._of_loop: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, tuple[asyncio.Semaphore, asyncio.Lock]
        ] = weakref.WeakKeyDictionary()

    @classmethod
    def of(cls, model: PoolModel, *, clock: Clock | None = None) -> Limiter:
        """The limiter for what the pool states of a model."""
        return cls(
            requests_per_minute=model.requests_per_minute,
            tokens_per_minute=model.tokens_per_minute,
            concurrency=model.concurrency or CONCURRENCY,
            clock=clock,
        )

    @asynccontextmanager
    async def slot(self, tokens: float = 0.0) -> AsyncIterator[None]:
        """Entered when a call of so many tokens may begin; it ends with the block."""
        free, turn = self._of_this_loop()
        async with free:
            async with turn:  # one waits for the minute at a time: first come, first served
                while (wait_s := self._begin(tokens)) > 0:
                    await self._clock.sleep(wait_s)
            yield

    def _of_this_loop(self) -> tuple[asyncio.Semaphore, asyncio.Lock]:
        loop = asyncio.get_running_loop()
        with self._thread_lock:
            return self._of_loop.setdefault(loop, (asyncio.Semaphore(self._concurrency), asyncio.Lock()))

    def _begin(self, tokens: float) -> float:
        """0 where the call begins now, and is counted; else seconds until it is worth asking again."""
        with self._thread_lock:
            now = self._clock.now()
            while self._begun and self._begun[0][0] + _MINUTE_S <= now:
                self._sum -= self._begun.popleft()[1]
            if not self._begun:
                self._sum = 0.0  # nothing is left of rounding
            full = self._requests is not None and len(self._begun) + 1 > self._requests
            full |= self._tokens is not None and self._sum + tokens > self._tokens
            if full and self._begun:
                return self._begun[0][0] + _MINUTE_S - now
            if self._requests is not None or self._tokens is not None:
                self._begun.append((now, tokens))
                self._sum += tokens
            return 0.0
