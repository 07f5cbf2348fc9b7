"""What every model that answers can do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.request import Request

OnAnswer = Callable[[Answer], None]
"""Called with each answer as it comes, in any order."""


class Member(Protocol):
    """A model of the pool that can be asked."""

    @property
    def name(self) -> str:
        """Its name in the pool."""
        ...

    def answer(
        self, requests: Sequence[Request], *, signals: Sequence[str] = (), on_answer: OnAnswer | None = None
    ) -> Answers:
        """An answer to every request; one that failed for good has an `error` and no text.

        Args:
            requests: What is asked.
            signals: Signals to read off the answers, by name; those it cannot give are left out.
            on_answer: Called with each answer as it comes.
        """
        ...

    async def answer_one(self, request: Request, *, signals: Sequence[str] = ()) -> Answer:
        """The answer to one request, tried once.

        Raises:
            CallError: None came; it says whether another try may help, and when.
        """
        ...

    def most_usd(self, request: Request) -> float:
        """The most that one try can cost by the pool's prices, in USD: what a money cap sets aside for it."""
        ...
