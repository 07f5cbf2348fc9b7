"""A member that reads labelled turns before the one it is asked, those most like it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from sklearn.feature_extraction.text import TfidfVectorizer

from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.request import Request
from routoo.members.member import Member, OnAnswer
from routoo.orchestra.turn import required_state

_TASK = """Track the state of a dialogue. Reply with a JSON object of the slots that the last user turn \
fills or changes, with lower-case values, times as HH:MM and numbers as digits; {{}} if it changes none.
Slots: {slots}."""


@dataclass(frozen=True, eq=False)
class InContext:
    """A member whose every request is preceded by labelled turns (IC-DST, arXiv 2203.08568).

    Args:
        member: Who answers.
        labelled: Turns with their answers (see `lab_turns`).
        n_labelled: How many are read before each turn, the one most like it last.
    """

    member: Member
    labelled: pl.DataFrame
    n_labelled: int = 3

    @property
    def name(self) -> str:
        """Its name in the pool."""
        return self.member.name

    def answer(
        self, requests: Sequence[Request], *, signals: Sequence[str] = (), on_answer: OnAnswer | None = None
    ) -> Answers:
        """An answer to every request."""
        asked = [self._with_labelled(request) for request in requests]
        return self.member.answer(asked, signals=signals, on_answer=on_answer)

    async def answer_one(self, request: Request, *, signals: Sequence[str] = ()) -> Answer:
        """The answer to one request.

        Raises:
            CallError: None came.
        """
        return await self.member.answer_one(self._with_labelled(request), signals=signals)

    def most_usd(self, request: Request) -> float:
        """The most that one try can cost, in USD."""
        return self.member.most_usd(self._with_labelled(request))

    def messages(self, text: str) -> list[dict[str, str]]:
        """What the member is sent for a turn: the task, labelled turns as if it had answered, the turn."""
        likeness = (self._vectors @ self._vectoriser.transform([_spoken(text)]).T).toarray()[:, 0]
        nearest = np.argsort(-likeness, kind="stable")[: self.n_labelled][::-1]
        shown = self.labelled[nearest.tolist()].select("prompt", "answer").iter_rows()
        turns = [part for turn, answer in shown for part in (("user", turn), ("assistant", answer))]
        return [
            {"role": role, "content": content}
            for role, content in [("system", self._task), *turns, ("user", text)]
        ]

    def _with_labelled(self, request: Request) -> Request:
        return replace(request, prompt=self.messages(request.text))

    @cached_property
    def _vectoriser(self) -> TfidfVectorizer:
        return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(
            map(_spoken, self.labelled["prompt"])
        )

    @cached_property
    def _vectors(self) -> Any:  # Any: a sparse matrix, which scikit-learn leaves untyped
        return self._vectoriser.transform(map(_spoken, self.labelled["prompt"]))

    @cached_property
    def _task(self) -> str:
        slots = {slot for answer in self.labelled["answer"] for slot in required_state(answer, "an answer")}
        return _TASK.format(slots=", ".join(sorted(slots)))


def _spoken(turn: str) -> str:
    """The lines of a turn that were said."""
    return turn.partition("\n")[2]
