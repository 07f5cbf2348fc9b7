"""A smoothed pass: choices by softmax instead of argmax, so that sums bend where choices change."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.solver.sums.moments import Moments
from routoo.solver.sums.rows import Choice, Floats, Rows
from routoo.solver.sums.sources import At, PromptSource

GOLDEN = 0.6180339887498949
"""Multiples of it, less their whole parts, fill 0 to 1 evenly however many they are."""

_CLOSED = float(np.finfo(np.float64).min)
"""A number below whatever a choice may be worth."""

_UNDECIDED = 1e-3
"""Share of a prompt that models other than its first must have for the prompt to be dealt out."""


@dataclass(frozen=True, eq=False)
class Smoothed:
    """Sums of one smoothed pass; those of two shards add up.

    Args:
        value: Smoothed best reduced value: ``T log sum exp(reduced / T)``.
        hard: Best reduced value without smoothing; with prices times bounds it is a proved bound.
        loss: Reduced value given up by the soft choices: how far they are from optimal at these prices.
        uses: What the soft choices use of each limit, ``(n_limits,)``.
        curvature: Second derivatives in the prices, ``(n_limits, n_limits)``.
    """

    value: float
    hard: float
    loss: float
    uses: Floats
    curvature: Floats

    def __add__(self, other: Smoothed) -> Smoothed:
        return Smoothed(
            self.value + other.value,
            self.hard + other.hard,
            self.loss + other.loss,
            self.uses + other.uses,
            self.curvature + other.curvature,
        )


def smoothed_pass(prompts: PromptSource, prices: Floats, temperature: float) -> Smoothed:
    """The sums of soft choices over all prompts at these prices.

    Args:
        prompts: Any source of prompts.
        prices: One a limit, at least 0.
        temperature: Objective by which a choice may lag and still be taken now and then, above 0.
    """
    tables, plan = prompts.constraints.tables(prices), prompts.constraints.moments

    def work(at: At, rows: Rows) -> _Block:
        soft = softmax(rows.reduced(tables), temperature)
        return _Block(
            float(np.log(soft.mass).sum()), float(soft.top.sum()), soft.loss, plan.of(rows, soft.share)
        )

    every = prompts.summed(work)
    return Smoothed(
        value=every.hard + temperature * every.spread,
        hard=every.hard,
        loss=every.loss,
        uses=plan.uses(every.moments),
        curvature=plan.covariance(every.moments) / temperature,
    )


@dataclass(frozen=True, eq=False)
class _Block:
    """What a block of prompts adds to a smoothed pass."""

    spread: float
    hard: float
    loss: float
    moments: Moments

    def __add__(self, other: _Block) -> _Block:
        return _Block(
            self.spread + other.spread,
            self.hard + other.hard,
            self.loss + other.loss,
            self.moments + other.moments,
        )


@dataclass(frozen=True, eq=False)
class Soft:
    """Soft choices of some prompts, ``(r, n_models)``, and their sums.

    Args:
        share: How much of each prompt each model gets; rows add up to 1.
        top: Best reduced value of each prompt, ``(r,)``.
        mass: Sum of the unnormalised shares, ``(r,)``.
        loss: Reduced value that they give up against the best one.
    """

    share: Floats
    top: Floats
    mass: Floats
    loss: float


def softmax(reduced: Floats, temperature: float) -> Soft:
    """Soft choices at this temperature; overwrites its input."""
    top = reduced[np.arange(len(reduced)), reduced.argmax(axis=1)]
    reduced -= top[:, None]
    share = reduced / temperature
    np.exp(share, out=share)
    mass = np.einsum("ij->i", share)
    share /= mass[:, None]
    np.maximum(reduced, _CLOSED, out=reduced)  # a share of 0 times minus infinity is no number
    return Soft(share, top, mass, -float(np.einsum("ij,ij->", share, reduced)))


def undecided_below(temperature: float, n_models: int) -> float:
    """The lead of a prompt's best choice up to which other models have more than a thousandth of it."""
    return temperature * math.log(n_models / _UNDECIDED)


def deal(
    reduced: Floats, best: Choice, lead: Floats, close: float, temperature: float, start: int
) -> npt.NDArray[np.int32]:
    """Whole choices whose sums stay near those of the soft choices, ``(r,)``.

    Prompts that lead by `close` take their best choice. The others are dealt out in proportion to their
    shares, those that waver between the same models one after the other, by a sequence of low discrepancy: so
    that even a million equal prompts are split as the limits ask.
    """
    choice, open_ = best.astype(np.int32), np.flatnonzero(lead < close)
    share = softmax(reduced[open_], temperature).share
    ladder = np.cumsum(share, axis=1)
    order = np.lexsort((share.max(axis=1), *np.argpartition(-share, 1, axis=1)[:, :2].T))
    turn = np.empty(len(open_))
    turn[order] = start + np.arange(len(open_))
    dealt = turn * GOLDEN % 1.0 * ladder[:, -1]
    choice[open_] = (ladder <= dealt[:, None]).sum(axis=1)
    return choice
