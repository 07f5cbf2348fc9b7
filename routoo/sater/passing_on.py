"""A member that asks another where the first one refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.request import Request
from routoo.members.member import Member, OnAnswer
from routoo.sater.sums import added


class PassingOn:
    """A small member that answers or refuses, and a large one that answers what it refuses.

    With a member at a threshold this is the pre-generation routing of Shen et al. (2025); with a
    `VotingModel` their cascade. Where the small one fails the large one is asked too. Costs, tokens and
    seconds are those of all calls; the signal `refusal` says whether the prompt was passed on.

    Args:
        name: Its name in the pool.
        small: Who is asked first; its answers bear the signal `refusal`.
        large: Who is asked after a refusal.
    """

    def __init__(self, name: str, *, small: Member, large: Member) -> None:
        self.name, self.small, self.large = name, small, large

    def answer(
        self, requests: Sequence[Request], *, signals: Sequence[str] = (), on_answer: OnAnswer | None = None
    ) -> Answers:
        """An answer to every request; see `Member.answer`."""
        first: dict[tuple[str, int], Answer] = {}
        second: dict[tuple[str, int], Answer] = {}
        self.small.answer(requests, signals=("refusal",), on_answer=lambda one: _put(first, one))
        passed = [request for request in requests if _refused(first[request.prompt_id, request.sample])]
        if passed:
            self.large.answer(passed, on_answer=lambda one: _put(second, one))
        found = []
        for request in requests:
            key = request.prompt_id, request.sample
            found.append(self._answer(first[key], second.get(key), signals))
            if on_answer is not None:
                on_answer(found[-1])
        return Answers.of(found, name=self.name)

    async def answer_one(self, request: Request, *, signals: Sequence[str] = ()) -> Answer:
        """The answer to one request; see `Member.answer_one`.

        Raises:
            CallError: A member gave none.
        """
        first = await self.small.answer_one(request, signals=("refusal",))
        second = await self.large.answer_one(request) if _refused(first) else None
        return self._answer(first, second, signals)

    def most_usd(self, request: Request) -> float:
        """What both may cost together."""
        return self.small.most_usd(request) + self.large.most_usd(request)

    def _answer(self, first: Answer, second: Answer | None, signals: Sequence[str]) -> Answer:
        read = {"refusal": float(second is not None)} if "refusal" in signals else {}
        if second is None:
            return replace(first, model=self.name, signals=read)
        return replace(
            second,
            model=self.name,
            signals=read,
            latency_first_s=None,
            latency_s=added((first.latency_s, second.latency_s)),
            cost_usd=added((first.cost_usd, second.cost_usd)),
            input_tokens=added((first.input_tokens, second.input_tokens)),
            output_tokens=added((first.output_tokens, second.output_tokens)),
        )


def _put(found: dict[tuple[str, int], Answer], answer: Answer) -> None:
    found[answer.prompt_id, answer.sample] = answer


def _refused(answer: Answer) -> bool:
    return answer.error is not None or bool(answer.signals.get("refusal"))
