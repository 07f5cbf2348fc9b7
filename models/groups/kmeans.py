"""Centres of groups of vectors by direction."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]

_ROUNDS = 50


def unit_rows(vectors: Floats) -> Floats:
    """The rows scaled to unit length, in their own type; a row of zeros stays."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), vectors.dtype)


def spherical_centres(vectors: Floats, n_centres: int, random: np.random.Generator) -> Floats:
    """Centres of unit length, ``(n_centres, width)`` or fewer where the vectors have fewer directions.

    Spherical k-means (Dhillon and Modha 2001), begun at vectors far from each other (Arthur and
    Vassilvitskii 2007). On vectors of unit length it groups as k-means does, up to the centres' length.

    Args:
        vectors: Of unit length, ``(n, width)``, at least one.
        n_centres: How many at the most.
        random: Where it begins.

    >>> vectors = unit_rows(np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]))
    >>> centres = spherical_centres(vectors, 2, np.random.default_rng(0))
    >>> sorted((vectors @ centres.T).argmax(axis=0).tolist())[-1]
    2
    """
    centres = vectors[random.integers(len(vectors), size=1)]
    nearest = vectors @ centres[0]
    while len(centres) < n_centres:
        away = np.maximum(1 - nearest, 0).astype(np.float64)
        if away.sum() <= 1e-6 * len(vectors):
            break
        added = vectors[random.choice(len(vectors), p=away / away.sum())]
        centres, nearest = np.vstack([centres, added]), np.maximum(nearest, vectors @ added)
    for _ in range(_ROUNDS):
        group = (vectors @ centres.T).argmax(axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, group, vectors)
        filled = np.bincount(group, minlength=len(centres)) > 0
        moved = np.where(filled[:, None], unit_rows(sums), centres)
        if np.allclose(moved, centres, atol=1e-6):
            break
        centres = moved
    return centres
