"""How many calls a provider takes at once, a minute and a day, kept to before it has to say so."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from routoo.data.pool import PoolModel
from routoo.data.rates import Rate, rates_of
from routoo.members.clock import Clock

CONCURRENCY = 8
"""Calls at once, where the pool states no `concurrency`."""

_PARTS = 3600
"""Parts of a window: calls of one count as begun with its last, so that a day is kept in little memory."""

LONG_S = 600.0
"""Waits beyond this are said."""


class _Window:
    """What began within a window, held against its rate."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self._begun: deque[tuple[float, float, int]] = deque()  # when, with how many tokens and requests
        self._tokens, self._requests = 0.0, 0

    def wait_s(self, now: float, tokens: float, requests: int) -> float:
        """Seconds until it is worth asking again whether so much may begin; 0 where it may now."""
        while self._begun and self._begun[0][0] + self.rate.seconds <= now:
            _, old_tokens, old_requests = self._begun.popleft()
            self._tokens, self._requests = self._tokens - old_tokens, self._requests - old_requests
        if not self._begun:
            self._tokens = 0.0  # nothing is left of rounding
        if self._begun and self.rate.passed(self._requests + requests, self._tokens + tokens):
            return self._begun[0][0] + self.rate.seconds - now
        return 0.0

    def count(self, now: float, tokens: float, requests: int) -> None:
        """Counts in what begins now."""
        self._tokens, self._requests = self._tokens + tokens, self._requests + requests
        part_s = self.rate.seconds / _PARTS
        if self._begun and self._begun[-1][0] // part_s == now // part_s:
            _, known_tokens, known_requests = self._begun.pop()
            tokens, requests = tokens + known_tokens, requests + known_requests
        self._begun.append((now, tokens, requests))


class Limiter:
    """Lets calls begin as fast as the limits of a provider's account allow, in the order in which they came.

    In no sixty seconds do more requests or tokens begin than are allowed, and in no day; a call that holds
    more tokens than that, or is of more requests, begins when no other has within the window. Members of one
    account share a limiter. It serves any thread; `concurrency` is counted for each event loop. It knows what
    began since it was made, and nothing of before.

    Args:
        rates: Requests, and tokens sent and allowed to come, of a minute and a day.
        concurrency: Requests at once.
        clock: Where time comes from.
        on_remark: Called once where a call waits for long.
    """

    def __init__(
        self,
        rates: Iterable[Rate] = (),
        *,
        concurrency: int = CONCURRENCY,
        clock: Clock | None = None,
        on_remark: Callable[[str], None] | None = None,
    ) -> None:
        self.concurrency = concurrency
        self._windows = [_Window(rate) for rate in rates]
        self._clock, self._on_remark = clock or Clock(), on_remark
        self._thread_lock = threading.Lock()
        self._of_loop: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, tuple[asyncio.Semaphore, asyncio.Lock]
        ] = weakref.WeakKeyDictionary()

    @classmethod
    def of(
        cls,
        model: PoolModel,
        *,
        clock: Clock | None = None,
        on_remark: Callable[[str], None] | None = None,
    ) -> Limiter:
        """The limiter for what the pool states of a model."""
        return cls(
            rates_of(model),
            concurrency=model.concurrency or CONCURRENCY,
            clock=clock,
            on_remark=None if on_remark is None else lambda words: on_remark(f"{model.name}: {words}"),
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
                    self._say(wait_s)
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
            wait_s = max((window.wait_s(now, tokens, requests) for window in self._windows), default=0.0)
            if wait_s <= 0:
                for window in self._windows:
                    window.count(now, tokens, requests)
            return wait_s

    def _say(self, wait_s: float) -> None:
        """Says once that a call waits, where that is for long."""
        if self._on_remark is not None and wait_s > LONG_S:
            self._on_remark(f"what a day allows has begun; the next call waits {wait_s / 3600:.1f} hours")
            self._on_remark = None
