"""Several limits: from prices to whole choices that keep every limit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from routoo.solver.search.milp import Milp
from routoo.solver.search.smooth import GOLDEN, deal, undecided_below
from routoo.solver.sums.kinds import Kinds
from routoo.solver.sums.passes import choice_totals
from routoo.solver.sums.rows import Floats, Rows, Tables, leads
from routoo.solver.sums.sources import At, Few, Gathered, Kept, Picked, PromptSource, positions, start_of
from routoo.solver.sums.tally import Tally, kept

CORES = (192, 768, 3072)
"""How many of the most doubtful prompts branch and bound may change, one try after the other."""

_LIKELY = (6, 12, 12)
"""Models that a prompt in doubt may choose among, in each of these tries."""

_DEAR = 10.0
"""Objectives of the batch that a model may lose on one prompt alone to be likely there at first."""

_FAR = 1e-3
"""Gap from which on more prompts choose anew."""

_MOST_COLUMNS = 20_000
"""Columns of all tries after which what was found is taken, however far from the bound."""

_NODES = 100
"""Nodes of branch and bound for a core, whose choices are near the best."""


Index = npt.NDArray[np.intp]

Edge = Callable[[Floats], Kept | None]
"""Prices to choices that keep every limit and use least of one, or None."""


@dataclass(frozen=True, eq=False)
class Rounded:
    """Whole choices next to the soft ones.

    Args:
        choice: Chosen model of each prompt.
        doubt: Prompts by how little their best choice leads the second, ``(n_doubtful,)``.
        dealt: Which prompts were dealt out.
        n_dealt: How many.
    """

    choice: Kept
    doubt: Index
    dealt: Kept
    n_dealt: int


def round_off(
    prompts: PromptSource, choice: Kept, dealt: Kept, prices: Floats, temperature: float
) -> Rounded:
    """Whole choices whose sums stay near those of the soft choices, and the prompts most in doubt.

    Args:
        prompts: The batch, or some of its prompts.
        choice: Filled with their choices.
        dealt: Filled with whether they were dealt out.
        prices: Prices of the soft choices.
        temperature: Their temperature.
    """
    tables, share = prompts.constraints.tables(prices), min(1.0, 8 * CORES[-1] / len(prompts))
    close = undecided_below(temperature, prompts.constraints.n_models)

    def work(at: At, rows: Rows) -> _Doubt:
        reduced = rows.reduced(tables)
        best, _, lead = leads(reduced)
        choice[at] = deal(reduced, best, lead, close, temperature, start_of(at))
        dealt[at] = lead < close
        most = math.ceil(len(rows) * share) + CORES[0]
        first = np.argpartition(lead, most - 1)[:most] if len(rows) > most else np.arange(len(rows))
        return _Doubt(positions(at)[first], lead[first], int(np.count_nonzero(lead < close)))

    doubt = prompts.summed(work)
    return Rounded(choice, doubt.least().position, dealt, doubt.n_dealt)


@dataclass(frozen=True, eq=False)
class _Doubt:
    """Of some prompts those that lead by least, as far as all may ask for them; how many were dealt."""

    position: Index
    lead: Floats
    n_dealt: int

    def __add__(self, other: _Doubt) -> _Doubt:
        both = _Doubt(
            np.concatenate([self.position, other.position]),
            np.concatenate([self.lead, other.lead]),
            self.n_dealt + other.n_dealt,
        )
        return both.least() if len(both.lead) > 8 * CORES[-1] else both

    def least(self) -> _Doubt:
        """Those that lead by least, in the order of their leads; of equal ones some from everywhere."""
        order = np.lexsort((self.position, self.position * GOLDEN % 1.0, self.lead))[: CORES[-1]]
        return _Doubt(self.position[order], self.lead[order], self.n_dealt)


def finish(
    prompts: Picked,
    rounded: Rounded,
    prices: Floats,
    bound: float,
    *,
    tolerance: float,
    time_limit_s: float,
    edge: Edge | None = None,
) -> tuple[Tally, Kept] | None:
    """Choices that keep every limit, once the prompts in doubt have chosen anew, and their sums; or None.

    Where nothing is found, or what is found lies far below the bound, more prompts choose anew. Where a
    search breaks off with nothing, a larger one would take long: the edge is asked before.

    Args:
        prompts: The batch.
        rounded: Where to start from, changed in place; the choices of prompts outside the core stand.
        prices: Prices at which models are worth what they are to a prompt in doubt.
        bound: What the objective cannot exceed.
        tolerance: Share of the objective by which the core may fall short of its best.
        time_limit_s: Seconds for each core.
        edge: What finds choices where there is next to no room.
    """
    choice, tables, best = rounded.choice, prompts.constraints.tables(prices), None
    spare, columns = _DEAR * abs(bound), 0
    for size, likely in zip(CORES, _LIKELY, strict=True):
        core, better = rounded.doubt[:size], True
        while better:
            part, better = part_at(prompts, choice, core), False
            kinds = Kinds.each(_likely(part.prompts, tables, likely, spare))
            milp = Milp(kinds)
            columns += len(milp.row)
            counts = milp.branched(
                gap=0.2 * tolerance * abs(bound),
                enough=bound - 0.5 * tolerance * abs(bound) - part.gained,
                most_nodes=_NODES,
                time_limit_s=time_limit_s,
            )
            spare = math.inf if best is None else spare
            if counts is not None:
                before = choice[core]
                choice[core] = counts.argmax(axis=1)
                totals = kept(prompts, choice)
                if totals is not None and (best is None or totals.gained > best.gained):
                    better = best is None or bound - totals.gained < 0.5 * (bound - best.gained)
                    best, spare = totals, bound - totals.gained
                else:
                    choice[core] = before
            if best is None and milp.broke_off and edge is not None:
                found, edge = edge(prices), None
                totals = None if found is None else kept(prompts, found)
                if found is not None and totals is not None and not far(bound, totals.gained):
                    return totals, found
            if best is not None and (columns > _MOST_COLUMNS or not far(bound, best.gained)):
                return best, choice
    return None if best is None else (best, choice)


def far(bound: float, gained: float) -> bool:
    """Whether choices lie so far below the bound that it pays to look at more."""
    return bound - gained > _FAR * max(abs(bound), abs(gained))


def nearer_prices(prompts: Picked, rounded: Rounded, prices: Floats, spare: float) -> Floats:
    """The prices at which the prompts in doubt, shared out among models, would keep what others leave.

    Args:
        prompts: The batch.
        rounded: Choices that keep every limit, and the prompts in doubt.
        prices: Prices that are near these.
        spare: What better choices may lose at those prices.
    """
    part = part_at(prompts, rounded.choice, rounded.doubt)
    few = _likely(part.prompts, prompts.constraints.tables(prices), _LIKELY[-1], spare)
    kinds = Kinds.each(few)
    high = np.isfinite(kinds.value).astype(np.int64)
    return Milp(kinds).relax(np.zeros_like(high), high).prices


def _likely(few: Gathered, tables: Tables, most: int, spare: float) -> Gathered:
    """The same prompts with the few models open that are worth most to each, within `spare` of the best."""
    rows = few.gathered
    worth = rows.reduced(tables)
    most = min(most, worth.shape[1])
    likely = worth >= np.maximum(
        np.partition(worth, -most, axis=1)[:, [-most]], worth.max(axis=1, keepdims=True) - spare
    )
    return replace(few, gathered=replace(rows, allowed=likely & np.isfinite(worth)))


Some = TypeVar("Some", Gathered, Few)


@dataclass(frozen=True, eq=False)
class Part(Generic[Some]):
    """Prompts picked out of a batch, with what the choices of all others leave; what those gain."""

    prompts: Some
    gained: float


def part_at(prompts: Picked, choice: Kept, at: Index) -> Part[Gathered]:
    """The prompts at these positions, with what the choices of all others leave of each limit."""
    return part_of(prompts, choice, Gathered(prompts.rows(at), prompts.constraints, at))


def part_of(prompts: Picked, choice: Kept, few: Some) -> Part[Some]:
    """These prompts, with what the choices of all others leave of each limit."""
    constraints = prompts.constraints
    whole, own = choice_totals(prompts, choice), choice_totals(few, choice)
    left = constraints.bounded(constraints.bounds - (whole.uses - own.uses))
    return Part(replace(few, constraints=left), whole.gained - own.gained)
