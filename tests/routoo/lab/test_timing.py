"""Some prompts are asked alone, and only these have seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.errors import CallError
from routoo.data.request import Request
from routoo.lab.timing import TimedAlone
from routoo.members.member import OnAnswer


@dataclass
class Counting:
    """A member that takes as many seconds as it is asked prompts at once."""

    name: str = "m"
    alone: list[str] = field(default_factory=list)

    def answer(
        self, requests: Sequence[Request], *, signals: Sequence[str] = (), on_answer: OnAnswer | None = None
    ) -> Answers:
        assert on_answer is not None
        for request in requests:
            on_answer(self._answer(request, float(len(requests))))
        return Answers.of([self._answer(request, 0.0) for request in requests])

    async def answer_one(self, request: Request, *, signals: Sequence[str] = ()) -> Answer:
        self.alone.append(request.prompt_id)
        if request.prompt_id == "broken":
            raise CallError("no weights")
        return self._answer(request, 1.0)

    def most_usd(self, request: Request) -> float:
        return 2.0

    def _answer(self, request: Request, seconds: float) -> Answer:
        return Answer(prompt_id=request.prompt_id, model="m", answer="4", latency_s=seconds)


def test_only_prompts_that_are_asked_alone_have_seconds() -> None:
    member = Counting()
    seen: list[Answer] = []
    timed = TimedAlone(member, frozenset({"b", "broken"}))
    requests = [Request(name, "?") for name in ("a", "b", "c", "broken")]
    found = timed.answer(requests, on_answer=seen.append)
    assert member.alone == ["b", "broken"]
    assert len(seen) == len(found) == 4
    seconds = {answer.prompt_id: answer.latency_s for answer in seen}
    assert seconds == {"a": None, "b": 1.0, "c": None, "broken": None}
    assert {answer.prompt_id: answer.error for answer in seen}["broken"] == "no weights"
    assert (timed.name, timed.most_usd(requests[0])) == ("m", 2.0)


def test_all_may_be_asked_alone() -> None:
    timed = TimedAlone(Counting(), frozenset({"a"}))
    assert len(timed.answer([Request("a", "?")])) == 1
