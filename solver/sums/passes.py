"""A pass: the best choice of every prompt at given prices, and its sums, block by block."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import add
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from routoo.data.cores import usable_cores
from routoo.solver.limits import Limit
from routoo.solver.problem import Problem
from routoo.solver.sums.constraints import Constraints, Totals
from routoo.solver.sums.rows import Floats, Rows, Tables
from routoo.solver.usage import BLOCK

Answer = TypeVar("Answer")
_WIDE = 16
"""Models from which on blocks have fewer prompts, so that they are no larger."""

_LEAST_BLOCK = 512

_THREADED = 8
"""Blocks from which on threads are worth their start."""

ROUNDED = 64 * float(np.finfo(np.float64).eps)
"""Share of its terms by which a block's sum of best reduced values may differ from what it is exactly.

A reduced value has a term for each quantity that is priced, and the price of each is a sum of three at
most (of all, of a model, of a domain); numpy adds pairwise, in 16 + log2(n / 128) roundings.
"""

Work = Callable[[int, Rows], Answer]


class PromptSource(Protocol):
    """Where prompts come from: memory, a file, or other machines. All that a pass needs of a batch."""

    @property
    def constraints(self) -> Constraints:
        """The limits."""
        ...

    def __len__(self) -> int:
        """Number of prompts."""
        ...

    def map(self, work: Work[Answer]) -> Iterator[Answer]:
        """`work(start, rows)` of every block of prompts in order, `start` being its first row."""
        ...


class Picked(PromptSource, Protocol):
    """Prompts of which some can be picked out: what a sample and a core need on top."""

    def rows(self, at: slice | npt.NDArray[np.intp]) -> Rows:
        """These prompts as arrays."""
        ...


class Batch(Picked, Protocol):
    """A whole batch, of which other questions can be asked than its problem does."""

    def asking(
        self, *, limits: tuple[Limit, ...] | None = None, aim: Tables | None = None, spare: bool = False
    ) -> Batch:
        """The same prompts under other limits, with another aim, or free to go unserved."""
        ...


@dataclass(frozen=True, eq=False)
class InMemory:
    """The prompts of a problem, read in blocks by a few threads (numpy lets go of the lock).

    Args:
        problem: Where the arrays are.
        threads: How many threads read; the cores at hand, when None.
        limits: The limits to keep; all those of the problem, when None.
        aim: What is to be least instead of what the problem says, as prices of quantities.
        spare: Whether a prompt may be left to no model: one more column, the last.
    """

    problem: Problem
    threads: int | None = None
    limits: tuple[Limit, ...] | None = None
    aim: Tables | None = None
    spare: bool = False

    @cached_property
    def constraints(self) -> Constraints:
        """The limits of the problem."""
        problem = self.problem
        limits = problem.limits if self.limits is None else self.limits
        domains = len(problem.domain_names) if problem.domain_limits else 1
        return Constraints.of(limits, len(problem.scores.models) + self.spare, domains)

    def __len__(self) -> int:
        return len(self.problem)

    def rows(self, at: slice | npt.NDArray[np.intp]) -> Rows:
        """These prompts as arrays: views for a slice, copies for positions."""
        rows = self.problem.rows(at)
        if self.spare:
            rows = rows.spared()
        return rows if self.aim is None else replace(rows, aim=self.aim)

    def asking(
        self, *, limits: tuple[Limit, ...] | None = None, aim: Tables | None = None, spare: bool = False
    ) -> InMemory:
        """The same prompts under other limits, with another aim, or free to go unserved."""
        return replace(self, limits=self.limits if limits is None else limits, aim=aim, spare=spare)

    def map(self, work: Work[Answer]) -> Iterator[Answer]:
        """`work(start, rows)` of every block of prompts, in order."""

        def block(start: int) -> Answer:
            return work(start, self.rows(slice(start, start + size)))

        size = block_size(len(self.problem.scores.models))
        starts = range(0, len(self), size)
        threads = self.threads or usable_cores()
        if threads < 2 or len(starts) < _THREADED:
            yield from map(block, starts)
            return
        with ThreadPoolExecutor(threads - 1) as pool:
            others = pool.map(block, [start for at, start in enumerate(starts) if at % threads])
            for at, start in enumerate(starts):
                yield next(others) if at % threads else block(start)


@dataclass(frozen=True, eq=False)
class Gathered:
    """A few prompts picked out of a batch, with the limits that are left for them."""

    gathered: Rows
    constraints: Constraints

    def __len__(self) -> int:
        return len(self.gathered)

    def rows(self, at: slice | npt.NDArray[np.intp]) -> Rows:
        """These prompts as arrays."""
        return self.gathered.part(at)

    def map(self, work: Work[Answer]) -> Iterator[Answer]:
        """`work(start, rows)` of every block of prompts, in order."""
        size = block_size(self.constraints.n_models)
        for start in range(0, max(len(self), 1), size):
            yield work(start, self.rows(slice(start, start + size)))


@dataclass(frozen=True, eq=False)
class Pass:
    """What a pass over all prompts found.

    Args:
        bound: No assignment within the limits has a better objective (Lagrangian relaxation): proved, with
            the rounding of every sum counted in.
        gained: Objective of the choices, which need not keep the limits.
        uses: What the choices use of each limit, ``(n_limits,)``, with the sign of `Constraints.bounds`.
        error: How much of the bound its rounding may be.
    """

    bound: float
    gained: float
    uses: Floats
    error: float = 0.0


def price_pass(prompts: PromptSource, prices: Floats, *, keep: npt.NDArray[np.int32] | None = None) -> Pass:
    """The best choice of every prompt at these prices, in sums; the choices themselves go into `keep`."""
    constraints, tables = prompts.constraints, prompts.constraints.tables(prices)

    def work(start: int, rows: Rows) -> tuple[Totals, float]:
        choice, value = rows.best(tables)
        if keep is not None:
            keep[start : start + len(rows)] = choice
        size = float(np.abs(value).sum()) + 2 * rows.most_gained(tables)
        return constraints.totals(rows, choice, float(value.sum())), size

    blocks, sizes = zip(*prompts.map(work), strict=True)
    totals, priced = reduce(add, blocks), (prices * constraints.most).tolist()
    error = ROUNDED * (math.fsum(sizes) + math.fsum(map(abs, priced)))
    bound = math.fsum([*(block.reduced for block in blocks), *priced]) + error
    return Pass(bound, totals.gained, constraints.uses(totals), error)


def choice_totals(prompts: PromptSource, choice: npt.NDArray[np.int32]) -> Pass:
    """What given choices gain and use; `bound` is their objective."""
    constraints = prompts.constraints

    def work(start: int, rows: Rows) -> Totals:
        return constraints.totals(rows, choice[start : start + len(rows)].astype(np.intp))

    totals = reduce(add, prompts.map(work))
    return Pass(totals.gained, totals.gained, constraints.uses(totals))


def block_size(n_models: int) -> int:
    """Prompts that are read at a time: fewer of many models, so that what is computed stays in the cache."""
    return max(BLOCK * _WIDE // max(n_models, _WIDE), _LEAST_BLOCK)
