"""How many calls a provider takes at once and a minute, kept to before it has to say so."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from routoo.data.pool import PoolModel
from routoo.members.clock import Clock

CONCURRENCY = 8
"""Calls at once, where the pool states no `concurrency`."""

_MINUTE_S = 60.0


class Limiter:
    """Lets calls begin as fast as the limits of a provider's account allow, in the order in which they came.

    In no sixty seconds do more requests or tokens begin than are allowed; a call that holds more tokens than
    that, or is of more requests, begins when no other has within a minute. Members of one account share a
    limiter. It serves any thread; `concurrency` is counted for each event loop.

    Args:
        requests_per_minute: Requests a minute, None where they are not limited.
        tokens_per_minute: Tokens a minute, sent and allowed to come, None where they are not limited.
        concurrency: Requests at once.
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
        self.concurrency = concurrency
        self._requests_per_minute, self._tokens_per_minute = requests_per_minute, tokens_per_minute
        self._clock = clock or Clock()
        self._begun: deque[tuple[float, float, int]] = deque()  # when, with how many tokens and requests
        self._tokens, self._requests = 0.0, 0
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
    async def slot(self, tokens: float = 0.0, *, requests: int = 1) -> AsyncIterator[None]:
        """Entered when a call of so many tokens and requests may begin; it ends with the block.

        One of more requests than may be made at once holds all places: its caller makes no more at once.
        """
        free, turn = self._of_this_loop()
        async with AsyncExitStack() as places:
            async with turn:  # one waits at a time: first come, first served
                for _ in range(min(requests, self.concurrency)):
                    await places.enter_async_context(free)
                while (wait_s := self._begin(tokens, requests)) > 0:
                    await self._clock.sleep(wait_s)
            yield

    def _of_this_loop(self) -> tuple[asyncio.Semaphore, asyncio.Lock]:
        loop = asyncio.get_running_loop()
        with self._thread_lock:
            return self._of_loop.setdefault(loop, (asyncio.Semaphore(self.concurrency), asyncio.Lock()))

    def _begin(self, tokens: float, requests: int) -> float:
        """0 where the call begins now, and is counted; else seconds until it is worth asking again."""
        with self._thread_lock:
            now = self._clock.now()
            while self._begun and self._begun[0][0] + _MINUTE_S <= now:
                _, old_tokens, old_requests = self._begun.popleft()
                self._tokens, self._requests = self._tokens - old_tokens, self._requests - old_requests
            if not self._begun:
                self._tokens = 0.0  # nothing is left of rounding
            most_requests, most_tokens = self._requests_per_minute, self._tokens_per_minute
            full = most_requests is not None and self._requests + requests > most_requests
            full |= most_tokens is not None and self._tokens + tokens > most_tokens
            if full and self._begun:
                return self._begun[0][0] + _MINUTE_S - now
            if most_requests is not None or most_tokens is not None:
                self._begun.append((now, tokens, requests))
                self._tokens, self._requests = self._tokens + tokens, self._requests + requests
            return 0.0
