"""Part of a search: counts between two others, what they are worth at given prices, and how they split."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from routoo.solver.sums.kinds import Counts, Kinds
from routoo.solver.sums.rows import Floats

EPSILON = float(np.finfo(np.float64).eps)
"""Twice the relative error of a float64 operation."""


@dataclass(frozen=True, eq=False)
class Subtree:
    """All counts between `low` and `high` that give every prompt a model, ``(n_kinds, n_models)`` each."""

    low: Counts
    high: Counts

    @classmethod
    def root(cls, kinds: Kinds) -> Subtree:
        """All counts there are."""
        high = np.where(np.isfinite(kinds.value), kinds.count[:, None], 0)
        return cls(np.zeros_like(high), high).tightened(kinds.count)

    def tightened(self, count: Counts) -> Subtree:
        """The same counts between bounds that the others of a kind leave room for."""
        low = np.maximum(self.low, count[:, None] - (self.high.sum(axis=1, keepdims=True) - self.high))
        high = np.minimum(self.high, count[:, None] - (low.sum(axis=1, keepdims=True) - low))
        return Subtree(low, high)

    def within(self, count: Counts, splits: Sequence[Split]) -> Subtree | None:
        """The part that lies within all of these; None where there is none."""
        low, high = self.low.copy(), self.high.copy()
        for split in splits:
            np.maximum(low[split.kind], split.low, out=low[split.kind])
            np.minimum(high[split.kind], split.high, out=high[split.kind])
        kinds = list({split.kind for split in splits})
        part = Subtree(low[kinds], high[kinds]).tightened(count[kinds])
        low[kinds], high[kinds] = part.low, part.high
        return Subtree(low, high) if (part.low <= part.high).all() else None

    def breaks_one(self, kinds: Kinds) -> bool:
        """Whether some limit cannot hold here even as the only one, rounding included."""
        free = self.high > self.low
        least = np.where(free, kinds.uses, np.inf).min(axis=2, initial=np.inf)
        rest = kinds.count - self.low.sum(axis=1)
        terms = np.where(rest > 0, least, 0.0) * rest + (kinds.uses * self.low).sum(axis=2)
        error = (terms.shape[1] + self.low.shape[1] + 4) * EPSILON * np.abs(terms).sum(axis=1)
        return bool((terms.sum(axis=1) - error > kinds.bounds).any())

    def splits(self, count: Counts, amount: Floats | None, priced: Priced) -> tuple[Split, Split]:
        """Two parts of this subtree: by the use of the kind whose use the relaxation divides most, if any.

        Models that use alike stay together as long as that is possible: to close one of them only moves
        prompts to the other. Where nothing is divided, the cell that is worse than others by least is split.
        """
        free = self.low < self.high
        if amount is not None:
            share = np.where(self.high > 0, amount, 0.0) / count[:, None]
            mean = (share * priced.used).sum(axis=1, keepdims=True)
            spread = np.where(count == 1, (share * (priced.used - mean) ** 2).sum(axis=1), 0.0)
            kind = int(spread.argmax())
            less = priced.used[kind] <= mean[kind]
            if spread[kind] > 1e-12 * max(float(mean[kind].item()) ** 2, 1e-300) and free[kind, less].any():
                parts = (np.where(side, self.high[kind], 0) for side in (less, ~less))
                first, second = (Split(kind, self.low[kind], high) for high in parts)
                if first.high.any() and second.high.any():
                    return first, second
            inside = free & (self.low <= np.floor(amount)) & (np.floor(amount) < self.high)
            parts_of_one = np.where(inside, np.abs(amount - np.rint(amount)), 0.0)
            kind, model = divmod(int(parts_of_one.argmax()), free.shape[1])
            if parts_of_one[kind, model] > 1e-6:
                return self._at(kind, model, math.floor(amount[kind, model]))
        kind, model = divmod(int(np.where(free, priced.lead(self), np.inf).argmin()), free.shape[1])
        return self._at(kind, model, int(self.low[kind, model] + self.high[kind, model]) // 2)

    def _at(self, kind: int, model: int, most: int) -> tuple[Split, Split]:
        """At most so many of one cell, or more."""
        low, high = self.low[kind].copy(), self.high[kind].copy()
        low[model], high[model] = most + 1, most
        return Split(kind, self.low[kind], high), Split(kind, low, self.high[kind])


@dataclass(frozen=True, eq=False)
class Split:
    """Counts of one kind between `low` and `high`, ``(n_models,)`` each."""

    kind: int
    low: Counts
    high: Counts


@dataclass(frozen=True, eq=False)
class Priced:
    """The counts of a subtree that are worth most at given prices, were limits paid for and not kept.

    Args:
        bound: No counts of the subtree that keep the limits have a better objective: rounding included.
        size: Sum of the terms of the bound, whatever their signs: what its rounding is a share of.
        amount: Those counts.
        used: What each cell uses at the prices, ``(n_kinds, n_models)``.
        worth: Value of each cell less that, never too small.
    """

    bound: float
    size: float
    amount: Counts
    used: Floats
    worth: Floats

    @classmethod
    def at(cls, kinds: Kinds, subtree: Subtree, value: Floats, prices: Floats) -> Priced:
        """The bound at these prices (each at least 0), for any `value` of the cells."""
        open_ = subtree.high > 0
        value = np.where(open_, value, 0.0)
        used = np.tensordot(prices, kinds.uses, 1)
        parts = np.abs(value) + np.tensordot(prices, kinds.magnitudes, 1)
        worth = np.where(open_, value - used + (len(prices) + 4) * EPSILON * parts, -np.inf)
        order = np.argsort(-worth, axis=1, kind="stable")
        room = np.take_along_axis(subtree.high - subtree.low, order, axis=1)
        rest = (kinds.count - subtree.low.sum(axis=1))[:, None] - (np.cumsum(room, axis=1) - room)
        amount = subtree.low.copy()
        np.put_along_axis(
            amount,
            order,
            np.take_along_axis(amount, order, axis=1) + np.clip(rest, 0, room),
            axis=1,
        )
        chosen = amount > 0
        terms = np.concatenate([worth[chosen] * amount[chosen], prices * kinds.bounds])
        size = math.fsum(np.abs(terms))
        return cls(math.fsum(terms) + 4 * EPSILON * size, size, amount, used, worth)

    def lead(self, subtree: Subtree) -> Floats:
        """What one more of each cell would lose against the worst that it could replace; at least 0."""
        taken = np.where(self.amount > subtree.low, self.worth, np.inf).min(axis=1)
        with np.errstate(invalid="ignore"):
            lost = taken[:, None] - self.worth
        return np.where(np.isfinite(lost), np.maximum(lost, 0.0), np.inf)

    def narrowed(self, subtree: Subtree, count: Counts, value: float) -> Subtree:
        """The counts of the subtree that may still be better than `value`."""
        spare = (self.bound - value) * (1 + 1e-9) + 4 * EPSILON * self.size
        lead = self.lead(subtree)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            more = np.where(lead > 0, np.minimum(np.floor(spare / lead), count[:, None]), count[:, None])
        high = np.minimum(subtree.high, self.amount + more.astype(np.int64))
        return Subtree(subtree.low, high).tightened(count)
