"""A batch whose prompts are held by workers: what the solver asks of it, it asks of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from routoo.ray.cluster import Ray, came
from routoo.ray.shard import Seen
from routoo.ray.shipping import packed
from routoo.solver.limits import Limit
from routoo.solver.sums.constraints import Constraints
from routoo.solver.sums.passes import Answer, Work
from routoo.solver.sums.rows import Rows, Tables


@dataclass(frozen=True, eq=False)
class RayPrompts:
    """The prompts of a batch in the order of the batch, a share a worker.

    A share begins where a block of the same batch in memory would, and answers come back in the order of the
    prompts: sums have the same terms in the same order, to the last bit.

    Args:
        ray: Ray.
        workers: A process for each share.
        shares: References to what each of them holds (`Share`).
        starts: Position of the first prompt of each, and behind the last one that of the end.
        limits: The limits to keep.
        n_models: Models that may be chosen.
        seen: How the prompts are looked at.
    """

    ray: Ray
    workers: Sequence[Any]
    shares: Sequence[Any]
    starts: npt.NDArray[np.intp]
    limits: tuple[Limit, ...]
    n_models: int
    seen: Seen = field(default_factory=Seen)

    @property
    def spans(self) -> list[slice]:
        """The positions that each worker holds."""
        return [
            slice(*span) for span in zip(self.starts[:-1].tolist(), self.starts[1:].tolist(), strict=True)
        ]

    def ask(self, at: int, question: str, *given: object) -> Any:  # a reference to what it answers
        """Asks one worker for what `Held` has a method of this name for."""
        return self.workers[at].ask.remote([self.shares[at]], question, *given)

    def ask_all(self, question: str) -> list[Any]:  # what `Held` answers
        """What all workers answer, in the order of the prompts."""
        return list(came(self.ray, [self.ask(at, question) for at in range(len(self.workers))]))

    @cached_property
    def constraints(self) -> Constraints:
        """The limits."""
        return Constraints.of(self.limits, self.n_models + self.seen.spare, len(self.seen.domains or (None,)))

    def __len__(self) -> int:
        return int(self.starts[-1])

    def asking(
        self, *, limits: tuple[Limit, ...] | None = None, aim: Tables | None = None, spare: bool = False
    ) -> RayPrompts:
        """The same prompts under other limits, with another aim, or free to go unserved."""
        seen = replace(self.seen, aim=aim, spare=spare)
        return replace(self, limits=self.limits if limits is None else limits, seen=seen)

    def map(self, work: Work[Answer]) -> Iterator[Answer]:
        """`work(start, rows)` of every block of prompts, in order."""
        shipped, arrays = packed(self.ray, work, len(self))
        calls = [
            self.ask(at, "map", shipped, [array[span] for array in arrays], self.seen)
            for at, span in enumerate(self.spans)
        ]
        for call, span in zip(calls, self.spans, strict=True):
            answers, changed = came(self.ray, call)
            for at, values in changed.items():
                arrays[at][span] = values
            yield from answers

    def rows(self, at: slice | npt.NDArray[np.intp]) -> Rows:
        """These prompts, brought here."""
        wanted = np.arange(len(self))[at]
        order = np.argsort(wanted, kind="stable")
        rising = wanted[order]
        ends = np.searchsorted(rising, self.starts)
        calls = [
            self.ask(worker, "rows", rising[first:last] - self.starts[worker], self.seen)
            for worker, (first, last) in enumerate(pairwise(ends))
            if last > first or (worker == 0 and not len(rising))
        ]
        found = Rows.join(came(self.ray, calls))
        return found if (rising == wanted).all() else found.part(np.argsort(order, kind="stable"))
