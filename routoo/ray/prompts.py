"""A batch whose prompts are held by workers: what the solver asks of it, it asks of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from routoo.ray.crew import Crew, RayKept
from routoo.ray.shard import Seen
from routoo.ray.shipping import packed
from routoo.solver.limits import Limit
from routoo.solver.sums.constraints import Constraints
from routoo.solver.sums.passes import all_marked
from routoo.solver.sums.rows import Rows, Tables
from routoo.solver.sums.sources import (
    Answer,
    At,
    Branch,
    Few,
    Gathered,
    Kept,
    Marked,
    Work,
    are_few,
    positions,
    total,
)


@dataclass(frozen=True, eq=False)
class RayPrompts:
    """The prompts of a batch in the order of the batch, a share a worker.

    A share begins where a region of the same batch in memory would, and workers add up whole branches of the
    sums of blocks: sums have the same terms in the same order, to the last bit.

    Args:
        crew: The workers.
        limits: The limits to keep.
        n_models: Models that may be chosen.
        seen: How the prompts are looked at.
    """

    crew: Crew
    limits: tuple[Limit, ...]
    n_models: int
    seen: Seen = field(default_factory=Seen)

    @cached_property
    def constraints(self) -> Constraints:
        """The limits."""
        return Constraints.of(self.limits, self.n_models + self.seen.spare, len(self.seen.domains or (None,)))

    def __len__(self) -> int:
        return int(self.crew.starts[-1])

    def asking(
        self, *, limits: tuple[Limit, ...] | None = None, aim: Tables | None = None, spare: bool = False
    ) -> RayPrompts:
        """The same prompts under other limits, with another aim, or free to go unserved."""
        seen = replace(self.seen, aim=aim, spare=spare)
        return replace(self, limits=self.limits if limits is None else limits, seen=seen)

    def map(self, work: Work[Answer]) -> Iterator[Answer]:
        """`work(at, rows)` of every block of prompts, in order."""
        return chain.from_iterable(self.crew.ask_all("map", packed(self.crew.ray, work), self.seen))

    def summed(self, work: Work[Answer]) -> Answer:
        """The sum of what the work answers for all blocks."""
        return total(self.branches(work))

    def branches(self, work: Work[Answer], marks: Kept | None = None) -> Iterator[Branch[Answer]]:
        """Sums of what the work answers for neighbouring blocks, or for the marked prompts of regions."""
        run = packed(self.crew.ray, work), self.seen, marks.named if isinstance(marks, RayKept) else None
        answers: list[Any] = self.crew.ask_all("branches", *run)
        if any(filled for _, filled in answers):
            self.crew.operations.append(("branches", *run))
        return chain.from_iterable(branches for branches, _ in answers)

    def kept(self, kind: type[np.generic]) -> Kept:
        """A number of this kind for each prompt, 0 at first."""
        return self.crew.kept(kind)

    def marked(self, marks: Kept, count: int, constraints: Constraints) -> Few:
        """The prompts that are marked, by their number: brought here, or looked at where they lie."""
        if not are_few(count):
            return Marked(self, marks, count, constraints)
        at = all_marked(self, marks)
        return Gathered(self.rows(at), constraints, at)

    def rows(self, at: At) -> Rows:
        """These prompts, brought here."""
        wanted = positions(at)
        order = np.argsort(wanted, kind="stable")
        found = Rows.join(self.crew.ask_holders("rows", wanted[order], self.seen))
        if (order[1:] > order[:-1]).all():
            return found
        there = np.empty_like(order)
        there[order] = np.arange(len(order))
        return found.part(there)
