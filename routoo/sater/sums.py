"""Sums over several calls, of which some may not be known."""

from __future__ import annotations

import math
from collections.abc import Iterable


def added(values: Iterable[float | None]) -> float | None:
    """The sum; None where one is not known.

    >>> added([0.5, 1.0]), added([0.5, None])
    (1.5, None)
    """
    known = list(values)
    return None if None in known else math.fsum(value for value in known if value is not None)
