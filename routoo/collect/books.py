"""The books of a collection: every try is in the purse and in the journal before it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from routoo.collect.history import History
from routoo.collect.journal import Journal, Line
from routoo.collect.purse import Purse
from routoo.data.answer import Answer, no_answer
from routoo.data.answers import Answers
from routoo.data.errors import CallError
from routoo.data.grade import Grade
from routoo.data.request import Request
from routoo.members.member import Member, OnAnswer
from routoo.members.stopping import Stop, StoppedError


class Books:
    """Purse, journal and history of one folder, kept in step.

    Args:
        journal: Where it is written.
        history: What was written before.
        purse: The money.
        stop: What asks for no more tries.
    """

    def __init__(self, journal: Journal, history: History, purse: Purse, stop: Stop) -> None:
        self.journal, self.history, self.purse, self._stop = journal, history, purse, stop

    async def open(
        self, key: str, model: str, most_usd: float, *, judge: bool = False, wait: bool = True
    ) -> Line:
        """Sets money aside for a try, and writes so.

        Args:
            key: Of the call.
            model: Who is asked.
            most_usd: The most that the try can cost.
            judge: Whether it is asked to judge.
            wait: Whether to wait for what tries in flight may leave over.

        Raises:
            BudgetSpentError: There is none; nothing is written.
            StoppedError: No more tries are to be made; nothing is written.
            OSError: It cannot be written.
        """
        await self.purse.reserve(most_usd, wait=wait)
        tried = {"key": key, "model": model, "most_usd": most_usd, "judge": judge}
        try:
            if self._stop.asked:
                raise StoppedError
            self.journal.write("try", **tried)
        except BaseException:
            self.purse.settle(most_usd, 0.0)
            raise
        return tried

    def close(self, tried: Line, event: str, cost_usd: float | None, **fields: Any) -> None:  # Any: JSON
        """Writes in one line how a try ended and what it cost, and settles it."""
        line = {"event": event, "key": tried["key"], "cost_usd": cost_usd, **fields}
        try:
            self.journal.write(**line)
        finally:
            self.purse.settle(tried["most_usd"], cost_usd)
        self.history.settle(tried, cost_usd)
        self.history.keep(line)

    def grade(self, key: str, by: str, grade: Grade) -> None:
        """Writes a grade."""
        self.journal.write("grade", key=key, by=by, score=grade.score, reason=grade.reason)
        self.history.grade(key, by, grade)


class BookedMember:
    """A member each of whose tries is in the books before it is made, with its answer in one line after.

    Args:
        member: Who is asked.
        books: Where it is written.
        asked: Hash of the way in which it is asked.
        prompts: Hashes of the prompts, by id.
    """

    def __init__(self, member: Member, books: Books, *, asked: str, prompts: Mapping[str, str]) -> None:
        self.member, self.books = member, books
        self.asked, self.prompts = asked, prompts

    @property
    def name(self) -> str:
        """Its name in the pool."""
        return self.member.name

    def most_usd(self, request: Request) -> float:
        """See `Member.most_usd`."""
        return self.member.most_usd(request)

    def answer(
        self, requests: Sequence[Request], *, signals: Sequence[str] = (), on_answer: OnAnswer | None = None
    ) -> Answers:
        """See `Member.answer`; who calls it opens and closes the tries."""
        return self.member.answer(requests, signals=signals, on_answer=on_answer)

    async def answer_one(self, request: Request, *, signals: Sequence[str] = ()) -> Answer:
        """See `Member.answer_one`.

        Raises:
            CallError: None came.
            BudgetSpentError: The cap leaves no room for the try.
        """
        tried = await self.open(request)
        try:
            answer = await self.member.answer_one(request, signals=signals)
        except CallError as error:
            self.fail(tried, request, error)
            raise
        except BaseException:
            self.fail(tried, request, CallError("the call was broken off"))
            raise
        self.close(tried, request, answer)
        return answer

    def fail(self, tried: Line, request: Request, error: CallError) -> None:
        """Closes a try that brought no answer: another may be made, now or in a later run."""
        row = no_answer(request, self.name, str(error)).row()
        self.books.close(tried, "failure", error.cost_usd, row=row)

    async def open(self, request: Request, *, wait: bool = True) -> Line:
        """Opens a try; see `Books.open`."""
        assert request.key is not None  # for the type checker: every request of a collection has one
        return await self.books.open(request.key, self.name, self.most_usd(request), wait=wait)

    def close(self, tried: Line, request: Request, answer: Answer) -> None:
        """Closes a try with the answer that came."""
        row = answer.row()
        prompt = self.prompts[request.prompt_id]
        self.books.close(tried, "answer", answer.cost_usd, asked=self.asked, prompt=prompt, row=row)
