"""Generated dialogues: their changes add up, and say what was said."""

from __future__ import annotations

import json

import polars as pl
import pytest

from routoo.collect.graders.grader import Reference
from routoo.collect.graders.registry import grader_of
from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.request import Request
from routoo.lab.dialogues.corpus import recorded_turns, training_turns
from routoo.lab.dialogues.in_context import InContext
from routoo.lab.dialogues.schema import SERVICES, TRAVEL, Domain
from routoo.lab.dialogues.simulate import lab_turns
from routoo.members.recorded import RecordedModel
from routoo.orchestra.turn import aggregated, required_state

TURNS = lab_turns(200)


@pytest.mark.parametrize("domains", [TRAVEL, SERVICES])
def test_each_state_is_what_the_changes_before_it_add_up_to(domains: tuple[Domain, ...]) -> None:
    slots = {f"{d.name}-{s}" for d in domains for s in [*d.slots, *dict(d.nearby), "name"]}
    for _, rows in lab_turns(60, domains=domains).group_by("dialogue"):
        ordered = rows.sort("turn")
        changes = [required_state(text, "answer") for text in ordered["answer"]]
        states = [required_state(text, "state") for text in ordered["state"]]
        assert states == [{}, *aggregated(changes)[:-1]]
        assert {slot for change in changes for slot in change} <= slots


def test_dialogues_have_what_makes_them_hard() -> None:
    texts, answers = TURNS["prompt"].to_list(), [json.loads(text) for text in TURNS["answer"]]
    assert TURNS.group_by("dialogue").agg(pl.col("domain").n_unique())["domain"].min() >= 2  # type: ignore[operator]  # an integer
    assert 0.05 < sum(not change for change in answers) / len(answers) < 0.3
    for phenomenon in ("Actually, make that", "same day as the", "the day after tomorrow", "wife", "quarter"):
        assert any(phenomenon in text for text in texts), phenomenon
    users = [text.rpartition("User: ")[2] for text in texts]
    assert 0.2 < sum(user == user.lower() for user in users) / len(users) < 0.7


def test_the_first_dialogues_are_the_same_whatever_comes_after() -> None:
    assert lab_turns(7).equals(TURNS.head(len(lab_turns(7))))
    assert not set(training_turns(100)["prompt_id"]) & set(recorded_turns(20)["prompt_id"])


def test_right_answers_are_right_and_others_wrong() -> None:
    for prompt, answer, spec in TURNS.head(100).select("prompt", "answer", "grader").iter_rows():
        grader, reference = grader_of(spec), Reference(prompt, (answer,))
        assert grader.grade(answer, reference).score == 1
        further = json.dumps({**json.loads(answer), "hotel-odd": "1"})
        assert grader.grade(further, reference).score == 0
        assert grader.grade("I do not know.", reference).score == 0


def test_a_member_reads_the_labelled_turns_most_like_its_own() -> None:
    labelled = lab_turns(20, seed=5)
    member = RecordedModel(
        "model", Answers.of([Answer(prompt_id="t", model="model", answer="{}")], name="model")
    )
    asked = InContext(member, labelled, n_labelled=2)
    turn, answer = labelled.select("prompt", "answer").row(3)
    sent = asked.messages(turn)
    assert [message["role"] for message in sent] == ["system", *["user", "assistant"] * 2, "user"]
    assert [message["content"] for message in sent[-3:]] == [turn, answer, turn]
    assert "hotel-area" in sent[0]["content"]
    assert asked.answer([Request("t", turn)]).rows["answer"].to_list() == ["{}"]
