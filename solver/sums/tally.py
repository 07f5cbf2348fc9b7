"""What choices add up to, exactly: the sums by which limits are judged and answers reported."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from routoo.solver.limits import Quantity
from routoo.solver.sums.constraints import Constraints, part_of_table
from routoo.solver.sums.rows import Choice, Floats, Rows
from routoo.solver.sums.sources import At, Kept, PromptSource


@dataclass(frozen=True, eq=False)
class Tally:
    """Sums over the choices of all prompts, each rounded once: what `math.fsum` of the amounts says.

    Args:
        gained: Objective.
        score: Predicted scores.
        cost_usd: Costs.
        uses: Use of each limit with the sign of `Constraints.bounds`, ``(n_limits,)``.
    """

    gained: float
    score: float
    cost_usd: float
    uses: Floats


def tally(prompts: PromptSource, choice: Kept) -> Tally:
    """The sums of these choices."""
    constraints = prompts.constraints

    def work(at: At, rows: Rows) -> _Sums:
        own = choice[at].astype(np.intp)
        plain = [rows.gained(own), rows.chosen("score", own), rows.chosen("cost_usd", own)]
        cell = constraints.cell(rows, own)
        tables = [_table(constraints, name, cell, rows.chosen(name, own)) for name in constraints.quantities]
        return _Sums([*(_parts(amounts).sum(axis=1) for amounts in plain), *tables])

    sums = prompts.summed(work).parts
    gained, score, cost = map(math.fsum, sums[:3])
    tables = dict(zip(constraints.quantities, sums[3:], strict=True))
    uses = [
        limit.sign * math.fsum(part_of_table(tables[limit.quantity], limit.only).ravel())
        for limit in constraints.limits
    ]
    return Tally(gained, score, cost, np.array(uses, np.float64))


def kept(prompts: PromptSource, choice: Kept) -> Tally | None:
    """The sums of these choices if they keep every limit; else None."""
    found = tally(prompts, choice)
    return found if (found.uses <= prompts.constraints.most).all() else None


def _table(constraints: Constraints, name: Quantity, cell: Choice, amounts: Floats) -> Floats:
    """Sums by domain and model in two parts, ``(2, n_domains, n_models)``; of all, ``(2, 1, 1)``."""
    parts = _parts(amounts)
    if name not in constraints.split:
        return np.asarray(parts.sum(axis=1), np.float64).reshape(2, 1, 1)
    shape = (constraints.n_domains, constraints.n_models)
    return np.array(
        [np.bincount(cell, part, shape[0] * shape[1]).reshape(shape) for part in parts], np.float64
    )


def _parts(amounts: Floats) -> Floats:
    """Two numbers for each that add up to it, the first ones so round that their sums are exact, ``(2, r)``.

    Below the first ones lie 2^-39 of the largest amount at most: the rounding error of summing them is
    2^-66 of it for a block (Rump, Ogita and Oishi 2008, extract).
    """
    largest = float(np.abs(amounts).max(initial=0.0))
    unit = math.ldexp(1.0, math.frexp(largest)[1] + len(amounts).bit_length() + 1)
    high = (amounts + unit) - unit
    return np.stack([high, amounts - high])


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums in two parts each, ``(2, ...)``: the second takes what rounding leaves of the first."""

    parts: Sequence[Floats]

    def __add__(self, other: _Sums) -> _Sums:
        found = []
        for (high, low), (more, rest) in zip(self.parts, other.parts, strict=True):
            both = high + more
            came = both - high
            lost = (high - (both - came)) + (more - came)  # two-sum, Knuth
            found.append(np.stack([both, (low + rest) + lost]))
        return _Sums(found)
