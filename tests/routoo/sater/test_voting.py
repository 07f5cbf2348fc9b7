"""Votes by confidence, and the member that holds them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.errors import InputError
from routoo.data.request import Request
from routoo.members.recorded import RecordedModel
from routoo.sater.passing_on import PassingOn
from routoo.sater.refusals import REFUSAL
from routoo.sater.voting import ConfidenceVote, ranged
from routoo.sater.voting_model import VotingModel

ANSWERS = st.lists(st.sampled_from(["4", "5", None]), min_size=5, max_size=5)


@given(ANSWERS, st.sampled_from([0.2, 0.4, 0.5, 0.6, 1.0]), st.booleans())
def test_a_vote_that_is_decided_early_ends_as_it_would_have(
    answers: list[str | None], share: float, spread: bool
) -> None:
    vote = ConfidenceVote(ranged(5) if spread else (0.6,) * 5, share)
    end = vote.after(answers)
    assert end.decided
    for n in range(1, 5):
        early = vote.after(answers[:n])
        if early.decided and (early.answer is None or share > 0.5):
            assert early.answer == end.answer


def test_what_is_left_is_tried_in_every_way() -> None:
    vote = ConfidenceVote(ranged(4), 0.55)
    for drawn in product(["4", "5", None], repeat=2):
        ends = {vote.after([*drawn, *rest]).answer for rest in product(["4", "5", None], repeat=2)}
        assert vote.after(drawn).decided == (len(ends) == 1)


@pytest.mark.parametrize(
    ("thresholds", "share", "words"),
    [
        ((), 0.5, "at least one sample"),
        ((0.5, 0.0), 0.5, "must be above 0"),
        ((1.0,), 0.0, "must be above 0"),
    ],
)
def test_votes_that_cannot_be_held(thresholds: tuple[float, ...], share: float, words: str) -> None:
    with pytest.raises(InputError, match=words):
        ConfidenceVote(thresholds, share)


def _recorded(name: str, answers: dict[str, Sequence[str]]) -> RecordedModel:
    """A model whose samples are recorded; each costs 1 and takes a second."""
    rows = [
        Answer(
            prompt_id=prompt_id,
            model=name,
            answer=text,
            sample=sample,
            input_tokens=10,
            output_tokens=5,
            cost_usd=1.0,
            latency_s=1.0,
            signals={"refusal": float(text == REFUSAL)},
        )
        for prompt_id, texts in answers.items()
        for sample, text in enumerate(texts)
    ]
    return RecordedModel(name, Answers.of(rows))


REQUESTS = [Request("sure", "2 + 2?"), Request("split", "22 * 22?"), Request("lost", "222 * 222?")]
VOTER = _recorded(
    "small",
    {"sure": ["4"] * 4, "split": ["484", REFUSAL, "474", "484"], "lost": [REFUSAL, "1", REFUSAL, REFUSAL]},
)


def test_the_member_asks_until_its_vote_is_decided() -> None:
    member = VotingModel("vote", [VOTER] * 4, ConfidenceVote((0.5,) * 4, 0.75))
    one = {answer.prompt_id: answer for answer in _each(member)}
    assert {name: (one[name].answer, one[name].cost_usd) for name in one} == {
        "sure": ("4", 3.0),  # three of four votes
        "split": (REFUSAL, 3.0),  # after 484, a refusal and 474 none can have three
        "lost": (REFUSAL, 3.0),
    }
    assert one["sure"].signals == {"refusal": 0.0, "sample_agreement": 0.75}
    assert (one["split"].latency_s, one["split"].output_tokens) == (3.0, 15.0)


def test_one_at_a_time_is_the_same_as_all_at_once() -> None:
    member = VotingModel("vote", [VOTER] * 4, ConfidenceVote(ranged(4), 0.5))
    alone = [asyncio.run(member.answer_one(request, signals=("refusal",))) for request in REQUESTS]
    together = {a.prompt_id: a for a in _each(member)}
    for answer in alone:
        assert (answer.answer, answer.cost_usd) == (
            together[answer.prompt_id].answer,
            together[answer.prompt_id].cost_usd,
        )


def test_refusals_go_to_the_large_model_and_both_are_paid() -> None:
    large = _recorded("large", {name: ["right"] for name in ("sure", "split", "lost")})
    small = VotingModel("vote", [VOTER] * 4, ConfidenceVote((0.5,) * 4, 0.75))
    router = PassingOn("router", small=small, large=large)
    found: list[Answer] = []
    router.answer(REQUESTS, signals=("refusal",), on_answer=found.append)
    assert [answer.answer for answer in found] == ["4", "right", "right"]
    assert [answer.cost_usd for answer in found] == [3.0, 4.0, 4.0]
    assert [answer.signals["refusal"] for answer in found] == [0.0, 1.0, 1.0]
    for request, answer in zip(REQUESTS, found, strict=True):
        assert asyncio.run(router.answer_one(request, signals=("refusal",))) == answer


def _each(member: VotingModel) -> list[Answer]:
    found: list[Answer] = []
    member.answer(REQUESTS, signals=("refusal", "sample_agreement"), on_answer=found.append)
    return found
