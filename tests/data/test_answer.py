"""An answer is one or says why it is none, and many are a record."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.errors import InputError


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"answer": None}, "answer of m to q: expected an answer or an error"),
        ({"answer": None, "error": ""}, "expected an answer or an error"),
        ({"cost_usd": -1}, "cost_usd must be a finite number"),
        ({"cost_usd": math.nan}, "cost_usd must be"),
        ({"latency_s": math.inf}, "latency_s must be a finite number"),
        ({"output_tokens": "5"}, "output_tokens must be"),
        ({"sample": 0.5}, "sample must be a whole number"),
        ({"prompt_id": 1}, "prompt_id must be text"),
        ({"samples": "4"}, "samples must be a list of names, got one text"),
    ],
)
def test_what_cannot_be_an_answer_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Answer(**{"prompt_id": "q", "model": "m", "answer": "4", **fields})


def test_the_record_of_answers_keeps_what_is_known_of_any() -> None:
    first = Answer(prompt_id="q", model="m", answer="4", cost_usd=1, signals={"refusal": 0.0})
    second = Answer(prompt_id="q", model="n", answer=None, error="busy", samples=("4", "5"))
    rows = Answers.of([second, first], name="mine").rows
    assert rows["model"].to_list() == ["m", "n"]
    assert rows["cost_usd"].to_list() == [1, None]
    assert rows["signal_refusal"].to_list() == [0.0, None]
    assert rows["error"].to_list() == [None, "busy"]
    assert rows["samples"].to_list() == [None, ["4", "5"]]


@pytest.mark.parametrize("answers", [[], [Answer(prompt_id="q", model="m", answer="4")] * 2, ["4"]])
def test_no_answer_or_one_twice_is_no_record(answers: list[Any]) -> None:
    with pytest.raises(InputError):
        Answers.of(answers)


NUMBER = st.none() | st.floats(0, 1e6, width=32)
NAMES = ("answer", "cost_usd", "latency_s")


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.none() | st.just("4"), NUMBER, NUMBER), min_size=1, max_size=8))
def test_numbers_make_the_round_trip(found: list[tuple[str | None, float | None, float | None]]) -> None:
    answers = Answers.of(
        Answer(
            prompt_id="q", model="m", sample=at, answer=text, error="busy", cost_usd=cost, latency_s=seconds
        )
        for at, (text, cost, seconds) in enumerate(found)
    )
    none = [None] * len(found)
    columns = [answers.rows[name].to_list() if name in answers.rows.columns else none for name in NAMES]
    assert list(zip(*columns, strict=True)) == found
