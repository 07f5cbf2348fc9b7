"""A smoothed pass: choices by softmax instead of argmax, so that sums bend where choices change."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from routoo.solver.ledger import Ledger
from routoo.solver.passes import Prompts
from routoo.solver.rows import Floats, Rows


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


def smoothed_pass(prompts: Prompts, prices: Floats, temperature: float) -> Smoothed:
    """The sums of soft choices over all prompts at these prices.

    Args:
        prompts: Any source of prompts.
        prices: One a limit, at least 0.
        temperature: Objective by which a choice may lag and still be taken now and then, above 0.
    """
    ledger, tables = prompts.ledger, prompts.ledger.tables(prices)

    def work(start: int, rows: Rows) -> Smoothed:
        reduced = rows.reduced(tables)
        soft = softmax(reduced, temperature)
        return _sums(ledger, rows, soft, temperature)

    return reduce(add, prompts.map(work))


@dataclass(frozen=True, eq=False)
class Soft:
    """Soft choices of some prompts, ``(r, n_models)``, and their sums.

    Args:
        share: How much of each prompt each model gets; rows add up to 1.
        top: Best reduced value of each prompt, ``(r,)``.
        lag: Reduced value less the best one, at most 0; minus infinity where closed.
        mass: Sum of the unnormalised shares, ``(r,)``.
    """

    share: Floats
    top: Floats
    lag: Floats
    mass: Floats


def softmax(reduced: Floats, temperature: float) -> Soft:
    """Soft choices at this temperature; overwrites its input."""
    top = reduced[np.arange(len(reduced)), reduced.argmax(axis=1)]
    reduced -= top[:, None]
    share = reduced / temperature
    np.exp(share, out=share)
    mass = np.einsum("ij->i", share)
    share /= mass[:, None]
    return Soft(share, top, reduced, mass)


def _gram(mean: Floats) -> Floats:
    """``mean.T @ mean``, in products so small that BLAS starts no threads under those of the pass."""
    size = max(200_000 // mean.shape[1] ** 2, 16)
    found = np.zeros((mean.shape[1], mean.shape[1]))
    for start in range(0, len(mean), size):
        part = mean[start : start + size]
        found += part.T @ part
    return found


def _sums(ledger: Ledger, rows: Rows, soft: Soft, temperature: float) -> Smoothed:
    hard = float(soft.top.sum())
    lost = np.where(soft.share > 0, soft.lag, 0.0)
    mean, second = ledger.moments(rows, soft.share)
    return Smoothed(
        value=hard + temperature * float(np.log(soft.mass).sum()),
        hard=hard,
        loss=-float(np.einsum("ij,ij->", soft.share, lost)),
        uses=mean.sum(axis=0),
        curvature=(second - _gram(mean)) / temperature,
    )
