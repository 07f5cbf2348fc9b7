"""All counts of a small subtree, kind by kind, but for what can no longer be better or keep the limits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from routoo.solver.search.subtree import EPSILON, Priced, Subtree
from routoo.solver.sums.kinds import Counts, Kinds
from routoo.solver.sums.rows import Floats

_MOST_OPTIONS = 4096


@dataclass(frozen=True, eq=False)
class Listed:
    """What may be better than the best answer, the best first.

    Args:
        value: Objective of each, up to `error`.
        options: Position of each in the options of the kinds that have several, ``(n_several, n_listed)``.
        several: Those kinds.
        counts: Options of every kind, ``(n_options, n_models)`` each.
        error: Rounding error of a value at most.
    """

    value: Floats
    options: Counts
    several: list[int]
    counts: list[Counts]
    error: float

    def __len__(self) -> int:
        return len(self.value)

    def answer(self, at: int) -> Counts:
        """The counts of one of them."""
        pick = np.zeros(len(self.counts), np.int64)
        pick[self.several] = self.options[:, at]
        return np.stack([own[one] for own, one in zip(self.counts, pick.tolist(), strict=True)])


def listed(
    kinds: Kinds, subtree: Subtree, priced: Priced, *, value: float, most: int
) -> tuple[Listed | None, int]:
    """The counts of a subtree that may keep every limit and be better than `value`; None if too many.

    Kind by kind, part answers are extended by every option of the next kind. One is dropped where what
    it loses at the prices, or what it uses with the least that the others need, is too much. Second comes
    how many part answers were looked at.
    """
    counts = _options(subtree, kinds.count, 8 * most)
    if counts is None:
        return None, 0
    several = sorted((at for at, own in enumerate(counts) if len(own) > 1), key=lambda at: len(counts[at]))
    settled = _Settled.of(kinds, counts)
    picked = [_Options.of(kinds, priced, at, counts[at]) for at in several]
    n_steps = (len(counts) + 4) * EPSILON
    later = settled.used + np.sum([own.used.min(axis=1) for own in picked], axis=0)
    slack = kinds.bounds + n_steps * np.maximum(np.abs(later), np.abs(kinds.bounds))
    spare = (priced.bound - value) + n_steps * priced.size
    lost, worth, used = np.zeros(1), np.array([settled.value]), settled.used[:, None]
    chosen, looked, later = np.zeros((len(several), 1), np.int64), 1, later - settled.used
    for at, own in enumerate(picked):
        later = later - own.used.min(axis=1)
        lost = (lost[:, None] + own.lost).ravel()
        used = (used[:, :, None] + own.used[:, None, :]).reshape(len(slack), -1)
        room, looked = slack - later + n_steps * np.abs(later), looked + len(lost)
        kept = np.flatnonzero((lost < spare) & (used <= room[:, None]).all(axis=0))
        if len(kept) > most:
            return None, looked
        parent, option = np.divmod(kept, len(own.lost))
        lost, used, worth = lost[kept], used[:, kept], worth[parent] + own.value[option]
        chosen = chosen[:, parent]
        chosen[at] = option
    if not picked and (spare <= 0 or (settled.used > slack).any()):
        worth, chosen = worth[:0], chosen[:, :0]
    best = np.argsort(-worth, kind="stable")
    error = n_steps * (settled.size + math.fsum(float(np.abs(own.value).max()) for own in picked))
    return Listed(worth[best], chosen[:, best], several, counts, error), looked


@dataclass(frozen=True, eq=False)
class _Settled:
    """What the kinds gain and use that have one option, and the size of the terms of the gain."""

    value: float
    used: Floats
    size: float

    @classmethod
    def of(cls, kinds: Kinds, counts: list[Counts]) -> _Settled:
        chosen = np.array([own[0] if len(own) == 1 else np.zeros_like(own[0]) for own in counts])
        row, column = np.nonzero(chosen)
        number = chosen[row, column]
        value = kinds.value[row, column] * number
        return cls(float(value.sum()), kinds.uses[:, row, column] @ number, float(np.abs(value).sum()))


@dataclass(frozen=True, eq=False)
class _Options:
    """What the options of one kind gain, use, and lose at the prices."""

    value: Floats
    used: Floats
    lost: Floats

    @classmethod
    def of(cls, kinds: Kinds, priced: Priced, at: int, counts: Counts) -> _Options:
        open_ = counts.any(axis=0)
        counts = counts[:, open_]
        worth = counts @ priced.worth[at, open_]
        most = float(priced.amount[at, open_] @ priced.worth[at, open_])
        return cls(counts @ kinds.value[at, open_], kinds.uses[:, at, open_] @ counts.T, most - worth)


def _options(subtree: Subtree, count: Counts, most: int) -> list[Counts] | None:
    """Every way to share out each kind; None where there are too many together."""
    alone = (subtree.high > 0) & (subtree.low.sum(axis=1, keepdims=True) == subtree.low)
    if np.log(np.maximum(alone[count == 1].sum(axis=1), 1)).sum() > math.log(2.0 * most):
        return None
    found, total, one = [], 1, np.eye(alone.shape[1], dtype=np.int64)
    for at, number in enumerate(count.tolist()):
        low, high = subtree.low[at], subtree.high[at]
        if number == 1:
            own = one[alone[at]]
        elif math.prod((high - low + 1).tolist()) <= _MOST_OPTIONS:
            ranges = [range(first, last + 1) for first, last in zip(low.tolist(), high.tolist(), strict=True)]
            own = np.array([way for way in product(*ranges) if sum(way) == number], np.int64)
        else:
            return None
        total *= len(own)
        if not 0 < total <= most:
            return None
        found.append(own)
    return found
