"""The few columns that together serve all rows best: facility location by lazy greedy.

A set of columns is worth the sum over the rows of the largest value in the set, and at least 0 a row. That is
monotone and submodular: a column adds the less, the more there is already.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from routoo.data.errors import InputError
from routoo.solver.sums.rows import Floats

GUARANTEE = 1 - math.exp(-1)
"""Share of the best possible value that `pick_subset` reaches whatever the values are."""

_DUST = 1e-12  # of the value of all columns: what adds less adds nothing


@dataclass(frozen=True)
class Subset:
    """Columns in the order in which each adds most to those before it.

    Args:
        columns: Positions of the columns.
        gains: What each adds to the value of those before it.
        upper_bound: No subset within the limit is worth more; proved from the gains.
    """

    columns: tuple[int, ...]
    gains: tuple[float, ...]
    upper_bound: float

    @property
    def value(self) -> float:
        """What the columns are worth together."""
        return math.fsum(self.gains)

    @property
    def proved_share(self) -> float:
        """Share of the best possible value that is proved for this answer; 1 is proved to be the best."""
        return min(1.0, self.value / self.upper_bound) if self.upper_bound > 0 else 1.0


def subset_value(values: Floats, columns: tuple[int, ...]) -> float:
    """What these columns are worth together.

    >>> subset_value(np.array([[0.9, 0.1], [0.2, 0.7]]), (0, 1))
    1.6
    """
    return float(_covered(values, columns).sum())


def pick_subset(
    values: Floats, *, size: int | None = None, spend: float | None = None, weights: Floats | None = None
) -> Subset:
    """The columns that together serve all rows best: at most `size` of them, or of at most `spend` in weight.

    Fewer are picked where no other adds anything, and none where none fits the spend. It is greedy on gain
    per weight (gain alone, under a size), begun from nothing, from every column and from every pair, with
    gains looked at again only when they come to the top (Minoux 1978). The best of these is worth at
    least `GUARANTEE` = 1 - 1/e of the best possible: under a size the start from nothing is enough
    for that (Nemhauser, Wolsey and Fisher 1978), under a spend pairs are needed (Sviridenko 2004, with
    triples; Kulik, Schwartz and Shachnai 2021). What the gains that are left prove is mostly much more.

    Args:
        values: What each column is worth to each row, ``(n_rows, n_columns)``; below 0 counts as 0.
        size: Most columns.
        spend: Most weight.
        weights: Weight of each column, ``(n_columns,)``, at least 0; of those that tie the lighter wins.

    Raises:
        InputError: Not just one of `size` and `spend` is given, or a number is out of range.

    >>> values = np.array([[0.9, 0.8, 0.0], [0.9, 0.8, 0.0], [0.1, 0.3, 0.5]])
    >>> found = pick_subset(values, size=2)
    >>> found.columns, round(found.value, 6), round(found.upper_bound, 6)
    ((0, 2), 2.3, 2.3)
    """
    values, ties = _checked(values, size, spend, weights)
    if spend is None:
        weights, room = np.ones_like(ties), float(size or 0)
    else:
        weights, room = ties, spend
    best: tuple[int, ...] = ()
    for seed in _seeds(weights, room):
        found = _greedy(values, weights, room, seed, ties=ties)
        best = max(best, found, key=lambda columns: _worth(values, columns, ties))
    return _ordered(values, best, weights, room, ties=ties)


def _checked(
    values: Floats, size: int | None, spend: float | None, weights: Floats | None
) -> tuple[Floats, Floats]:
    values = np.asarray(values, np.float64)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise InputError(f"values must be a finite matrix (n_rows, n_columns), got shape {values.shape}")
    if (size is None) == (spend is None):
        raise InputError("give a size or a spend, one of them")
    if size is not None and size < 1:
        raise InputError(f"size must be at least 1, got {size}")
    if spend is not None and not 0 <= spend < math.inf:
        raise InputError(f"spend must be finite and at least 0, got {spend:g}")
    if spend is not None and weights is None:
        raise InputError("a spend needs the weight of each column")
    weights = np.zeros(values.shape[1]) if weights is None else np.asarray(weights, np.float64)
    if weights.shape != values.shape[1:] or not (np.isfinite(weights) & (weights >= 0)).all():
        raise InputError(f"weights must be {values.shape[1]} finite numbers of at least 0")
    return values, weights


def _covered(values: Floats, columns: tuple[int, ...]) -> Floats:
    """The largest value of each row among the columns, at least 0."""
    return np.asarray(values[:, list(columns)].max(axis=1, initial=0.0), np.float64)


def _worth(values: Floats, columns: tuple[int, ...], weights: Floats) -> tuple[float, float]:
    return subset_value(values, columns), -float(weights[list(columns)].sum())


def _seeds(weights: Floats, spend: float) -> Iterator[tuple[int, ...]]:
    """No column, each column, and each two columns that fit."""
    for size in range(3):
        for seed in combinations(range(len(weights)), size):
            if weights[list(seed)].sum() <= spend:
                yield seed


def _greedy(
    values: Floats, weights: Floats, room: float, seed: tuple[int, ...] = (), *, ties: Floats
) -> tuple[int, ...]:
    """The seed and then, as long as one fits and adds something, the column of most gain per weight."""
    columns, covered = list(seed), _covered(values, seed)
    room -= float(weights[columns].sum())
    dust = _dust(values)
    # Gains only fall: a stale one is never too small, so what stays on top when renewed is the best.
    stale = [(-math.inf, ties[at], at) for at in range(values.shape[1]) if at not in seed]
    heapq.heapify(stale)
    fresh: set[int] = set()
    while stale:
        _, _, at = heapq.heappop(stale)
        if weights[at] > room:
            continue
        if at in fresh:
            columns.append(at)
            covered = np.maximum(covered, values[:, at])
            room -= float(weights[at])
            fresh.clear()
            continue
        gain = float(np.maximum(values[:, at] - covered, 0.0).sum())
        if gain > dust:
            heapq.heappush(stale, (-_per(gain, weights[at]), ties[at], at))
            fresh.add(at)
    return tuple(columns)


def _dust(values: Floats) -> float:
    """What adds no more than this adds nothing."""
    return _DUST * float(_covered(values, tuple(range(values.shape[1]))).sum())


def _per(gain: float, weight: float) -> float:
    return gain / weight if weight > 0 else math.inf


def _ordered(
    values: Floats, columns: tuple[int, ...], weights: Floats, room: float, *, ties: Floats
) -> Subset:
    """The columns by falling gain, with the least of the bounds that their prefixes prove.

    A column that the others make superfluous is left out.
    """
    left = sorted(columns, key=lambda at: (ties[at], at))
    covered = _covered(values, ())
    order: list[int] = []
    gains: list[float] = []
    bound = _bound(values, covered, weights, room)
    while left:
        gain = np.maximum(values[:, left] - covered[:, None], 0.0).sum(axis=0)
        at = int(gain.argmax())
        if gain[at] <= _dust(values):
            break
        gains.append(float(gain[at]))
        order.append(left.pop(at))
        covered = np.maximum(covered, values[:, order[-1]])
        bound = min(bound, _bound(values, covered, weights, room))
    return Subset(tuple(order), tuple(gains), float(max(bound, math.fsum(gains))))


def _bound(values: Floats, covered: Floats, weights: Floats, room: float) -> float:
    """What no subset within the room exceeds: all that is covered, and the best that may be added to it.

    Every subset is worth at most the covered value and its columns' gains over it; of these, the most that
    fit, with the last one in part, are a relaxation.
    """
    gain = np.maximum(values - covered[:, None], 0.0).sum(axis=0)
    gain, weights = gain[weights <= room], weights[weights <= room]
    per = [_per(float(gain[at]), float(weights[at])) if gain[at] > 0 else 0.0 for at in range(len(gain))]
    order = sorted(range(len(gain)), key=lambda at: -per[at])
    total = float(covered.sum())
    for at in order:
        part = 1.0 if weights[at] <= room else room / weights[at]
        total += part * float(gain[at])
        room -= part * float(weights[at])
    return total
