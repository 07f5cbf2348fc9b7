"""The last prompts of one limit: which swaps spend what is left over, by dynamic programming over a core."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.solver.rows import Choice, Floats

MOST_STATES = 4096
"""Partial answers kept at a time; past that the swaps found are good, but not proved best."""


@dataclass(frozen=True, eq=False)
class Swaps:
    """What to choose instead.

    Args:
        row: Prompts to change, ``(n_swaps,)``.
        column: Their new choices.
        gap: Objective lost against the bound at the price: if `proved`, the least that any answer loses.
        proved: Whether every combination that could be better was looked at.
    """

    row: npt.NDArray[np.intp]
    column: Choice
    gap: float
    proved: bool


@dataclass(frozen=True, eq=False)
class _Frontier:
    """Combinations of swaps that no other one beats, by rising use."""

    extra: Floats
    loss: Floats
    parent: npt.NDArray[np.intp]
    column: npt.NDArray[np.intp]


def best_swaps(loss: Floats, extra: Floats, *, price: float, slack: float) -> Swaps:
    """The swaps, at most one a prompt, that lose least and fit into what is left over.

    A state is a combination of swaps over the prompts seen so far: what it uses and what it loses at
    `price`. Losses never fall, so a state that already loses as much as the best complete one is dropped,
    as is one that another state beats in use and objective (Pisinger's core for the multiple-choice
    knapsack; prompts enter by their least loss).

    Args:
        loss: Reduced value given up by each choice against the best one at `price`, at least 0,
            ``(n_prompts, n_models)``; infinity where it is closed.
        extra: Use added by each choice against the present one, the same shape; 0 and no loss for that one.
        price: Objective per use.
        slack: Use that is left over, at least 0.
    """
    least = np.where((extra == 0) & (loss == 0), np.inf, loss).min(axis=1)
    history: list[tuple[int, _Frontier]] = []
    none = np.zeros(1, np.intp)
    now = _Frontier(np.zeros(1), np.zeros(1), none, none - 1)
    gap, best, proved = price * slack, (0, 0), True
    for row in np.argsort(least, kind="stable"):
        if least[row] >= gap:
            break
        now, whole = _extend(now, loss[row], extra[row], price, gap)
        proved &= whole
        history.append((int(row), now))
        fits = np.flatnonzero(now.extra <= slack)
        if len(fits):
            gaps = now.loss[fits] + price * (slack - now.extra[fits])
            at = int(gaps.argmin())
            if gaps[at] < gap:
                gap, best = float(gaps[at]), (len(history), int(fits[at]))
    return _unwind(history, best, gap, proved)


def _extend(now: _Frontier, loss: Floats, extra: Floats, price: float, gap: float) -> tuple[_Frontier, bool]:
    """The states after one more prompt, and whether none had to be dropped unproved."""
    columns = np.flatnonzero((loss < gap) & ((loss > 0) | (extra != 0)))
    options = np.concatenate([[-1], columns])
    used = (now.extra + np.concatenate([[0.0], extra[columns]])[:, None]).ravel()
    lost = (now.loss + np.concatenate([[0.0], loss[columns]])[:, None]).ravel()
    parent = np.tile(np.arange(len(now.extra)), len(options))
    column = np.repeat(options, len(now.extra))
    keep = np.flatnonzero(lost < gap)
    order = keep[np.lexsort((lost[keep], used[keep]))]
    value = price * used[order] - lost[order]
    before = np.concatenate([[-np.inf], np.maximum.accumulate(value)[:-1]])
    order = order[value > before]
    whole = len(order) <= MOST_STATES
    if not whole:
        order = np.sort(order[np.argpartition(lost[order], MOST_STATES)[:MOST_STATES]])
    return _Frontier(used[order], lost[order], parent[order], column[order]), whole


def _unwind(history: list[tuple[int, _Frontier]], best: tuple[int, int], gap: float, proved: bool) -> Swaps:
    rows, columns = [], []
    depth, state = best
    for row, frontier in reversed(history[:depth]):
        if frontier.column[state] >= 0:
            rows.append(row)
            columns.append(int(frontier.column[state]))
        state = int(frontier.parent[state])
    return Swaps(np.array(rows, np.intp), np.array(columns, np.intp), gap, proved)
