"""How many labels could decide a contract at all: what a refusal tells."""

from __future__ import annotations

import math
from collections.abc import Callable

from routoo.data.checks.arguments import number
from routoo.solver.bounds.failures import highest_rate, most_failures


def least_labels(*, floor: float, alpha: float, batch: int | None = None, rate: float = 1.0) -> int | None:
    """The fewest labels after which a mean of right and wrong could be shown to be at least `floor`.

    Args:
        floor: The mean to be shown.
        alpha: The error allowed.
        batch: How many items there are in all; None for a stream.
        rate: The share that is right in the sample: 1 for the luckiest, or what was observed.

    Returns:
        None where no number of labels would do, since the observed rate is not above the floor.

    Raises:
        InputError: A number is out of its range.

    Example:
        >>> least_labels(floor=0.98, alpha=0.05), least_labels(floor=0.98, alpha=0.05, batch=200)
        (234, 114)
        >>> least_labels(floor=0.98, alpha=0.05, rate=0.99)
        1452
        >>> least_labels(floor=0.98, alpha=0.05, rate=0.98) is None
        True
    """
    floor, rate = number("floor", floor, most=1), number("rate", rate, most=1)
    alpha = number("alpha", alpha, most=1)

    def passes(n: int) -> bool:
        failed = math.ceil(n * (1 - rate) - 1e-9)
        if batch is None:
            return bool(highest_rate(failed, n, alpha=alpha) <= 1 - floor)
        return bool(most_failures(failed, n, batch=batch, alpha=alpha) <= batch * (1 - floor) + 1e-9)

    if batch is None and (rate <= floor or floor == 1):
        return None
    most = batch if batch is not None else _doubled(passes)
    if not passes(most):
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high


def _doubled(passes: Callable[[int], bool]) -> int:
    n = 1
    while not passes(n) and n < 1 << 40:
        n *= 2
    return n
