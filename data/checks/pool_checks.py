"""What the numbers of a pool model must be."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import numpy as np

from routoo.data.checks.arguments import shown
from routoo.data.errors import InputError

_UNKNOWN_PRICE = "an unknown price is not zero: look it up, or leave the model out"
_MOST = sys.float_info.max
_RATES = ("usd_per_1m_input", "usd_per_1m_output", "usd_per_call")
_OPTIONAL_NUMBERS = (
    "output_tokens",
    "usd_per_1m_cached_input",
    "usd_per_1m_batch_input",
    "usd_per_1m_batch_output",
    "context_window",
    "requests_per_minute",
    "tokens_per_minute",
    "requests_per_day",
    "tokens_per_day",
    "concurrency",
    "batch_window_s",
    "time_to_first_token_s",
    "tokens_per_second",
)
_NEVER_ZERO = (
    "output_tokens",
    "context_window",
    "requests_per_minute",
    "tokens_per_minute",
    "requests_per_day",
    "tokens_per_day",
    "concurrency",
    "batch_window_s",
    "tokens_per_second",
)


def checked_numbers(name: str, fields: Mapping[str, object]) -> dict[str, float]:
    """The prices and limits of a pool model that are known, as Python's own numbers.

    Args:
        name: Its name.
        fields: All that is said of it.

    Raises:
        InputError: A price or limit is no number, negative, NaN or infinite, a limit is zero, or a price is
            missing.

    >>> checked_numbers("m", {"usd_per_1m_input": 1, "usd_per_1m_output": np.float32(2), "usd_per_call": 0})
    {'usd_per_1m_input': 1, 'usd_per_1m_output': 2.0, 'usd_per_call': 0}
    """
    stated = [field for field in _OPTIONAL_NUMBERS if fields.get(field) is not None]
    found = {field: _number(name, field, fields.get(field)) for field in (*_RATES, *stated)}
    for field in _NEVER_ZERO:
        if found.get(field) == 0:
            raise InputError(
                f"pool model {name!r}: {field} must be above 0; leave it out where it is unknown"
            )
    return found


def _number(name: str, field: str, value: object) -> float:
    if isinstance(value, np.number):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"pool model {name!r}: {field} must be a number, got {shown(value)}")
    if not 0 <= value <= _MOST:
        raise InputError(
            f"pool model {name!r}: {field} must be finite and at least 0, got {shown(value)}; "
            + (_UNKNOWN_PRICE if field.startswith("usd_") else "leave it out where there is none")
        )
    return value
