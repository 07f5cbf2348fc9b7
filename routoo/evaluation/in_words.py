"""How numbers are written for people: scores, shares, ranges, money."""

from __future__ import annotations

import math
from collections.abc import Iterable

from routoo.evaluation.trial.bootstrap import Interval

UNDEFINED = "–"

_NOTHING = 5e-7  # USD that nobody pays


def number(value: float) -> str:
    """A number to four digits, or a dash where it is not defined.

    >>> number(0.54671), number(-0.05), number(-1e-9), number(float("nan"))
    ('.5467', '-.0500', '.0000', '–')
    """
    if math.isnan(value):
        return UNDEFINED
    text = f"{value:.4f}".replace("-0.0000", "0.0000")
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def percent(share: float, digits: int = 0) -> str:
    """A share as a person writes it, for a page: it never stands on two lines.

    >>> percent(0.254), percent(0.254, 1), percent(float("nan"))
    ('25\\xa0%', '25.4\\xa0%', '–')
    """
    return plain_percent(share, digits).replace(" ", "\N{NO-BREAK SPACE}")


def plain_percent(share: float, digits: int = 0) -> str:
    """The same for sentences that leave the page.

    >>> plain_percent(0.254, 1)
    '25.4 %'
    """
    return UNDEFINED if math.isnan(share) else f"{share:.{digits}%}".replace("%", " %")


def signed(gap: Interval) -> str:
    """A difference and its range.

    >>> from routoo.evaluation.trial.bootstrap import Interval
    >>> signed(Interval(0.0101, 0.0047, 0.0158))
    '+.0101 (+.0047 to +.0158)'
    """
    value, low, high = (f"{'+' if x >= 0 else ''}{number(x)}" for x in (gap.value, gap.low, gap.high))
    return f"{value} ({low} to {high})"


def listed(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def seconds(value: float) -> str:
    """A duration to two digits.

    >>> seconds(1.3537), seconds(float("nan"))
    ('1.4', '–')
    """
    return UNDEFINED if math.isnan(value) else f"{value:.2g}"


def dollars(value: float) -> str:
    """An amount in USD to three digits, as one says it.

    >>> [dollars(value) for value in (3.104, 0.000282087, 41.25, 1234567.8, 0.0, -0.5)]
    ['3.10', '0.000282', '41.2', '1,234,568', '0', '-0.500']
    """
    if math.isnan(value):
        return UNDEFINED
    if abs(value) < _NOTHING:
        return "0"
    decimals = max(2 - math.floor(math.log10(abs(value))), 0)
    return f"{value:,.{decimals}f}"
