"""All counts of a small subtree, kind by kind, but for what can no longer be better or keep the limits."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from routoo.solver.kinds import Counts, Kinds
from routoo.solver.rows import Floats
from routoo.solver.subtree import EPSILON, Priced, Subtree

_MOST_OPTIONS = 4096


@dataclass(frozen=True, eq=False)
class Listed:
    """What may be better than the best answer, the best first.

    Args:
        value: Objective of each, up to `error`.
        options: Position of each in the options of every kind, ``(n_kinds, n_listed)``.
        counts: Options of every kind, ``(n_options, n_models)`` each.
        error: Rounding error of a value at most.
    """

    value: Floats
    options: Counts
    counts: list[Counts]
    error: float

    def __len__(self) -> int:
        return len(self.value)

    def answer(self, at: int) -> Counts:
        """The counts of one of them."""
        return np.stack([own[pick] for own, pick in zip(self.counts, self.options[:, at], strict=True)])


def listed(kinds: Kinds, subtree: Subtree, priced: Priced, *, value: float, most: int) -> Listed | None:
    """The counts of a subtree that may keep every limit and be better than `value`; None if too many.

    Kind by kind, part answers are extended by every option of the next kind. One is dropped where what
    it loses at the prices, or what it uses with the least that the others need, is too much.
    """
    counts = _options(subtree, kinds.count, 8 * most)
    if counts is None:
        return None
    picked = [_Options.of(kinds, priced, at, own) for at, own in enumerate(counts)]
    order = np.argsort([len(own) for own in counts], kind="stable")
    n_steps = (len(order) + 4) * EPSILON
    later = np.sum([own.used.min(axis=1) for own in picked], axis=0)
    slack = kinds.bounds + n_steps * np.maximum(np.abs(later), np.abs(kinds.bounds))
    spare = (priced.bound - value) + n_steps * priced.size
    lost, worth, used = np.zeros(1), np.zeros(1), np.zeros((len(slack), 1))
    chosen = np.zeros((len(order), 1), np.int64)
    for at in order:
        own = picked[at]
        later = later - own.used.min(axis=1)
        lost = (lost[:, None] + own.lost).ravel()
        used = (used[:, :, None] + own.used[:, None, :]).reshape(len(slack), -1)
        room = slack - later + n_steps * np.abs(later)
        kept = np.flatnonzero((lost < spare) & (used <= room[:, None]).all(axis=0))
        if len(kept) > most:
            return None
        parent, option = np.divmod(kept, len(own.lost))
        lost, used, worth = lost[kept], used[:, kept], worth[parent] + own.value[option]
        chosen = chosen[:, parent]
        chosen[at] = option
    best = np.argsort(-worth, kind="stable")
    error = n_steps * float(np.sum([np.abs(own.value).max() for own in picked]))
    return Listed(worth[best], chosen[:, best], counts, error)


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
    found, total = [], 1
    for low, high, number in zip(subtree.low, subtree.high, count.tolist(), strict=True):
        ways = prod((high - low + 1).tolist())
        if number == 1:
            own = np.eye(len(low), dtype=np.int64)[(high > 0) & (low.sum() - low == 0)]
        elif ways <= _MOST_OPTIONS:
            ranges = [range(first, last + 1) for first, last in zip(low.tolist(), high.tolist(), strict=True)]
            own = np.array([way for way in product(*ranges) if sum(way) == number], np.int64)
        else:
            return None
        total *= len(own)
        if not 0 < total <= most:
            return None
        found.append(own)
    return found
