"""A method played over batches whose answers are known or drawn: what it spends, what it misses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from routoo.data.errors import InputError
from routoo.solver.bounds.failures import Counts
from routoo.solver.bounds.special import Array
from routoo.solver.smart.batches import Batches
from routoo.solver.smart.terms import Flags, Terms


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


def replay(method: Method, batches: Batches) -> Replayed:
    """What a method comes to in batches whose items stand in random order.

    Items that were asked while profiling keep the reference's answer; blocks of candidates follow them in
    order.

    Args:
        method: Made for as many runs as there are here.
        batches: `Recorded` or `Simulated`; those that were simulated are other ones the next time.

    Raises:
        InputError: There are not as many runs, items and candidates as the method was made for.
    """
    terms, shape = method.terms, batches.shape
    expected = (len(method.asked), terms.n_items, method.asked.shape[1])
    if shape != expected:
        raise InputError(f"batches have shape {shape}, expected {expected}: runs, items, candidates")
    n_runs = shape[0]
    seen, counts = np.zeros(n_runs, np.int64), np.zeros((n_runs, shape[2]), np.int64)
    profiling, blocks = np.zeros(n_runs), np.zeros((n_runs, shape[2] + 1), np.int64)
    going, before = np.arange(n_runs), 0
    for now in method.looks():
        asked = method.asked[going]
        counts[going] += batches.profiled(going, before, now) * asked
        profiling[going] += (now - before) * terms.asking(asked)
        seen[going], before = now, now
        stops = method.look(now, counts[going], going)
        going = going[~stops]
        if not len(going):
            break
    blocks[going, -1] = terms.n_items - seen[going]
    stopped = np.setdiff1d(np.arange(n_runs), going)
    blocks[stopped] = method.blocks(stopped)
    cost = profiling + seen * terms.reference_cost + blocks @ terms.unit_costs
    deviation = batches.answered(seen, blocks[:, :-1]).sum(-1) / terms.n_items
    full = terms.n_items * terms.reference_cost
    return Replayed(seen, blocks, cost, deviation, full / np.maximum(cost, 1e-300))
