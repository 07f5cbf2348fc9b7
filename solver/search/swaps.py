"""The last prompts of one limit: which swaps spend what is left over, by dynamic programming over a core."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.solver.sums.rows import Choice, Floats

MOST_STATES = 2048
"""Partial answers that a list may reach; past that the swaps found are good, but not proved best."""


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


def best_swaps(loss: Floats, extra: Floats, *, price: float, slack: float, enough: float = 0.0) -> Swaps:
    """The swaps, at most one a prompt, that lose least and fit into what is left over.

    A state is a combination of swaps: what it uses and what it loses at `price`. Losses never fall, so a
    state that loses as much as the best answer is dropped, as is one that another state beats in use and
    objective (Pisinger's core of the multiple-choice knapsack; prompts enter by their least loss). The
    prompts go by turns into two lists, and an answer is a state of each (Horowitz and Sahni, 1974), so
    that as many combinations are looked at as the product of the lengths.

    Args:
        loss: Reduced value given up by each choice against the best one at `price`, at least 0,
            ``(n_prompts, n_models)``; infinity where it is closed.
        extra: Use added by each choice against the present one, the same shape; 0 and no loss for that one.
        price: Objective per use.
        slack: Use that is left over, at least 0.
        enough: Gap at which to stop looking.

    >>> swaps = best_swaps(np.array([[0.0, 0.1]]), np.array([[0.0, 2.0]]), price=1.0, slack=2.5)
    >>> swaps.row, swaps.column, round(swaps.gap, 9), swaps.proved
    (array([0]), array([1]), 0.6, True)
    """
    least = np.where((extra == 0) & (loss == 0), np.inf, loss).min(axis=1)
    one, two = _States(), _States()
    gap, proved = price * slack, True
    at, pair = (0, 0), (0, 0)
    for row in np.argsort(least, kind="stable"):
        if least[row] >= gap:
            break
        shorter = one if len(one.extra) <= len(two.extra) else two
        if len(shorter.extra) > MOST_STATES or gap <= enough:
            proved = False
            break
        shorter.add(int(row), loss[row], extra[row], price, gap)
        found, states = _join(one, two, price, slack)
        if found < gap:
            gap, at, pair = found, (len(one.history), len(two.history)), states
    swaps = one.unwind(at[0], pair[0]) + two.unwind(at[1], pair[1])
    rows, columns = (np.array([swap[part] for swap in swaps], np.intp) for part in (0, 1))
    return Swaps(rows, columns, gap, proved)


class _States:
    """Combinations of swaps that no other one beats, by rising use, and how each came about."""

    def __init__(self) -> None:
        self.extra, self.loss = np.zeros(1), np.zeros(1)
        self.history: list[tuple[int, npt.NDArray[np.intp], npt.NDArray[np.intp]]] = []

    def add(self, row: int, loss: Floats, extra: Floats, price: float, gap: float) -> None:
        """Extends every state by every choice of one more prompt."""
        columns = np.flatnonzero((loss < gap) & ((loss > 0) | (extra != 0)))
        used = np.concatenate([self.extra, *(self.extra + extra[column] for column in columns)])
        lost = np.concatenate([self.loss, *(self.loss + loss[column] for column in columns)])
        order = np.argsort(used, kind="stable")
        order = order[lost[order] < gap]
        value = price * used[order] - lost[order]
        best_before = np.maximum.accumulate(value)
        order = order[np.concatenate([value[:1] > -np.inf, value[1:] > best_before[:-1]])]
        choice, parent = np.divmod(order, len(self.extra))
        self.history.append((row, parent, np.concatenate([[-1], columns])[choice]))
        self.extra, self.loss = used[order], lost[order]

    def unwind(self, depth: int, state: int) -> list[tuple[int, int]]:
        """The swaps, prompt and choice, that led to a state."""
        swaps = []
        for row, parent, column in reversed(self.history[:depth]):
            if column[state] >= 0:
                swaps.append((row, int(column[state])))
            state = int(parent[state])
        return swaps


def _join(one: _States, two: _States, price: float, slack: float) -> tuple[float, tuple[int, int]]:
    """The least gap of a state of each list that fit together, and which they are."""
    partner = np.searchsorted(two.extra, slack - one.extra, side="right") - 1
    fits = np.flatnonzero(partner >= 0)
    if not len(fits):
        return np.inf, (0, 0)
    other = partner[fits]
    unused = slack - (one.extra[fits] + two.extra[other])
    gaps = one.loss[fits] + two.loss[other] + price * np.maximum(unused, 0.0)
    at = int(gaps.argmin())
    return float(gaps[at]), (int(fits[at]), int(other[at]))
