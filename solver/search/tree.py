"""The search of a few kinds of prompts to the end: every claim is proved by prices, or by looking at all."""

from __future__ import annotations

import heapq
import math
import time
from dataclasses import dataclass
from typing import Literal

import numpy as np

from routoo.solver.search.listing import listed
from routoo.solver.search.milp import Milp
from routoo.solver.search.subtree import EPSILON, Priced, Split, Subtree
from routoo.solver.sums.kinds import Counts, Kinds
from routoo.solver.sums.rows import Floats

MOST_STEPS = 3_500_000
"""Steps before what is known is taken: a subtree counts by its columns, a listed answer by its limits."""

_SUBTREE = 1000
"""Steps that a subtree takes beside those of its columns."""

MOST_LISTED = 1 << 13
"""Part answers that are listed one by one; a subtree with more is split."""

_MOST_CHECKED = 256
"""Listed answers that are kept apart by exact sums; of more that are alike to rounding, one is as good."""

_GUESSED = 100
"""Nodes of HiGHS's own search for a first answer."""

_CLOSE = 2e-5
"""Share of the objective within which of the root's bound that answer is good enough."""

_LIKELY = 4
"""Models of each kind that this search has, those of most worth at the root's prices."""

_PART, _PARTS = 16, 256
"""A part answer in a list takes so many steps beside its limits, and so many of these make one."""

_EXACT = 12
"""Amounts that are summed exactly in a step."""

EXACT = 1e-9
"""Share of the objective below which two answers are not kept apart."""


@dataclass(frozen=True, eq=False)
class Searched:
    """Where a search ended.

    Args:
        status: `solved` (there is an answer), `infeasible` (proved), or `unsolved`.
        counts: The best answer that was seen; None where there is none.
        bound: No answer has a better objective: proved, rounding included.
        prices: Dual values of the limits at the root.
    """

    status: Literal["solved", "infeasible", "unsolved"]
    counts: Counts | None
    bound: float
    prices: Floats


@dataclass(frozen=True, eq=False)
class _Node:
    """A subtree by what sets it apart from the one above, so that many are kept in little memory."""

    parent: _Node | None = None
    split: Split | None = None


def search(
    kinds: Kinds,
    *,
    first: Counts | None = None,
    gap: float = EXACT,
    most_steps: int = MOST_STEPS,
    time_limit_s: float = math.inf,
) -> Searched:
    """The best whole counts that keep every limit, and a bound that shows it.

    Best first. Each subtree is relaxed by HiGHS, whose prices are used and whose word is not: a subtree is
    dropped where its bound at those prices, computed here with its rounding error, is no better than the
    best answer, or where they show that nothing in it keeps the limits. What is small is listed.

    Args:
        kinds: The prompts and limits.
        first: Counts to start from, if they keep every limit.
        gap: Share of the objective by which the answer may fall short of the best.
        most_steps: Steps after which the best answer so far is taken.
        time_limit_s: Seconds after which it is.
    """
    state = _Search(kinds, gap, most_steps, time_limit_s)
    if first is not None:
        state.consider(first)
    state.run()
    return state.found()


