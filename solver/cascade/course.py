"""Cascades of many prompts under way: what each has asked, what came, and what comes next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from routoo.solver.cascade.belief import Array, Beliefs, Positions, place_of_same
from routoo.solver.cascade.lookahead import Lookahead, look_ahead
from routoo.solver.cascade.steps import Steps, steps_of, worth_a_look
from routoo.solver.cascade.terms import Terms

_HALVINGS = 60
_ROWS = 512
"""Prompts that have asked the same number of models and are looked at together."""


@dataclass(frozen=True, eq=False)
class _Group:
    """Cases that have as many answers and calls left, and what answers would tell them.

    Args:
        cases: Which ones.
        node: The row of `ahead` of each: cases of one prompt that asked the same share it.
        beliefs: Of each row of `ahead`.
        ahead: What answers are expected to tell.
        calls_left: Calls that each may still make.
    """

    cases: Positions
    node: Positions
    beliefs: Beliefs
    ahead: Lookahead
    calls_left: int


class Course:
    """Cases under way: a case is a prompt with its terms, and a prompt may be several cases.

    The caller asks what `steps` says, and says what came by `answered` and `failed`; a case whose step is to
    stop is over.

    Args:
        beliefs: Of each prompt before any model was asked.
        terms: Of each case: what is left is counted down as it goes.
        prompt: The prompt of each case; one case a prompt where it is left out.
    """

    def __init__(self, beliefs: Beliefs, terms: Terms, prompt: Positions | None = None) -> None:
        n_cases, n_models = terms.open.shape
        self.start, self.most = beliefs, terms.calls_left
        self.terms = replace(
            terms,
            open=terms.open.copy(),
            usd_left=terms.usd_left.copy(),
            seconds_left=terms.seconds_left.copy(),
        )
        self.prompt = np.arange(n_cases) if prompt is None else prompt
        self.over = np.zeros(n_cases, bool)
        self.asked = np.full((n_cases, terms.calls_left), -1)
        self.answers, self.calls = np.zeros(n_cases, np.intp), np.zeros(n_cases, np.intp)
        self.spent, self.seconds = np.zeros(n_cases), np.zeros(n_cases)
        self.log_ratio = np.zeros((len(beliefs), n_models))
        self.code = np.full((len(beliefs), n_models), -1)

    def steps(self, price: Array | None = None) -> Steps:
        """The next step of every case, at its price or another one; -1 and -1 for one that is over."""
        price = self.terms.price if price is None else price
        return self._steps(self._groups(price), price)

    def price_within(self, usd: float) -> tuple[float, Steps]:
        """The least price at which all further calls are expected to cost no more than this, and its steps.

        The sum of all plans' expected scores less what the money costs at a price is convex in it, so that
        the price that just spends the money is the dual price of the budget.
        """
        nothing = np.zeros(len(self.over))
        groups = [*self._groups(nothing)]

        def at(price: float) -> Steps:
            return self._steps(groups, np.full(len(self.over), price))

        steps = at(0.0)
        if steps.cost_usd.sum() <= usd:
            return 0.0, steps
        cheapest = self.terms.cost_usd[self.terms.cost_usd > 0].min(initial=np.inf)
        low, high = 0.0, 2.0 / cheapest  # there no call is worth its price but of the cheapest model
        for _ in range(_HALVINGS):
            middle = (low + high) / 2 if low else high / 1e6
            steps = at(middle)
            low, high = (low, middle) if steps.cost_usd.sum() <= usd else (middle, high)
            if high - low <= 1e-9 * high:
                break
        return high, at(high)

    def answered(
        self,
        cases: Positions,
        member: Positions,
        *,
        log_ratio: Array,
        code: Positions,
        usd: Array,
        seconds: Array,
    ) -> None:
        """Takes in an answer of each of these cases, one a case.

        Args:
            cases: Which ones.
            member: Who answered.
            log_ratio: What its signals say; see `Beliefs.after`.
            code: Equal numbers for equal answers of a prompt; -1 for one that equals no other.
            usd: What the call cost.
            seconds: By how much the answer came later than what was known before.
        """
        at = self.prompt[cases], member
        self.log_ratio[at], self.code[at] = log_ratio, code
        self.asked[cases, self.answers[cases]] = member
        self.answers[cases] += 1
        self._pay(cases, member, usd, seconds)

    def failed(self, cases: Positions, member: Positions, *, usd: Array, seconds: Array) -> None:
        """Counts a call that gave no answer: its model is passed over, and paid as it was."""
        self._pay(cases, member, usd, seconds)

    def stop(self, cases: Positions) -> None:
        """Ends these cases."""
        self.over[cases] = True

    @property
    def settled(self) -> tuple[Positions, Array]:
        """The model whose answer is given, of each case, and its P(correct); -1 and 0 where none answered."""
        return self.settled_of(np.arange(len(self.over)))

    def settled_of(self, cases: Positions) -> tuple[Positions, Array]:
        """The same of these cases."""
        chosen, p, answers = np.full(len(cases), -1), np.zeros(len(cases)), self.answers[cases]
        for count in np.unique(answers[answers > 0]):
            at = np.flatnonzero(answers == count)
            beliefs = self._beliefs(cases[at])
            chosen[at], p[at] = beliefs.best, beliefs.stopped
        return chosen, p

    def _pay(self, cases: Positions, member: Positions, usd: Array, seconds: Array) -> None:
        self.calls[cases] += 1
        self.spent[cases] += usd
        self.seconds[cases] += seconds
        self.terms.open[cases, member] = False
        self.terms.usd_left[cases] -= usd
        self.terms.seconds_left[cases] -= seconds

    def _beliefs(self, cases: Positions) -> Beliefs:
        """What is believed in these cases, all of which have as many answers."""
        prompt = self.prompt[cases]
        beliefs = self.start.rows(prompt)
        asked = self.asked[cases, : self.answers[cases[0]]]
        code = self.code[prompt[:, None], asked]
        for at in range(asked.shape[1]):
            same = place_of_same(code[:, :at], code[:, at])
            beliefs = beliefs.after(asked[:, at], self.log_ratio[prompt, asked[:, at]], same)
        return beliefs

    def _groups(self, price: Array) -> Iterator[_Group]:
        left = self.most - self.calls
        for answers, calls_left in sorted({*zip(self.answers[~self.over], left[~self.over], strict=True)}):
            cases = np.flatnonzero(~self.over & (self.answers == answers) & (left == calls_left))
            keys = np.column_stack([self.prompt[cases], self.asked[cases, :answers]])
            _, first, node = np.unique(keys, axis=0, return_index=True, return_inverse=True)
            for at in range(0, len(first), _ROWS):
                here = (node >= at) & (node < at + _ROWS)
                rows = cases[first[at : at + _ROWS]]
                yield self._group(cases[here], node[here] - at, rows, price, int(calls_left))

    def _group(
        self, cases: Positions, node: Positions, rows: Positions, price: Array, calls_left: int
    ) -> _Group:
        beliefs = self._beliefs(rows)
        terms = replace(self.terms.rows(cases), price=price[cases], calls_left=calls_left)
        looks = worth_a_look(beliefs.rows(node), terms)
        columns = np.flatnonzero((looks[0] | looks[1]).any(0))
        return _Group(cases, node, beliefs, look_ahead(beliefs, columns, calls=calls_left), calls_left)

    def _steps(self, groups: Iterable[_Group], price: Array) -> Steps:
        n = len(self.over)
        found = Steps(np.full(n, -1), np.full(n, -1), np.zeros(n), np.zeros(n))
        for group in groups:
            for cases, node in _in_parts(group.cases, group.node, group.ahead):
                terms = replace(self.terms.rows(cases), price=price[cases], calls_left=group.calls_left)
                first, second = worth_a_look(group.beliefs.rows(node), terms)
                part = steps_of(group.ahead.rows(node), terms, first, second)
                found.first[cases], found.second[cases] = part.first, part.second
                found.value[cases], found.cost_usd[cases] = part.value, part.cost_usd
        return found


def _in_parts(cases: Positions, node: Positions, ahead: Lookahead) -> Iterator[tuple[Positions, Positions]]:
    """Cases and their rows, a few thousand at once."""
    numbers = ahead.chance[0].size * max(len(ahead.columns), 1) if len(ahead.chance) else 1
    size = max(1, 4_000_000 // max(numbers, 1))
    for at in range(0, len(cases), size):
        yield cases[at : at + size], node[at : at + size]


def replayed(course: Course, log_ratio: Array, code: Positions, usd: Array, seconds: Array) -> Course:
    """Runs a course to its end on what was recorded of every prompt and model.

    Args:
        course: Before its first step.
        log_ratio: What signals say of each answer, ``(n_prompts, n_models)``.
        code: Equal numbers for equal answers of a prompt, -1 for those that equal no other, likewise.
        usd: What calls cost, likewise.
        seconds: How long they take, likewise.
    """
    while not course.over.all():
        steps = course.steps()
        course.stop(np.flatnonzero(steps.first < 0))
        asked = np.flatnonzero(steps.first >= 0)
        prompt, waited = course.prompt, np.zeros(len(course.over))
        for members in (steps.first, steps.second):
            cases = asked[members[asked] >= 0]
            at = prompt[cases], members[cases]
            later = np.maximum(seconds[at] - waited[cases], 0)
            waited[cases] += later
            course.answered(
                cases, members[cases], log_ratio=log_ratio[at], code=code[at], usd=usd[at], seconds=later
            )
    return course
