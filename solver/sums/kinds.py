"""Prompts that are alike in everything that counts, as one kind with a number."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from routoo.solver.sums.constraints import Constraints
from routoo.solver.sums.rows import Choice, Floats, Rows
from routoo.solver.sums.sources import At, Kept, Listed, Picked, start_of

MOST_KINDS = 192
"""Kinds of prompts up to which a batch is searched to the end, however many prompts it has."""

_LOOK = 1024
"""Prompts of a large batch that are looked at before all are sorted into kinds."""

Counts = npt.NDArray[np.int64]
"""How many prompts of each kind each model gets, ``(n_kinds, n_models)``."""


@dataclass(frozen=True, eq=False)
class Kinds:
    """The kinds of prompts of a batch, and what each choice for one prompt of a kind gains and uses.

    Args:
        rows: A prompt of each kind.
        constraints: The limits.
        count: Prompts of each kind, ``(n_kinds,)``.
        prompts: The batch.
        kind: Kind of each prompt.
    """

    rows: Rows
    constraints: Constraints
    count: npt.NDArray[np.int64]
    prompts: Listed
    kind: Kept

    @property
    def value(self) -> Floats:
        """Objective of each choice, ``(n_kinds, n_models)``; minus infinity where it is closed."""
        return self.rows.objective

    @cached_property
    def bounds(self) -> Floats:
        """The most that each limit may come to, ``(n_limits,)``."""
        return self.constraints.most

    @cached_property
    def uses(self) -> Floats:
        """Use of each limit, ``(n_limits, n_kinds, n_models)``, with the sign of the bounds."""
        row, column = (index.ravel() for index in np.indices(self.value.shape))
        uses = [self.used(at, row, column) for at in range(len(self.bounds))]
        return np.reshape(np.array(uses, np.float64), (-1, *self.value.shape))

    @cached_property
    def magnitudes(self) -> Floats:
        """The same without signs."""
        return np.abs(self.uses)

    def used(self, at: int, row: Choice, column: Choice) -> Floats:
        """What single choices use of one limit, ``(n_cells,)``."""
        return self.constraints.used(at, self.rows, row, column)

    @classmethod
    def of(cls, prompts: Picked) -> Kinds | None:
        """The kinds of these prompts; None where there are too many."""
        n, constraints = len(prompts), prompts.constraints
        if n > _LOOK and _numbered(constraints, prompts.rows(np.arange(_LOOK) * n // _LOOK)) is None:
            return None
        first = prompts.summed(lambda at, rows: _First.of(constraints, rows)).rows
        if first is None:
            return None
        kind = prompts.kept(np.int16)

        def number(at: At, rows: Rows) -> npt.NDArray[np.int64]:
            found = _numbered(constraints, Rows.join([first, rows]))
            kind[at] = found[1][len(first) :] if found is not None else -1
            return np.bincount(kind[at], minlength=len(first))

        return cls(first, constraints, prompts.summed(number), prompts, kind)

    @classmethod
    def each(cls, prompts: Picked) -> Kinds:
        """Every one of these prompts as a kind of its own."""
        n = len(prompts)
        rows = prompts.rows(slice(0, n))
        return cls(rows, prompts.constraints, np.ones(n, np.int64), prompts, np.arange(n))

    def choice(self, counts: Counts) -> Kept:
        """A model for every prompt: those of a kind are shared out in their order."""
        until, kind = counts.cumsum(axis=1), self.kind
        block, rank = np.full((2, *until.shape), np.iinfo(np.int64).max)  # where each model has had its share
        given = np.zeros(len(counts), np.int64)
        for start, number in self.prompts.map(
            lambda at, rows: (start_of(at), np.bincount(kind[at], minlength=len(counts)))
        ):
            reached = (given[:, None] <= until) & (until < (given + number)[:, None])
            block[reached], rank[reached] = start, (until - given[:, None])[reached]
            given += number
        choice = self.prompts.kept(np.int32)

        def share_out(at: At, rows: Rows) -> int:
            own, start = kind[at], start_of(at)
            order = np.argsort(own, kind="stable")
            number = np.bincount(own, minlength=len(counts))
            place = np.empty(len(own), np.int64)
            place[order] = np.arange(len(own)) - (number.cumsum() - number)[own[order]]
            past = (block[own] < start) | ((block[own] == start) & (rank[own] <= place[:, None]))
            choice[at] = past.sum(axis=1)
            return 0

        self.prompts.summed(share_out)
        return choice

    def counts(self, choice: Kept) -> Counts:
        """How many prompts of each kind these choices give to each model."""
        kind, shape = self.kind, self.value.shape

        def count(at: At, rows: Rows) -> Counts:
            cell = kind[at].astype(np.int64) * shape[1] + choice[at]
            return np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)

        return self.prompts.summed(count)


@dataclass(frozen=True, eq=False)
class _First:
    """A prompt of each kind of some blocks; None where there are too many kinds."""

    constraints: Constraints
    rows: Rows | None

    @classmethod
    def of(cls, constraints: Constraints, rows: Rows) -> _First:
        found = _numbered(constraints, rows)
        return cls(constraints, None if found is None else found[0])

    def __add__(self, other: _First) -> _First:
        if self.rows is None or other.rows is None:
            return replace(self, rows=None)
        return self.of(self.constraints, Rows.join([self.rows, other.rows]))


def _numbered(constraints: Constraints, rows: Rows) -> tuple[Rows, npt.NDArray[np.int16]] | None:
    """The first prompt of each kind, and the kind of each prompt; None where there are too many kinds."""
    parts, odd = _numbers(constraints, rows), np.random.default_rng(0)
    mixed = np.zeros(len(rows), np.uint64)
    for part in parts:
        mixed += part @ (odd.integers(0, 2**63, part.shape[1], np.uint64) | np.uint64(1))
    _, first, kind = np.unique(mixed, return_index=True, return_inverse=True)
    if len(first) > MOST_KINDS or not all((part[first][kind] == part).all() for part in parts):
        return None
    return rows.part(first), kind.astype(np.int16)


def _numbers(constraints: Constraints, rows: Rows) -> list[npt.NDArray[np.uint32]]:
    """Everything about prompts that counts, bit by bit, ``(r, n_numbers)`` each."""
    parts: list[npt.NDArray[np.generic]] = [rows.objective]
    parts += [rows.quantity(name) for name in constraints.quantities if name != "requests"]
    if rows.domain is not None:
        parts.append(rows.domain[:, None])
    return [np.ascontiguousarray(part).view(np.uint32) for part in parts]
