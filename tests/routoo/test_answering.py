"""Each prompt goes to its own model, all at the same time, and what fails stops the others."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import pytest

from routoo.answering import answer
from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.chat import Prompt
from routoo.data.errors import InputError
from routoo.data.request import Request
from routoo.members.member import Member, OnAnswer
from routoo.members.recorded import RecordedModel

RECORD = Answers(
    pl.DataFrame(
        {
            "prompt_id": ["0", "1", "2", "0"],
            "model": ["small", "small", "large", "large"],
            "answer": ["s0", "s1", "l2", "l0"],
            "cost_usd": [1.0, 2.0, 30.0, None],
            "signal_refusal": [0.0, 0.0, 1.0, None],
        }
    )
)
MEMBERS: dict[str, Member] = {name: RecordedModel(name, RECORD) for name in ("small", "large")}


def test_each_prompt_goes_to_its_model() -> None:
    came: list[Answer] = []
    asked: list[Prompt | Request] = ["a", [{"role": "user", "content": "b"}], Request("2", "c")]
    answers = answer(MEMBERS, asked, ["large", "small", "large"], signals=["refusal"], on_answer=came.append)
    assert sorted(answers.rows["answer"].to_list()) == ["l0", "l2", "s1"]
    assert answers.rows.filter(pl.col("prompt_id") == "2")["signal_refusal"].item() == 1.0
    assert {one.answer for one in came} == {"l0", "l2", "s1"}


def test_prompts_have_names() -> None:
    answers = answer(MEMBERS, ["x"], ["small"], prompt_ids=["1"])
    assert answers.rows.select("prompt_id", "answer").row(0) == ("1", "s1")


@pytest.mark.parametrize(
    ("prompts", "models", "words"),
    [
        (["a"], ["small", "large"], "lengths must agree"),
        (["a"], ["huge"], "models names huge; known: small, large"),
        ("a", ["small"], "prompts must be a list of texts, got one text"),
        ([" "], ["small"], "expected text, got a blank one"),
        ([], [], "names no model"),
    ],
)
def test_what_cannot_be_asked_is_refused(prompts: Sequence[str], models: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        answer(MEMBERS, prompts, models)


@dataclass
class Endless:
    """A member that answers until it is stopped."""

    name: str
    others: threading.Event

    def answer(
        self, requests: Sequence[Request], *, signals: Sequence[str] = (), on_answer: OnAnswer | None = None
    ) -> Answers:
        assert on_answer is not None
        self.others.wait(5)
        while True:
            on_answer(Answer(prompt_id="0", model=self.name, answer="again"))

    async def answer_one(self, request: Request, *, signals: Sequence[str] = ()) -> Answer:
        raise NotImplementedError

    def most_usd(self, request: Request) -> float:
        return 0.0


def test_where_one_is_broken_off_the_others_end_with_their_next_answer() -> None:
    broke = threading.Event()
    endless = Endless("endless", broke)

    def on_answer(came: Answer) -> None:
        if came.model == "small":
            raise OSError("the disk is full")

    class Breaking(RecordedModel):
        def answer(
            self,
            requests: Sequence[Request],
            *,
            signals: Sequence[str] = (),
            on_answer: OnAnswer | None = None,
        ) -> Answers:
            try:
                return super().answer(requests, signals=signals, on_answer=on_answer)
            finally:
                broke.set()

    members: dict[str, Member] = {"small": Breaking("small", RECORD), "endless": endless}
    with pytest.raises(OSError, match="disk"):
        answer(members, ["a", "b"], ["small", "endless"], on_answer=on_answer)
