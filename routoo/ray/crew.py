"""Workers that hold a batch between them, and the numbers that they keep of its prompts."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from itertools import count, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from routoo.ray.cluster import Ray, came
from routoo.ray.shipping import Array, Named


class Crew:
    """Workers, each of which holds prompts that stand together.

    What they keep of their prompts is what a list of operations made of it. The list is kept here, some
    kilobytes however many prompts there are; a worker that was started again goes through it once more.

    Args:
        ray: Ray.
        workers: A process for each share.
        shares: References to what each of them holds (`Share`).
        starts: Position of the first prompt of each, and behind the last one that of the end.
    """

    def __init__(
        self, ray: Ray, workers: Sequence[Any], shares: Sequence[Any], starts: npt.NDArray[np.intp]
    ) -> None:
        self.ray, self.workers, self.shares, self.starts = ray, workers, shares, starts
        self.operations: list[tuple[Any, ...]] = []
        self._stored: tuple[int, Any] = (0, ray.put([]))
        self._numbers = count()

    def ask(self, at: int, question: str, *given: object) -> Any:  # a reference to what it answers
        """Asks one worker for what `Held` has a method of this name for."""
        done, stored = self._stored
        if done < len(self.operations):
            done = len(self.operations)
            self._stored = done, stored = done, self.ray.put(self.operations[:done])
        return self.workers[at].ask.remote([self.shares[at], stored], done, question, *given)

    def ask_all(self, question: str, *given: object) -> list[Any]:  # what `Held` answers
        """What all workers answer, in the order of the prompts."""
        return list(came(self.ray, [self.ask(at, question, *given) for at in range(len(self.workers))]))

    def ask_holders(self, question: str, at: npt.NDArray[np.intp], *given: object) -> list[Any]:
        """What the workers answer that hold these prompts, of rising positions; one is always asked."""
        ends = np.searchsorted(at, self.starts)
        calls = [
            self.ask(worker, question, at[first:last], *given)
            for worker, (first, last) in enumerate(pairwise(ends.tolist()))
            if last > first or (worker == 0 and not len(at))
        ]
        return list(came(self.ray, calls))

    def kept(self, kind: type[np.generic]) -> RayKept:
        """A number of this kind for each prompt, 0 at first."""
        kept = RayKept(self, Named(next(self._numbers), np.dtype(kind).name))
        weakref.finalize(kept, self.operations.append, ("drop", kept.named))
        return kept


class RayKept:
    """A number for each prompt, kept by the worker that holds the prompt (`Kept`).

    Args:
        crew: The workers.
        named: What stands for it in what they are sent.
    """

    def __init__(self, crew: Crew, named: Named) -> None:
        self.crew, self.named = crew, named

    def __getitem__(self, at: slice | npt.NDArray[np.intp]) -> Array:
        if isinstance(at, slice):
            at = np.arange(*at.indices(int(self.crew.starts[-1])))
        order = np.argsort(at, kind="stable")
        found = np.concatenate(self.crew.ask_holders("numbers", at[order], self.named))
        there = np.empty_like(found)
        there[order] = found
        return there

    def __setitem__(self, at: slice | npt.NDArray[np.intp], values: Any) -> None:
        at = slice(*at.indices(int(self.crew.starts[-1]))) if isinstance(at, slice) else at
        self.crew.operations.append(("fill", self.named, at, np.asarray(values, self.named.kind)))
