"""Where the prompts of a batch lie, and how they are read there: what every pass is written against."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import chain, pairwise
from operator import add
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from routoo.solver.limits import Limit
from routoo.solver.sums.constraints import Constraints
from routoo.solver.sums.rows import Rows, Tables
from routoo.solver.usage import BLOCK

Answer = TypeVar("Answer")

_WIDE = 16
"""Models from which on blocks have fewer prompts, so that they are no larger."""

_LEAST_BLOCK = 512

_FEW = 32768
"""Prompts that may be brought to where the search runs."""

_REGION = 16
"""Blocks whose marked prompts are read together: they fill a block where a sixteenth is marked."""

At = slice | npt.NDArray[np.intp]
"""Positions of some prompts in their batch: a slice from one to another, or one by one."""

Work = Callable[[At, Rows], Answer]


@dataclass(frozen=True, eq=False)
class Branch(Generic[Answer]):
    """A sum over ``2 ** level`` neighbouring blocks, of which the first is number ``at * 2 ** level``.

    Neighbours are added, then sums of two neighbours, and so on: a binary tree over the blocks' numbers.
    A worker that holds some blocks in a row adds up the whole branches that it has, few however many blocks,
    and others add these up: the same additions of the same terms, whose rounding tells of no workers.
    """

    level: int
    at: int
    value: Answer


def branches(sums: Iterable[Branch[Answer]]) -> list[Branch[Answer]]:
    """As few branches as sums of neighbours in a row make.

    >>> found = branches(Branch(0, at, 1) for at in range(3, 9))
    >>> [(branch.level, branch.at, branch.value) for branch in found]
    [(0, 3, 1), (2, 1, 4), (0, 8, 1)]
    """
    found = list[Branch[Answer]]()
    for branch in sums:
        last = branch
        while found and found[-1].level == last.level and last.at % 2:
            last = Branch(last.level + 1, last.at // 2, add(found.pop().value, last.value))
        found.append(last)
    return found


def total(sums: Iterable[Branch[Answer]]) -> Answer:
    """The sum over all blocks, the first being number 0."""
    return reduce(lambda right, left: add(left, right), [branch.value for branch in reversed(branches(sums))])


class Kept(Protocol):
    """A number for each prompt of a batch, which lies where the prompts lie; an array, where that is memory.

    Work reads and fills the numbers of the prompts that it is given. Elsewhere a few may be read or set.
    """

    def __getitem__(self, at: At, /) -> npt.NDArray[Any]:
        """The numbers of these prompts."""
        ...

    def __setitem__(self, at: At, values: Any, /) -> None:
        """Sets them."""
        ...


class PromptSource(Protocol):
    """Where prompts come from: memory, a file, or other machines. All that a pass needs of a batch."""

    @property
    def constraints(self) -> Constraints:
        """The limits."""
        ...

    def __len__(self) -> int:
        """Number of prompts."""
        ...

    def summed(self, work: Work[Answer]) -> Answer:
        """The sum of `work(at, rows)` over all blocks; it may also fill what is kept of their prompts."""
        ...


class Listed(PromptSource, Protocol):
    """Prompts of which blocks can be looked at one after the other."""

    def map(self, work: Work[Answer]) -> Iterator[Answer]:
        """`work(at, rows)` of every block of prompts in order, which may read what is kept of them."""
        ...

    def kept(self, kind: type[np.generic]) -> Kept:
        """A number of this kind for each prompt, 0 at first."""
        ...


class Picked(Listed, Protocol):
    """Prompts of which some can be picked out: what a sample and a core need on top."""

    def rows(self, at: At) -> Rows:
        """These prompts as arrays."""
        ...

    def marked(self, marks: Kept, count: int, constraints: Constraints) -> Few:
        """The prompts that are marked, by their number, under these limits."""
        ...


class Regions(Protocol):
    """Where marked prompts lie."""

    def branches(self, work: Work[Answer], marks: Kept) -> Iterable[Branch[Answer]]:
        """What the work answers for the marked prompts of neighbouring regions."""
        ...


class Batch(Picked, Protocol):
    """A whole batch, of which other questions can be asked than its problem does."""

    def asking(
        self, *, limits: tuple[Limit, ...] | None = None, aim: Tables | None = None, spare: bool = False
    ) -> Batch:
        """The same prompts under other limits, with another aim, or free to go unserved."""
        ...


@dataclass(frozen=True, eq=False)
class Gathered:
    """A few prompts picked out of a batch, with the limits that are left for them.

    Args:
        gathered: The prompts.
        constraints: The limits.
        at: Their positions in the batch, where work is to know these; else it is given their rows here.
        ends: Behind which of them a region of the batch ends, where they come from several.
    """

    gathered: Rows
    constraints: Constraints
    at: npt.NDArray[np.intp] | None = None
    ends: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.gathered)

    @property
    def places(self) -> npt.NDArray[np.intp]:
        """Where these prompts stand in their batch."""
        return np.arange(len(self)) if self.at is None else self.at

    def rows(self, at: At) -> Rows:
        """These prompts as arrays."""
        return self.gathered.part(at)

    def kept(self, kind: type[np.generic]) -> Kept:
        """A number of this kind for each prompt, 0 at first."""
        return np.zeros(len(self), kind)

    def map(self, work: Work[Answer]) -> Iterator[Answer]:
        """`work(at, rows)` of every block of prompts, in order."""
        return chain.from_iterable(self._regions(work))

    def summed(self, work: Work[Answer]) -> Answer:
        """The sum of what the work answers for all blocks."""
        return total(Branch(0, at, reduce(add, own)) for at, own in enumerate(self._regions(work)))

    def marked(self, marks: Kept, count: int, constraints: Constraints) -> Few:
        """The prompts that are marked, by their number: copies."""
        at = np.flatnonzero(marks[: len(self)])
        return Gathered(self.rows(at), constraints, at)

    def _regions(self, work: Work[Answer]) -> Iterator[Iterator[Answer]]:
        size = block_size(self.constraints.n_models)
        for first, end in pairwise((0, *(self.ends or (len(self),)))):
            own = [slice(at, min(at + size, end)) for at in range(first, max(end, first + 1), size)]
            yield (work(rows if self.at is None else self.at[rows], self.rows(rows)) for rows in own)


@dataclass(frozen=True, eq=False)
class Marked:
    """Prompts of a batch that are marked, too many to copy or to move: passes read them where they lie.

    Args:
        prompts: The batch.
        marks: Which of its prompts.
        count: How many.
        constraints: The limits, with what is left for them.
    """

    prompts: Regions
    marks: Kept
    count: int
    constraints: Constraints

    def __len__(self) -> int:
        return self.count

    def summed(self, work: Work[Answer]) -> Answer:
        """The sum of what the work answers for the marked prompts of all blocks."""
        return total(self.prompts.branches(work, self.marks))


Few = Gathered | Marked
"""Some prompts of a batch under what the others leave of its limits."""


def block_size(n_models: int) -> int:
    """Prompts that are read at a time: fewer of many models, so that what is computed stays in the cache."""
    return max(BLOCK * _WIDE // max(n_models, _WIDE), _LEAST_BLOCK)


def are_few(count: int) -> bool:
    """Whether so many prompts may be brought to where the search runs; more are searched where they lie."""
    return count <= _FEW


def region_size(n_models: int) -> int:
    """Positions of a batch whose marked prompts are read together."""
    return _REGION * block_size(n_models)


def start_of(at: At) -> int:
    """The first position of these prompts."""
    if isinstance(at, slice):
        return int(at.start)
    return int(at[0]) if len(at) else 0


def positions(at: At) -> npt.NDArray[np.intp]:
    """The positions of these prompts, one by one."""
    return np.arange(at.start, at.stop) if isinstance(at, slice) else at
