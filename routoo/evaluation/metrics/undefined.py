"""Quotients and means that may not be defined: NaN where they are not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from routoo.data.curves import Floats


def ratio(part: float, whole: float) -> float:
    """The quotient, or NaN where the divisor is zero or either is NaN."""
    return part / whole if whole and math.isfinite(whole) else math.nan


def mean_known(values: Floats) -> float:
    """Mean of what is not NaN, or NaN where nothing is known."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan


def as_json(value: Any) -> Any:  # Any: a JSON document
    """Records by their `to_dict`, tuples as lists, mappings as such, the rest as it is.

    >>> as_json({"a": (1, None)})
    {'a': [1, None]}
    """
    if isinstance(value, Mapping):
        return {key: as_json(found) for key, found in value.items()}
    if isinstance(value, tuple):
        return [as_json(found) for found in value]
    return value.to_dict() if hasattr(value, "to_dict") else value


def without_nan(
    fields: Mapping[str, Any],
) -> dict[str, Any]:  # Any: what JSON has
    """The fields, None in the place of what is not defined.

    >>> without_nan({"a": 1.5, "b": math.nan})
    {'a': 1.5, 'b': None}
    """
    return {
        key: None if isinstance(value, float) and math.isnan(value) else value
        for key, value in fields.items()
    }
