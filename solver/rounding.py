"""Several limits: from prices to whole choices that keep every limit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.solver.kinds import Kinds
from routoo.solver.passes import Gathered, Picked, Prompts, choice_totals
from routoo.solver.programme import Programme
from routoo.solver.rows import Floats, Rows, leads
from routoo.solver.smooth import softmax
from routoo.solver.tally import Tally, kept
from routoo.solver.usage import BLOCK

_GOLDEN = 0.6180339887498949
_UNDECIDED = 1e-3
"""Share of a prompt that models other than its first must have for the prompt to be dealt out."""

CORES = (192, 768, 3072)
"""How many of the most doubtful prompts branch and bound may change, one try after the other."""

_NODES = 100
"""Nodes of branch and bound for a core, whose choices are near the best."""


@dataclass(frozen=True, eq=False)
class Rounded:
    """Whole choices next to the soft ones.

    Args:
        choice: Chosen model of each prompt, ``(n_prompts,)``.
        bound: Proved bound on the objective at the prices.
        doubt: Prompts by how little their best choice leads the second, ``(n_doubtful,)``.
        dealt: How many prompts were dealt out.
    """

    choice: npt.NDArray[np.int32]
    bound: float
    doubt: npt.NDArray[np.intp]
    dealt: int


def round_off(prompts: Prompts, prices: Floats, temperature: float) -> Rounded:
    """Whole choices whose sums stay near those of the soft choices.

    Decided prompts take their best choice. The others are dealt out in proportion to their shares, by a
    sequence of low discrepancy, so that even a million equal prompts are split as the limits ask.
    """
    tables, whole = prompts.ledger.tables(prices), np.empty(len(prompts), np.int32)
    most = math.ceil(BLOCK * min(1.0, 8 * CORES[-1] / len(prompts))) + CORES[0]
    close = temperature * math.log(prompts.ledger.n_models / _UNDECIDED)

    def work(start: int, rows: Rows) -> _Block:
        reduced = rows.reduced(tables)
        choice, top, lead = leads(reduced)
        open_ = np.flatnonzero(lead < close)
        ladder = np.cumsum(softmax(reduced[open_], temperature).share, axis=1)
        dealt = (start + open_) * _GOLDEN % 1.0 * ladder[:, -1]
        choice[open_] = (ladder <= dealt[:, None]).sum(axis=1)
        first = np.argpartition(lead, most - 1)[:most] if len(rows) > most else np.arange(len(rows))
        whole[start : start + len(rows)] = choice
        return _Block(float(top.sum()), start + first, lead[first], len(open_))

    blocks = list(prompts.map(work))
    position = np.concatenate([block.position for block in blocks])
    lead = np.concatenate([block.lead for block in blocks])
    return Rounded(
        choice=whole,
        bound=sum(block.top for block in blocks) + float(prices @ prompts.ledger.bounds),
        doubt=position[np.lexsort((position, lead))[: CORES[-1]]],
        dealt=sum(block.dealt for block in blocks),
    )


@dataclass(frozen=True, eq=False)
class _Block:
    top: float
    position: npt.NDArray[np.intp]
    lead: Floats
    dealt: int


def finish(
    prompts: Picked, rounded: Rounded, bound: float, *, tolerance: float, time_limit_s: float
) -> Tally | None:
    """What choices add up to that keep every limit, once the prompts in doubt have chosen anew; or None.

    Args:
        prompts: The batch.
        rounded: Where to start from, changed in place; the choices of prompts outside the core stand.
        bound: What the objective cannot exceed.
        tolerance: Share of the objective by which the core may fall short of its best.
        time_limit_s: Seconds for each core.
    """
    choice = rounded.choice
    for size in CORES:
        core = rounded.doubt[:size]
        part = part_of(prompts, choice, core)
        kinds = Kinds.each(part.prompts)
        counts = Programme(kinds).branched(
            gap=0.2 * tolerance * abs(bound),
            enough=bound - 0.5 * tolerance * abs(bound) - part.gained,
            most_nodes=_NODES,
            time_limit_s=time_limit_s,
        )
        if counts is not None:
            found = choice.copy()
            found[core] = kinds.choice(counts)
            totals = kept(prompts, found)
            if totals is not None:
                choice[core] = found[core]
                return totals
    return None


@dataclass(frozen=True, eq=False)
class Part:
    """Prompts picked out of a batch whose other choices stand: what those gain, and use of each limit."""

    prompts: Gathered
    gained: float
    uses: Floats


def part_of(prompts: Picked, choice: npt.NDArray[np.int32], index: npt.NDArray[np.intp]) -> Part:
    """These prompts, with what the choices of all others leave of each limit."""
    ledger, rows = prompts.ledger, prompts.rows(index)
    whole = choice_totals(prompts, choice)
    own = choice_totals(Gathered(rows, ledger), choice[index])
    uses = whole.uses - own.uses
    return Part(Gathered(rows, ledger.bounded(ledger.bounds - uses)), whole.gained - own.gained, uses)
