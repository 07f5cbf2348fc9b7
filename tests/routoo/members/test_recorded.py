"""What was recorded comes again as it was, and nothing else."""

from __future__ import annotations

import asyncio
import math
import time

import polars as pl
import pytest

from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.errors import CallError, InputError
from routoo.data.outcomes import Outcomes
from routoo.data.request import Request
from routoo.members.calling import call_member
from routoo.members.recorded import RecordedModel

RECORD = Answers.of(
    [
        Answer(prompt_id="q", model="small", answer="4", cost_usd=1e-6, latency_s=0.5, finish_reason="stop"),
        Answer(prompt_id="q", model="small", sample=1, answer="5", cost_usd=3e-6, samples=("5", "5", "4")),
        Answer(prompt_id="r", model="small", answer="6", signals={"refusal": 0.0, "sample_agreement": 0.5}),
        Answer(prompt_id="s", model="small", answer=None, error="busy", cost_usd=0.0),
        Answer(prompt_id="q", model="large", answer="four", cost_usd=1e-3),
    ]
)
SMALL = RecordedModel("small", RECORD)
OUTCOMES = Outcomes(
    pl.DataFrame({"prompt_id": ["1", "2", "3"], "prompt": ["2 + 2?", "3 + 3?", "4 + 4?"], "answer": "right"}),
    pl.DataFrame(
        {
            "prompt_id": ["1", "2", "1"],
            "model": ["small", "small", "large"],
            "score": [1.0, 0.5, 0.0],
            "response": ["4", None, "5"],
            "cost_usd": [1e-6, 2e-6, 1e-3],
            "signal_refusal": [0.0, 1.0, None],
        }
    ),
)


def one(member: RecordedModel, request: Request, *signals: str) -> Answer:
    return asyncio.run(member.answer_one(request, signals=signals))


def test_an_answer_is_as_it_was_recorded() -> None:
    assert one(SMALL, Request("q", "2 + 2?")) == Answer(
        prompt_id="q", model="small", answer="4", cost_usd=1e-6, latency_s=0.5, finish_reason="stop"
    )
    second = one(SMALL, Request("q", "2 + 2?", sample=1))
    assert (second.sample, second.answer, second.samples) == (1, "5", ("5", "5", "4"))
    assert one(RecordedModel("large", RECORD), Request("q", "2 + 2?")).answer == "four"


def test_signals_are_given_that_are_asked_for_and_were_recorded() -> None:
    request = Request("r", "3 + 3?")
    assert one(SMALL, request).signals == {}
    assert one(SMALL, request, "refusal", "sequence_log_prob_sum").signals == {"refusal": 0.0}
    assert one(SMALL, Request("q", "2 + 2?"), "refusal").signals == {}
    assert SMALL.answer([request], signals=["sample_agreement"]).signals == ("signal_sample_agreement",)


def test_what_failed_fails_again_and_what_was_not_recorded_is_an_error() -> None:
    assert one(SMALL, Request("s", "8 / 0?")).error == "busy"
    with pytest.raises(CallError, match="no answer to it was recorded") as found:
        one(SMALL, Request("q", "2 + 2?", sample=2))
    assert (found.value.retryable, found.value.cost_usd) == (False, 0.0)


def test_a_batch_says_the_same_as_one_by_one() -> None:
    requests = [
        Request("z", "?", sample=3),
        Request("q", "?", sample=1),
        Request("s", "?"),
        Request("q", "?"),
        Request("r", "?"),
    ]
    came: list[Answer] = []
    batch = SMALL.answer(requests, signals=["refusal"], on_answer=came.append)
    singly = [asyncio.run(call_member(SMALL, request, signals=["refusal"])) for request in requests]
    assert came == singly
    names = sorted(batch.rows.columns)
    assert Answers.of(singly).rows.select(names).equals(batch.rows.select(names))


def test_outcomes_are_answers_with_scores() -> None:
    small = RecordedModel("small", OUTCOMES)
    asked = [Request("1", "2 + 2?"), Request("2", "3 + 3?"), Request("3", "4 + 4?")]
    assert one(small, asked[0], "refusal") == Answer(
        prompt_id="1", model="small", answer="4", cost_usd=1e-6, signals={"refusal": 0.0}
    )
    assert small.answer(asked).rows["answer"].to_list() == ["4", "", None]
    scores = small.scores(asked).tolist()
    assert scores[:2] == [1.0, 0.5]
    assert math.isnan(scores[2])
    assert math.isnan(SMALL.scores([Request("q", "?")])[0])


def test_a_prompt_of_unknown_name_is_found_by_its_text() -> None:
    small = RecordedModel("small", OUTCOMES)
    assert one(small, Request("mine", "2 + 2?")).prompt_id == "mine"
    assert small.answer([Request("mine", "2 + 2?"), Request("1", "2 + 2?")]).rows["answer"].to_list() == [
        "4",
        "4",
    ]
    assert small.scores([Request("mine", "3 + 3?")])[0] == 0.5
    with pytest.raises(CallError):
        one(small, Request("mine", "4 + 4?"))


@pytest.mark.parametrize(
    ("request_", "most"),
    [(Request("q", "?"), 1e-6), (Request("r", "?"), 3e-6), (Request("z", "?"), 0.0)],
    ids=["recorded", "of unknown cost", "not recorded"],
)
def test_the_most_that_it_costs_is_what_it_did(request_: Request, most: float) -> None:
    assert SMALL.most_usd(request_) == most


def test_a_model_that_never_answered_is_refused() -> None:
    with pytest.raises(InputError, match="no answers of huge in answers; it has large, small"):
        RecordedModel("huge", RECORD)
    with pytest.raises(InputError, match="at least one"):
        SMALL.answer([])
    with pytest.raises(InputError, match="repeated"):
        SMALL.answer([Request("q", "?")] * 2)


def test_a_hundred_thousand_are_replayed_in_seconds() -> None:
    n = 100_000
    ids = [str(at) for at in range(n)]
    rows = {"prompt_id": ids, "model": ["m"] * n, "answer": ids, "cost_usd": 1e-6, "signal_refusal": 0.0}
    member = RecordedModel("m", Answers(pl.DataFrame(rows)))
    requests = [Request(name, "2 + 2?") for name in ids]
    started = time.process_time()
    assert member.answer(requests, signals=["refusal"]).rows["answer"].n_unique() == n
    assert time.process_time() - started < 3

    async def each() -> int:
        return len({(await member.answer_one(request)).answer for request in requests})

    started = time.process_time()
    assert asyncio.run(each()) == n
    assert time.process_time() - started < 8
