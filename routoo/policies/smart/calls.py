"""Where answers to items come from: from members, or from what was recorded of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from routoo.data.answer import Answer
from routoo.data.errors import InputError
from routoo.data.request import Request
from routoo.members.calling import Retries
from routoo.members.clock import Clock
from routoo.members.member import Member
from routoo.policies.asking import Asking, Call
from routoo.policies.smart.equivalence import EQUIVALENCES, Equivalence
from routoo.policies.smart.record import Key, Record


class Calls(Protocol):
    """Gives answers, and says which are the same."""

    async def ask(self, calls: Mapping[Key, int]) -> dict[Key, Answer]:
        """The answers of models to items, by what is asked; each call names an item that asks it."""
        ...

    async def same(self, item: int, answer: str, reference: str) -> bool:
        """Whether an answer to an item says what the reference's does."""
        ...


class LiveCalls:
    """Asks members, and keeps in a record what comes; what is known there is not asked again.

    Args:
        requests: The items.
        members: Who can be asked, by name.
        record: What is known.
        equivalence: When two answers are the same.
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
        retries: Retries | None,
        clock: Clock | None,
    ) -> None:
        self._requests, self._members, self._record = requests, members, record
        self._equivalence = equivalence
        self._asking = Asking(
            members, requests, signals=(), purse=None, retries=retries, clock=clock, kept=record
        )

    async def ask(self, calls: Mapping[Key, int]) -> dict[Key, Answer]:
        """See `Calls.ask`."""
        new = {key: item for key, item in calls.items() if key not in self._record.answers}
        if new:
            self._record.begin(
                {key: self._members[key[0]].most_usd(self._requests[item]) for key, item in new.items()}
            )
            await self._asking.ask([Call(item, model, math.inf) for (model, _), item in new.items()])
        return {key: self._record.answers[key] for key in calls}

    async def same(self, item: int, answer: str, reference: str) -> bool:
        """See `Calls.same`.

        Raises:
            InputError: The user's function raised.
        """
        if self._equivalence.known is not None:
            return self._equivalence.known(answer, reference)
        found = self._record.verdict(answer, reference)
        if found is None:
            found = await self._equivalence.verdict(self._requests[item], answer, reference)
            self._record.judge(answer, reference, found)
        return found.same


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

    async def same(self, item: int, answer: str, reference: str) -> bool:
        """See `Calls.same`.

        Raises:
            InputError: A verdict is not there.
        """
        if self._known is not None:
            return self._known(answer, reference)
        found = self._record.verdict(answer, reference)
        if found is None:
            raise InputError(
                f"the journal lacks what was said of two answers to {self._record.items.ids[item]}"
            )
        return found.same