class _Search:
    """The state of a search: the best answer so far, and what is still open."""

    def __init__(self, kinds: Kinds, gap: float, steps: int, time_limit_s: float) -> None:
        self.kinds, self.milp, self.gap, self.steps = kinds, Milp(kinds), gap, steps
        self.root = Subtree.root(kinds)
        self.seconds, self.deadline = time_limit_s, time.monotonic() + time_limit_s
        self.best: Counts | None = None
        self.value, self.bound = -math.inf, -math.inf
        self.prices = np.zeros(len(kinds.bounds))
        self.open: list[tuple[float, int, _Node]] = [(-math.inf, 0, _Node())]
        self.pushed = 0

    def run(self) -> None:
        """Looks at subtrees, the most promising first, until none is left or the steps are used up."""
        while self.open and self.steps > 0:
            if math.isfinite(self.deadline) and time.monotonic() > self.deadline:
                return
            turned, _, node = heapq.heappop(self.open)
            if not self._settled(-turned):
                self._look(node, -turned)

    def found(self) -> Searched:
        """What is known now."""
        bound = max([self.bound, self.value, *(-turned for turned, *_ in self.open)])
        if self.best is not None:
            return Searched("solved", self.best, bound, self.prices)
        return Searched("unsolved" if self.open else "infeasible", None, bound, self.prices)

    def consider(self, counts: Counts) -> None:
        """Keeps these counts if they keep every limit and are better than the best."""
        row, column = np.nonzero(counts)
        value, number = self.kinds.value[row, column], counts[row, column]
        uses = self.kinds.uses[:, row, column]
        error = (len(row) + 4) * EPSILON * (self.kinds.magnitudes[:, row, column] @ number)
        if not np.isfinite(value).all() or (uses @ number - error > self.kinds.bounds).any():
            return
        self.steps -= uses.size // _EXACT
        exact = np.array([math.fsum(use) for use in uses * number])
        gained = math.fsum(value * number)
        if gained > self.value and (exact <= self.kinds.bounds).all():
            self.best, self.value = counts, gained

    def _settled(self, bound: float) -> bool:
        """Whether a subtree of this bound is no better than the best answer, to within the gap."""
        if self.best is None or math.isinf(bound):
            return False
        settled = bound <= self.value + self.gap * max(abs(bound), abs(self.value))
        if settled:
            self.bound = max(self.bound, bound)
        return settled

    def _look(self, node: _Node, bound: float) -> None:
        """Settles a subtree, or splits it."""
        root, subtree = node.parent is None, self._subtree(node)
        if subtree is None:
            return
        self.steps -= _SUBTREE + len(self.milp.row)
        relaxed = self.milp.relax(subtree.low, subtree.high)
        if relaxed.amount is None and (subtree.breaks_one(self.kinds) or self._out_of_reach(subtree)):
            return
        prices = self.prices if relaxed.amount is None else relaxed.prices
        priced = Priced.at(self.kinds, subtree, self.kinds.value, prices)
        bound = min(bound, priced.bound)
        if relaxed.amount is not None:
            whole = np.rint(relaxed.amount).astype(np.int64)
            if np.array_equal(whole.sum(axis=1), self.kinds.count):
                self.consider(whole)
        if root:
            self.prices = prices
        if self._settled(bound):
            return
        if self.best is not None and math.isfinite(bound):
            subtree = priced.narrowed(subtree, self.kinds.count, self.value)
            if (subtree.low > subtree.high).any():
                return
        if self._list(subtree, priced):
            return
        if root and math.isfinite(bound):
            subtree = self._guessed(subtree, priced)
            if (subtree.low > subtree.high).any():
                return
        for split in subtree.splits(self.kinds.count, relaxed.amount, priced):
            self.pushed += 1
            heapq.heappush(self.open, (-bound, self.pushed, _Node(node, split)))

    def _guessed(self, root: Subtree, priced: Priced) -> Subtree:
        """What of the root may still be better than a first answer, which a few likely models make."""
        at = min(_LIKELY, priced.worth.shape[1]) - 1
        likely = priced.worth >= -np.partition(-priced.worth, at, axis=1)[:, [at]]
        few = Milp(self.kinds, likely | (priced.amount > 0))
        enough = priced.bound - _CLOSE * abs(priced.bound)
        guessed = few.branched(enough=enough, most_nodes=_GUESSED, time_limit_s=self.seconds)
        if guessed is not None:
            self.consider(guessed)
        if self.best is None:
            return root
        narrowed = priced.narrowed(root, self.kinds.count, self.value)
        if (narrowed.low <= narrowed.high).all():
            self.root, self.milp = narrowed, Milp(self.kinds, narrowed.high > 0)
        return narrowed

    def _subtree(self, node: _Node) -> Subtree | None:
        """The counts of a node; None where there are none."""
        splits = []
        while node.parent is not None and node.split is not None:
            splits.append(node.split)
            node = node.parent
        return self.root.within(self.kinds.count, splits)

    def _out_of_reach(self, subtree: Subtree) -> bool:
        """Whether prices show that nothing in this subtree keeps the limits."""
        prices = self.milp.certificate(subtree.low, subtree.high)
        return Priced.at(self.kinds, subtree, np.zeros(self.kinds.value.shape), prices).bound < 0

    def _list(self, subtree: Subtree, priced: Priced) -> bool:
        """Whether all that is left of a subtree could be looked at one by one."""
        found, looked = listed(self.kinds, subtree, priced, value=self.value, most=MOST_LISTED)
        self.steps -= looked * (len(self.prices) + _PART) // _PARTS
        if found is None:
            return False
        for at in range(len(found)):
            most = float(found.value[at]) + found.error
            if most <= self.value:
                break
            if at >= _MOST_CHECKED and self.best is not None:
                self.bound = max(self.bound, most)
                break
            self.consider(found.answer(at))
        return True
