"""Several things under way at once, of which the first that fails is heard."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import TypeVar

T = TypeVar("T")


async def together(work: Iterable[Coroutine[None, None, T]]) -> list[T]:
    """What all of these return, in their order.

    Where one fails, the others are broken off, and what it raises goes up once they have been.

    >>> asyncio.run(together(asyncio.sleep(0, result) for result in "ab"))
    ['a', 'b']
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]
