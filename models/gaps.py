"""Columns with gaps: their means by what is known, and what is expected where nothing is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_BATCH = 4096
_STRENGTH = 20.0  # of a column's mean in each group, in rows


def column_means(values: npt.NDArray[np.floating[Any]]) -> Array:
    """Mean of what is known in each column; NaN where nothing is."""
    known = ~np.isnan(values)
    count, total = known.sum(0), np.where(known, values, 0.0).sum(0)
    means: Array = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return means


def shrunk_means(
    values: npt.NDArray[np.floating[Any]],
    groups: Iterable[npt.NDArray[np.bool_]],
    means: npt.NDArray[np.floating[Any]],
) -> Array:
    """Means by group of rows and column, as if twenty more rows of each had the column's mean."""
    parts = [values[rows] for rows in groups]
    total = np.array([np.nansum(part, 0) for part in parts]) + _STRENGTH * means
    return np.asarray(total / (np.array([(~np.isnan(part)).sum(0) for part in parts]) + _STRENGTH))


def filled_in(value: Array, known: npt.NDArray[np.bool_], fit: Array, noise: Array) -> Array:
    """The values, and where one is missing its mean given those of the same row: an E-step.

    Args:
        value: ``(n_rows, n_columns)``; what is not known is not looked at.
        known: Which values are, the same shape.
        fit: What is expected of each before anything is known, the same shape.
        noise: Covariance of what the values deviate from that, ``(n_columns, n_columns)``.

    >>> noise = np.array([[1.0, 0.5], [0.5, 1.0]])
    >>> filled_in(np.array([[2.0, 0.0]]), np.array([[True, False]]), np.zeros((1, 2)), noise).tolist()
    [[2.0, 1.0]]
    """
    out = value.copy()
    identity = np.eye(len(noise))
    for at in range(0, len(value), _BATCH):
        rows = slice(at, at + _BATCH)
        seen = known[rows]
        pairs = np.where(seen[:, :, None] & seen[:, None, :], noise, identity)
        missed = np.where(seen, value[rows] - fit[rows], 0.0)
        solved = np.where(seen, np.linalg.solve(pairs, missed[:, :, None])[:, :, 0], 0.0)
        out[rows] = np.where(seen, value[rows], fit[rows] + solved @ noise)
    return out
