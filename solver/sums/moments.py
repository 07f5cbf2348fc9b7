"""Sums of soft choices and of their products by limit: how uses bend when prices change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt

from routoo.solver.limits import Limit, Quantity
from routoo.solver.sums.rows import Floats, Rows

Index = npt.NDArray[np.intp]

_ALONE = 4 * 65536
"""Products of three sides up to which OpenBLAS multiplies on one thread."""

_TILE = 64

_DECIDED = 1e-6
"""Share of a prompt below which what its other choices add to a covariance is left out."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over some prompts, by domain and in all (the last row); those of two shards add up.

    Products are summed over prompts that waver: one that has decided adds the same to both terms of a
    covariance.

    Args:
        mean: What soft choices use by domain and part, ``(n_domains + 1, n_parts)``.
        second: Products of two quantities by pair, domain and model, the last of each being the sum,
            ``(n_pairs, n_domains + 1, n_models + 1)``.
        gram: Products of what a prompt uses of two parts, ``(n_parts, n_parts)``; the upper triangle counts.
        own: The same by domain, the second part being one that a limit of a domain counts,
            ``(n_domains, n_parts, n_own)``.
    """

    mean: Floats
    second: Floats
    gram: Floats
    own: Floats

    def __add__(self, other: Moments) -> Moments:
        return Moments(
            self.mean + other.mean,
            self.second + other.second,
            self.gram + other.gram,
            self.own + other.own,
        )


@dataclass(frozen=True, eq=False)
class MomentPlan:
    """Which sums the limits ask for: one for each quantity and model that some limit counts.

    Limits of many domains count the same parts of different prompts, so that a prompt has few parts, and a
    pass costs what those take, not what all limits would.
    """

    limits: Sequence[Limit]
    n_models: int
    n_domains: int

    @cached_property
    def _parts(self) -> list[tuple[Quantity, int | None]]:
        return list(dict.fromkeys((limit.quantity, limit.only.column) for limit in self.limits))

    @cached_property
    def _own(self) -> list[int]:
        """Parts that a limit of a domain counts."""
        parts = [
            (limit.quantity, limit.only.column) for limit in self.limits if limit.only.domain is not None
        ]
        return [self._parts.index(part) for part in dict.fromkeys(parts)]

    @cached_property
    def _quantities(self) -> list[Quantity]:
        return list(dict.fromkeys(limit.quantity for limit in self.limits))

    @cached_property
    def _pairs(self) -> list[tuple[Quantity, Quantity]]:
        return list(combinations_with_replacement(self._quantities, 2))

    def of(self, rows: Rows, share: Floats) -> Moments:
        """The sums over these prompts.

        Args:
            rows: The prompts.
            share: Weight of each choice, ``(r, n_models)``; rows add up to 1.
        """
        domain = rows.domain if self._own else None
        by_domain = _ByDomain.of(domain, self.n_domains)
        amounts = {name: rows.quantity(name) for name in self._quantities if name != "requests"}
        shared = {name: share * amounts[name] if name in amounts else share for name in self._quantities}
        use = np.empty((len(rows), len(self._parts)))
        for at, (name, column) in enumerate(self._parts):
            use[:, at] = np.einsum("ij->i", shared[name]) if column is None else shared[name][:, column]
        mean = by_domain.sums(use)
        open_ = np.flatnonzero(share.max(axis=1) < 1 - _DECIDED)
        if len(open_) < len(rows):
            amounts = {name: of[open_] for name, of in amounts.items()}
            shared = {name: of[open_] for name, of in shared.items()}
            use, domain = use[open_], None if domain is None else domain[open_]
            by_domain = _ByDomain.of(domain, self.n_domains)
        second = [
            by_domain.sums(shared[one] if other == "requests" else shared[one] * amounts[other])
            for one, other in ((b, a) if a == "requests" else (a, b) for a, b in self._pairs)
        ]
        own = [by_domain.sums(use * use[:, [at]])[:-1] for at in self._own]
        none = np.zeros((self.n_domains, len(self._parts), 0))
        return Moments(
            mean,
            np.stack([np.append(table, table.sum(axis=1, keepdims=True), axis=1) for table in second]),
            _gram(use),
            np.stack(own, axis=2) if own else none,
        )

    @cached_property
    def _sign(self) -> Floats:
        return np.array([limit.sign for limit in self.limits])

    @cached_property
    def _part(self) -> Index:
        parts = {part: at for at, part in enumerate(self._parts)}
        return np.array([parts[limit.quantity, limit.only.column] for limit in self.limits], np.intp)

    @cached_property
    def _domain(self) -> Index:
        """Domain of each limit; the last row where it counts all."""
        return np.array([_or(limit.only.domain, self.n_domains) for limit in self.limits], np.intp)

    @cached_property
    def _meet(self) -> tuple[Index, Index, Index, npt.NDArray[np.bool_]]:
        """Pair, domain and model that two limits both count, and whether any, ``(n_limits, n_limits)``."""
        model = np.array([_or(limit.only.column, self.n_models) for limit in self.limits], np.intp)
        quantity = np.array([self._quantities.index(limit.quantity) for limit in self.limits], np.intp)
        pairs = np.empty((len(self._quantities),) * 2, np.intp)
        for at, (one, other) in enumerate(self._pairs):
            i, j = self._quantities.index(one), self._quantities.index(other)
            pairs[i, j] = pairs[j, i] = at
        domain, both = _meet(self._domain, self.n_domains)
        column, same = _meet(model, self.n_models)
        return pairs[quantity[:, None], quantity], domain, column, both & same

    def uses(self, moments: Moments) -> Floats:
        """What soft choices use of each limit, with the sign of the bounds, ``(n_limits,)``."""
        return np.asarray(self._sign * moments.mean[self._domain, self._part], np.float64)

    def covariance(self, moments: Moments) -> Floats:
        """Sum over prompts of the covariances of use, ``(n_limits, n_limits)``."""
        pair, domain, column, met = self._meet
        covariance = np.where(met, moments.second[pair, domain, column], 0.0)
        every = domain == self.n_domains
        gram = np.triu(moments.gram) + np.triu(moments.gram, 1).T
        covariance -= np.where(every, gram[self._part[:, None], self._part], 0.0)
        if self._own:
            inside, one, other = self._inside
            covariance[inside] -= moments.own[domain[inside], one[inside], other[inside]]
        return np.asarray(self._sign[:, None] * self._sign * covariance, np.float64)

    @cached_property
    def _inside(self) -> tuple[npt.NDArray[np.bool_], Index, Index]:
        """Where two limits meet in one domain, and the parts that they count there, one of them its own."""
        domain, same = _meet(self._domain, self.n_domains)
        position = np.zeros(len(self._parts), np.intp)
        position[self._own] = np.arange(len(self._own))
        own = np.broadcast_to(self._domain < self.n_domains, domain.shape)
        part = np.broadcast_to(self._part, domain.shape)
        return (
            same & (domain < self.n_domains),
            np.where(own, part.T, part),
            position[np.where(own, part, part.T)],
        )


@dataclass(frozen=True, eq=False)
class _ByDomain:
    """Prompts in the order of their domains, so that sums by domain are sums of neighbours."""

    n_domains: int
    order: Index | None
    starts: Index
    found: Index

    @classmethod
    def of(cls, domain: Index | None, n_domains: int) -> _ByDomain:
        if domain is None:
            return cls(n_domains, None, np.zeros(0, np.intp), np.zeros(0, np.intp))
        order = np.argsort(domain, kind="stable")
        found, starts = np.unique(domain[order], return_index=True)
        return cls(n_domains, order, starts, found)

    def sums(self, values: Floats) -> Floats:
        """Column sums by domain, and in all as the last row, ``(n_domains + 1, n_columns)``."""
        sums = np.zeros((self.n_domains + 1, values.shape[1]))
        if self.order is None:
            sums[-1] = np.einsum("ij->j", values)
        elif len(self.starts):
            sums[self.found] = np.add.reduceat(values[self.order], self.starts, axis=0)
            sums[-1] = sums[:-1].sum(axis=0)
        return sums


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _meet(of: Index, every: int) -> tuple[Index, npt.NDArray[np.bool_]]:
    """What two limits both count, `every` being all, and whether anything, ``(n_limits, n_limits)``."""
    return np.minimum(of[:, None], of), (of[:, None] == of) | (of[:, None] == every) | (of == every)


def _gram(use: Floats) -> Floats:
    """``use.T @ use`` from its tiles on the diagonal up, each so small that BLAS starts no threads."""
    n = use.shape[1]
    tiles = [slice(start, start + _TILE) for start in range(0, n, _TILE)]
    size = _ALONE // min(n, _TILE) ** 2
    found = np.zeros((n, n))
    for start in range(0, len(use), size):
        part = use[start : start + size]
        for right in tiles:
            columns = part[:, right].copy()  # an array by itself has another product, with threads
            for left in tiles[: right.stop // _TILE]:
                found[left, right] += part[:, left].T @ columns
    return found
