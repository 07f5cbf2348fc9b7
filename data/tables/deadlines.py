"""The column of seconds within which a prompt is to be answered: what a file of prompts says of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from routoo.data.errors import InputError

DEADLINE = "max_latency_s"
"""Name of the column."""


def deadlines_of(cells: Sequence[str | None], source: str) -> list[float]:
    """The seconds of each cell; infinity where it holds nothing.

    Raises:
        InputError: A cell holds no number from 0 on.

    >>> deadlines_of(["60", None], "prompts.csv")
    [60.0, inf]
    """
    return [math.inf if cell is None or not cell.strip() else _seconds(cell, source) for cell in cells]


def deadlines_beside(own: Sequence[float] | None, everyone: float | None) -> float | list[float] | None:
    """The seconds within which each prompt is to be answered, of its own and of all; None where none are.

    >>> deadlines_beside([60.0, math.inf], 100.0), deadlines_beside(None, 100.0)
    ([60.0, 100.0], 100.0)
    """
    if own is None or all(map(math.isinf, own)):
        return everyone
    return [min(seconds, math.inf if everyone is None else everyone) for seconds in own]


def _seconds(cell: str, source: str) -> float:
    try:
        found = float(cell)
    except ValueError:
        found = math.nan
    if not found >= 0:
        raise InputError(f"{source}: {DEADLINE} must be seconds from 0 on, or nothing, got {cell!r}")
    return found
