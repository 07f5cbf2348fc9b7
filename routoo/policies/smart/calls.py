"""Where answers to items come from: from members, or from what was recorded of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np

from routoo.collect.purse import BudgetSpentError, Purse
from routoo.data.answer import Answer
from routoo.data.errors import InputError
from routoo.data.request import Request
from routoo.members.calling import Retries
from routoo.members.clock import Clock
from routoo.members.member import Member
from routoo.policies.asking import Asking, Call
from routoo.policies.smart.equivalence import EQUIVALENCES, Equivalence, Verdict
from routoo.policies.smart.record import Key, Record, pair_of


class Calls(Protocol):
    """Gives answers, and says which are the same."""

    async def ask(self, calls: Mapping[Key, int]) -> dict[Key, Answer]:
        """The answers of models to items, by what is asked; each call names an item that asks it."""
        ...

    async def same(self, item: int, answer: str, reference: str) -> Verdict:
        """Whether an answer to an item says what the reference's does, and what telling that cost."""
        ...


class LiveCalls:
    """Asks members, and keeps in a record what comes; what is known there is not asked again.

    Args:
        requests: The items.
        members: Who can be asked, by name.
        record: What is known.
        equivalence: When two answers are the same.
        signals: What is to be read off answers, by name.
        purse: The money; None where it is not limited.
        retries: How often, and how long, a member is asked that did not answer.
        clock: Where time comes from.
    """

    def __init__(
        self,
        requests: Sequence[Request],
        members: Mapping[str, Member],
        record: Record,
        equivalence: Equivalence,
        *,
        signals: Sequence[str],
        purse: Purse | None,
        retries: Retries | None,
        clock: Clock | None,
    ) -> None:
        self._requests, self._members, self._record = requests, members, record
        self._equivalence, self._purse = equivalence, purse
        self._asking = Asking(
            members, requests, signals=signals, purse=purse, retries=retries, clock=clock, kept=record
        )

    async def ask(self, calls: Mapping[Key, int]) -> dict[Key, Answer]:
        """See `Calls.ask`.

        Raises:
            BudgetSpentError: There is no money for all of them; those that could be paid were made.
        """
        new = [(key, item) for key, item in calls.items() if key not in self._record.answers]
        while new:
            most = {key: self._members[key[0]].most_usd(self._requests[item]) for key, item in new}
            now, new = new[: (n := self._affordable(most.values()))], new[n:]
            self._record.begin({key: most[key] for key, _ in now})
            came = await self._asking.ask([Call(item, model, math.inf) for (model, _), item in now])
            poor = {(each.call.model, each.call.prompt) for each in came if each.answer is None}
            self._settle([key for key, item in now if (key[0], item) in poor])
            if poor:
                raise self._spent()
        return {key: self._record.answers[key] for key in calls}

    async def same(self, item: int, answer: str, reference: str) -> Verdict:
        """See `Calls.same`.

        Raises:
            InputError: The user's function raised.
            BudgetSpentError: There is no money for the judge.
        """
        if self._equivalence.known is not None:
            return Verdict(self._equivalence.known(answer, reference))
        found = self._record.verdict(answer, reference)
        if found is None:
            judged = self._requests[item], answer, reference
            most = self._equivalence.most_usd(*judged)
            if most is not None:
                self._affordable([most])
                self._record.begin({pair_of(answer, reference): most})
            try:
                found = await self._equivalence.verdict(*judged, purse=self._purse)
            except BudgetSpentError:
                self._settle([pair_of(answer, reference)])
                raise self._spent() from None
            self._record.judge(answer, reference, found)
            self._settle([])
        return found

    def _affordable(self, most: Iterable[float]) -> int:
        """How many of these calls, at the most that each can cost, are within the money; at least one.

        Raises:
            BudgetSpentError: Not even the first.
        """
        costs = list(most)
        if self._purse is None:
            return len(costs)
        n = int((np.cumsum(costs) <= self._purse.left_usd).sum())
        if not n:
            raise self._spent(costs[0])
        return n

    def _settle(self, given_up: Sequence[Key]) -> None:
        """Has the record count what the purse counted."""
        if self._purse is not None:
            self._record.settle(self._purse.spent_usd, given_up)

    def _spent(self, most: float | None = None) -> BudgetSpentError:
        assert self._purse is not None  # for the type checker: there is a cap
        one = "a further try" if most is None else f"a call that can cost {most:.4g} USD"
        return BudgetSpentError(
            f"{self._purse.spent_usd:.4g} USD of budget_usd {self._purse.cap_usd:.4g} are spent, "
            f"which leaves no room for {one}: run again with more; answers are kept in the journal"
        )


class RecordedCalls:
    """What a record holds, and nothing else.

    Args:
        record: Of a run that ended.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._known = EQUIVALENCES.get(record.about["equivalence"])

    async def ask(self, calls: Mapping[Key, int]) -> dict[Key, Answer]:
        """See `Calls.ask`.

        Raises:
            InputError: An answer is not there.
        """
        if missing := [key for key in calls if key not in self._record.answers]:
            model, item = missing[0][0], self._record.items.ids[calls[missing[0]]]
            raise InputError(
                f"the journal lacks {len(missing)} answers that the run needs, the first that of {model} to "
                f"item {item}"
            )
        return {key: self._record.answers[key] for key in calls}

    async def same(self, item: int, answer: str, reference: str) -> Verdict:
        """See `Calls.same`.

        Raises:
            InputError: A verdict is not there.
        """
        if self._known is not None:
            return Verdict(self._known(answer, reference))
        found = self._record.verdict(answer, reference)
        if found is None:
            raise InputError(
                f"the journal lacks what was said of two answers to {self._record.items.ids[item]}"
            )
        return found
