"""What is expected where nothing was recorded, given what was."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_BATCH = 4096


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
