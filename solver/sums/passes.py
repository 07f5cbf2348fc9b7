"""A pass: the best choice of every prompt at given prices, and its sums, block by block."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import add

import numpy as np
import numpy.typing as npt

from routoo.data.cores import usable_cores
from routoo.solver.limits import Limit
from routoo.solver.problem import Problem
from routoo.solver.sums.constraints import Constraints, Totals
from routoo.solver.sums.rows import Floats, Rows, Tables
from routoo.solver.sums.sources import (
    Answer,
    At,
    Branch,
    Few,
    Gathered,
    Kept,
    Marked,
    PromptSource,
    Work,
    are_few,
    block_size,
    positions,
    region_size,
    total,
)

ROUNDED = 64 * float(np.finfo(np.float64).eps)
"""Share of its terms by which a block's sum of best reduced values may differ from what it is exactly.

A reduced value has a term for each quantity that is priced, and the price of each is a sum of three at
most (of all, of a model, of a domain); numpy adds a block pairwise, in 21 roundings, and so are blocks added,
in 18 for a billion prompts.
"""

_THREADED = 8
"""Blocks from which on threads are worth their start."""

_MOST_COPIED = 1 / 16
"""Share of a batch in memory that is copied, so that many passes over it need not look for it."""


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

    def rows(self, at: At) -> Rows:
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

    def kept(self, kind: type[np.generic]) -> Kept:
        """A number of this kind for each prompt, 0 at first."""
        return np.zeros(len(self), kind)

    def map(self, work: Work[Answer]) -> Iterator[Answer]:
        """`work(at, rows)` of every block of prompts, in order."""
        n, size = len(self), self._size

        def block(start: int) -> Answer:
            at = slice(start, min(start + size, n))
            return work(at, self.rows(at))

        return self._each(range(0, n, size), block)

    def summed(self, work: Work[Answer]) -> Answer:
        """The sum of what the work answers for all blocks."""
        return total(Branch(0, at, answer) for at, answer in enumerate(self.map(work)))

    def marked(self, marks: Kept, count: int, constraints: Constraints) -> Few:
        """The prompts that are marked, by their number: copies, unless these would be many."""
        if count > _MOST_COPIED * len(self) and not are_few(count):
            return Marked(self, marks, count, constraints)
        regions = [self._region(marks, start) for start in self._regions]
        ends = () if are_few(count) else np.cumsum([len(region) for region in regions]).tolist()
        at = np.concatenate(regions)
        return Gathered(self.rows(at), constraints, at, tuple(ends))

    def branches(self, work: Work[Answer], marks: Kept, *, first: int = 0) -> Iterator[Branch[Answer]]:
        """What the work answers for the prompts that are marked, region by region.

        Args:
            work: The work.
            marks: Which prompts are.
            first: Number of the first region in the batch that these prompts are a part of.
        """
        size = block_size(len(self.problem.scores.models) + self.spare)

        def region(start: int) -> Answer:
            at = self._region(marks, start)
            parts = (at[first : first + size] for first in range(0, max(len(at), 1), size))
            return reduce(add, (work(part, self.rows(part)) for part in parts))

        answers = self._each(self._regions, region)
        return (Branch(0, at, answer) for at, answer in enumerate(answers, first))

    @property
    def _regions(self) -> range:
        return range(0, len(self), region_size(len(self.problem.scores.models)))

    def _region(self, marks: Kept, start: int) -> npt.NDArray[np.intp]:
        """Positions of the prompts of a region that are marked."""
        return start + np.flatnonzero(marks[slice(start, min(start + self._regions.step, len(self)))])

    @property
    def _size(self) -> int:
        return block_size(len(self.problem.scores.models))

    def _each(self, starts: range, run: Callable[[int], Answer]) -> Iterator[Answer]:
        """What is run for every start, in order, by a few threads where there are many."""
        threads = self.threads or usable_cores()
        if threads < 2 or len(starts) < _THREADED:
            yield from map(run, starts)
            return
        with ThreadPoolExecutor(threads - 1) as pool:
            others = pool.map(run, [start for at, start in enumerate(starts) if at % threads])
            for at, start in enumerate(starts):
                yield next(others) if at % threads else run(start)


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


def price_pass(prompts: PromptSource, prices: Floats, *, keep: Kept | None = None) -> Pass:
    """The best choice of every prompt at these prices, in sums; the choices themselves go into `keep`."""
    constraints, tables = prompts.constraints, prompts.constraints.tables(prices)

    def work(at: At, rows: Rows) -> Totals:
        choice, value = rows.best(tables)
        if keep is not None:
            keep[at] = choice
        size = float(np.abs(value).sum()) + 2 * rows.most_gained(tables)
        return constraints.totals(rows, choice, float(value.sum()), size)

    totals, priced = prompts.summed(work), (prices * constraints.most).tolist()
    error = ROUNDED * (totals.size + math.fsum(map(abs, priced)))
    bound = math.fsum([totals.reduced, *priced]) + error
    return Pass(bound, totals.gained, constraints.uses(totals), error)


def choice_totals(prompts: PromptSource, choice: Kept) -> Pass:
    """What given choices gain and use; `bound` is their objective."""
    constraints = prompts.constraints

    def work(at: At, rows: Rows) -> Totals:
        return constraints.totals(rows, choice[at].astype(np.intp))

    totals = prompts.summed(work)
    return Pass(totals.gained, totals.gained, constraints.uses(totals))


def all_marked(prompts: PromptSource, marks: Kept) -> npt.NDArray[np.intp]:
    """The positions of the few prompts that are marked, in order."""

    def work(at: At, rows: Rows) -> list[npt.NDArray[np.intp]]:
        own = positions(at)[marks[at]]
        return [own] if len(own) else []

    return np.concatenate([np.zeros(0, np.intp), *prompts.summed(work)])
