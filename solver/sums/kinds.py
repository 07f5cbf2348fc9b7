"""Prompts that are alike in everything that counts, as one kind with a number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from routoo.solver.sums.constraints import Constraints
from routoo.solver.sums.passes import Picked
from routoo.solver.sums.rows import Choice, Floats, Rows
from routoo.solver.usage import BLOCK

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
        kind: Kind of each prompt, ``(n_prompts,)``.
    """

    rows: Rows
    constraints: Constraints
    count: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int16]

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
        parts = list(prompts.map(lambda start, rows: _numbered(constraints, rows)))
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        firsts = Rows.join([rows for rows, _ in known])
        whole = _numbered(constraints, firsts)
        if whole is None:
            return None
        rows, again = whole
        ends = np.cumsum([len(part) for part, _ in known])
        kind = np.concatenate(
            [again[end - len(part) : end][own] for end, (part, own) in zip(ends, known, strict=True)]
        )
        return cls(rows, prompts.constraints, np.bincount(kind, minlength=len(rows)).astype(np.int64), kind)

    @classmethod
    def each(cls, prompts: Picked) -> Kinds:
        """Every one of these prompts as a kind of its own."""
        rows = prompts.rows(slice(None))
        return cls(
            rows, prompts.constraints, np.ones(len(rows), np.int64), np.arange(len(rows), dtype=np.int16)
        )

    def choice(self, counts: Counts) -> npt.NDArray[np.int32]:
        """A model for every prompt: those of a kind are shared out in their order, ``(n_prompts,)``."""
        until, given = counts.cumsum(axis=1), np.zeros(len(counts), np.int64)
        choice = np.empty(len(self.kind), np.int32)
        for start in range(0, len(choice), BLOCK):
            kind = self.kind[start : start + BLOCK]
            order = np.argsort(kind, kind="stable")
            number = np.bincount(kind, minlength=len(counts))
            rank = np.empty(len(kind), np.int64)
            rank[order] = np.arange(len(kind)) + (given - number.cumsum() + number)[kind[order]]
            choice[start : start + BLOCK] = (until[kind] <= rank[:, None]).sum(axis=1)
            given += number
        return choice

    def counts(self, choice: npt.NDArray[np.int32]) -> Counts:
        """How many prompts of each kind these choices give to each model."""
        cell = self.kind.astype(np.int64) * self.value.shape[1] + choice
        return np.bincount(cell, minlength=self.value.size).reshape(self.value.shape)


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
