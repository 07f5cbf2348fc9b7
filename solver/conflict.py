"""Limits that cannot hold together: the smallest set of them, and what would do with the others kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from routoo.solver.answer import TOLERANCE
from routoo.solver.assign import assign
from routoo.solver.bracket import sampled
from routoo.solver.limits import Limit
from routoo.solver.passes import Batch, Gathered, Picked, choice_totals
from routoo.solver.pricing import SAMPLE, infeasible_in_parts
from routoo.solver.programme import branch
from routoo.solver.rounding import CORES
from routoo.solver.rows import Tables

_SECONDS = 5.0


def conflict(batch: Batch) -> tuple[Limit, ...]:
    """A smallest set of limits that cannot hold together: without any one of them the others can.

    Limits are left out one by one, and stay out where the rest still cannot hold (a deletion filter,
    Chinneck). Small batches are tried whole; large ones as a relaxation, on a sample first.
    """
    left = list(batch.ledger.limits)
    narrowed = _narrow(batch, left, SAMPLE)
    return tuple(narrowed if not _can_hold(batch, narrowed, len(batch)) else left)


def _narrow(batch: Batch, limits: Sequence[Limit], most: int) -> list[Limit]:
    left = list(limits)
    for limit in limits:
        fewer = [other for other in left if other is not limit]
        if fewer and not _can_hold(batch, fewer, most):
            left = fewer
    return left


def _can_hold(whole: Batch, limits: Sequence[Limit], most: int) -> bool:
    """Whether these limits can hold together, by as many prompts as may be looked at."""
    batch = whole.asking(limits=tuple(limits), aim={})
    if len(batch) <= CORES[0]:
        rows = batch.rows(slice(None))
        return branch(rows, batch.ledger, gap=1.0, time_limit_s=_SECONDS).status != "infeasible"
    prompts: Picked = batch
    if len(batch) > most:
        bounds = batch.ledger.bounds * most / len(batch)
        prompts = Gathered(batch.rows(sampled(len(batch), most)), batch.ledger.bounded(bounds))
    return not infeasible_in_parts(prompts)


def least_that_would_do(batch: Batch, limit: Limit) -> float | None:
    """The bound that this limit would need with all others kept; None where the others do not hold either.

    It is what an assignment of all prompts uses, so that it will do; no less than a part in a million of
    it would.
    """
    kept = tuple(other for other in batch.ledger.limits if other is not limit)
    only = batch.asking(limits=(limit,))
    use = only.ledger.tables(np.ones(1))
    found = assign(batch.asking(limits=kept, aim=use), tolerance=TOLERANCE, time_limit_s=_SECONDS)
    if found.status != "solved":
        return None
    return limit.sign * float(choice_totals(only, found.choice).uses.item())


def most_served(batch: Batch) -> int | None:
    """How many prompts can be served within the limits, were the others turned away; None if not known."""
    n_models = batch.ledger.n_models
    served: Tables = {"requests": np.array([[-1.0] * n_models + [0.0]])}
    found = assign(batch.asking(aim=served, spare=True), tolerance=TOLERANCE, time_limit_s=_SECONDS)
    if found.status != "solved":
        return None
    return int(np.count_nonzero(found.choice < n_models))
