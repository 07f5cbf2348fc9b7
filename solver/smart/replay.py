"""A method played over batches of which every agreement is known: what it spends, what it misses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from routoo.data.errors import InputError
from routoo.solver.bounds.failures import Counts
from routoo.solver.bounds.special import Array
from routoo.solver.smart.terms import Terms

Flags = npt.NDArray[np.bool_]


class Method(Protocol):
    """Looks at counts of failures in many runs at once, and says when to stop and who answers the rest."""

    terms: Terms

    @property
    def asked(self) -> Flags:
        """Which candidates are asked beside the reference, ``(n_runs, n_candidates)``."""
        ...

    def looks(self) -> Iterable[int]:
        """After how many items it looks, in rising order, the last before the batch ends."""
        ...

    def look(self, seen: int, failed: Counts, runs: Counts) -> Flags:
        """Which of `runs` stop after `seen` items, of which `failed` ``(n, n_candidates)`` differed."""
        ...

    def blocks(self, runs: Counts) -> Counts:
        """How many of the items left each candidate answers, then the reference, a row a run."""
        ...


@dataclass(frozen=True, eq=False)
class Replayed:
    """What came of each run, ``(n_runs,)`` but for the blocks.

    Args:
        seen: Items that the reference and candidates were both asked.
        blocks: Of the items left, how many each candidate, then the reference answered.
        cost: What all calls cost.
        deviation: The share of the batch whose answers differ from the reference's.
        factor: How many times what was spent the reference alone costs.
    """

    seen: Counts
    blocks: Counts
    cost: Array
    deviation: Array
    factor: Array


def replay(method: Method, failed: Flags) -> Replayed:
    """What a method comes to in batches whose items stand in random order.

    Items that were asked while profiling keep the reference's answer; blocks of candidates follow them in
    order.

    Args:
        method: Made for as many runs as there are here.
        failed: Whether each candidate's answer differs from the reference's,
            ``(n_runs, n_items, n_candidates)``.

    Raises:
        InputError: There are not as many runs, items and candidates as the method was made for.
    """
    terms, shape = method.terms, failed.shape
    expected = (len(method.asked), terms.n_items, method.asked.shape[1])
    if shape != expected:
        raise InputError(f"failed has shape {shape}, expected {expected}: runs, items, candidates")
    n_runs = len(failed)
    seen, counts = np.zeros(n_runs, np.int64), np.zeros((n_runs, shape[2]), np.int64)
    profiling, blocks = np.zeros(n_runs), np.zeros((n_runs, shape[2] + 1), np.int64)
    going, before = np.arange(n_runs), 0
    for now in method.looks():
        counts[going] += failed[going, before:now].sum(1) * method.asked[going]
        profiling[going] += (now - before) * (method.asked[going] @ terms.unit_costs[:-1])
        seen[going], before = now, now
        stops = method.look(now, counts[going], going)
        going = going[~stops]
        if not len(going):
            break
    blocks[going, -1] = terms.n_items - seen[going]
    stopped = np.setdiff1d(np.arange(n_runs), going)
    blocks[stopped] = method.blocks(stopped)
    cost = profiling + seen * terms.reference_cost + blocks @ terms.unit_costs
    wrong = [_failures(failed[run], seen[run], blocks[run]) for run in range(n_runs)]
    full = terms.n_items * terms.reference_cost
    return Replayed(seen, blocks, cost, np.array(wrong) / terms.n_items, full / np.maximum(cost, 1e-300))


def _failures(failed: Flags, seen: int, blocks: Counts) -> int:
    ends = seen + np.cumsum(blocks)
    starts = ends - blocks
    return sum(
        int(failed[a:b, at].sum()) for at, (a, b) in enumerate(zip(starts[:-1], ends[:-1], strict=True))
    )
