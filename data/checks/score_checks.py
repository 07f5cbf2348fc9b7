"""Checks of the matrices that scores are made of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from routoo.data.checks.arguments import numbers
from routoo.data.errors import InputError


def float32_matrix(field: str, value: object) -> npt.NDArray[np.float32]:
    """The numbers in float32; what is right or wrong is 1 or 0, what is too large is infinite."""
    if isinstance(value, np.ndarray) and value.dtype == np.bool_:
        value = value.astype(np.float32)
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(numbers(field, value), dtype=np.float32)


def check_range(field: str, value: npt.NDArray[np.float32], low: float, high: float) -> None:
    """Refuses NaN and what lies outside, in one pass that allocates nothing of the matrix's size."""
    if value.size == 0:
        return
    least, most = value.min(), value.max()  # NaN propagates through both
    if least >= low and most <= high:
        return
    row, column = np.argwhere(~((value >= low) & (value <= high)))[0]
    raise InputError(
        f"{field} must lie in [{low:g}, {high:g}] and not be NaN; "
        f"row {row}, column {column} is {value[row, column]}"
    )
