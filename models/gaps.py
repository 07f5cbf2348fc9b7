"""Columns with gaps: their means by what is known, and what is expected where nothing is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_BATCH = 4096
_STEPS = 3  # of expectation and maximisation
_LEAST = 1e-6  # of a variance
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
    for rows, among in _rows_with_gaps(known, noise):
        seen = known[rows]
        missed = np.where(seen, value[rows] - fit[rows], 0.0)
        solved = np.where(seen, np.linalg.solve(among, missed[:, :, None])[:, :, 0], 0.0)
        out[rows] = np.where(seen, value[rows], fit[rows] + solved @ noise)
    return out


def left_open(known: npt.NDArray[np.bool_], noise: Array) -> Array:
    """Covariance of the values about what `filled_in` says, summed over the rows.

    >>> left_open(np.array([[True, False]]), np.array([[1.0, 0.5], [0.5, 1.0]])).tolist()
    [[0.0, 0.0], [0.0, 0.75]]
    """
    out = np.zeros_like(noise)
    for rows, among in _rows_with_gaps(known, noise):
        seen = known[rows][:, :, None]
        shared = np.where(seen, noise, 0.0)
        left = noise - shared.transpose(0, 2, 1) @ np.linalg.solve(among, shared)
        out += np.where(seen | seen.transpose(0, 2, 1), 0.0, left).sum(0)
    return out


def covariance(value: Array) -> Array:
    """Covariance of columns of mean zero, NaN where missing, by expectation and maximisation.

    >>> covariance(np.array([[1.0, 1.0], [-1.0, -1.0], [1.0, np.nan], [-1.0, np.nan]])).round(1).tolist()
    [[1.0, 0.9], [0.9, 1.0]]
    """
    known = ~np.isnan(value)
    start = np.nansum(value**2, axis=0) / np.maximum(known.sum(0), 1)
    least = _LEAST * (start.mean() + _LEAST) * np.eye(len(start))
    found: Array = np.diag(start) + least
    for _ in range(_STEPS):
        filled = filled_in(value, known, np.zeros(value.shape), found)
        found = (filled.T @ filled + left_open(known, found)) / len(value) + least
    return found


def _rows_with_gaps(
    known: npt.NDArray[np.bool_], noise: Array
) -> Iterator[tuple[npt.NDArray[np.intp], Array]]:
    """Numbers of rows, a batch at a time, and of each the covariance among what is known, 1 for the rest."""
    gaps = np.flatnonzero(~known.all(1))
    for at in range(0, len(gaps), _BATCH):
        seen = known[gaps[at : at + _BATCH]]
        both = seen[:, :, None] & seen[:, None, :]
        yield gaps[at : at + _BATCH], np.where(both, noise, np.eye(len(noise)))
