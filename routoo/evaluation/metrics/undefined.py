"""Quotients and means that may not be defined: NaN where they are not."""

from __future__ import annotations

import math

import numpy as np

from routoo.data.curves import Floats


def ratio(part: float, whole: float) -> float:
    """The quotient, or NaN where the divisor is zero or either is NaN."""
    return part / whole if whole and math.isfinite(whole) else math.nan


def mean_known(values: Floats) -> float:
    """Mean of what is not NaN, or NaN where nothing is known."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan
