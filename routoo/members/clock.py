"""Time and chance, for what waits: given from outside, so that nothing is slept through in a test."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Where seconds come from, and how they are waited for.

    Args:
        now: Seconds since whenever; they never go back.
        sleep: Waits for so many seconds.
        draw: A number within 0 and 1, by chance.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    draw: Callable[[], float] = random.random
