"""Answers that cannot be read: without a score, or wrong."""

from __future__ import annotations

import pytest

from routoo.collect.graders.grader import Reference
from routoo.collect.graders.registry import grader_of
from routoo.data.errors import InputError

FOUR = Reference("2 + 2?", ("4",))


@pytest.mark.parametrize(
    ("spec", "answer", "score"),
    [
        ("number", "I cannot say.", None),
        ("number:unread=missing", "I cannot say.", None),
        ("number:unread=wrong", "I cannot say.", 0.0),
        ("number:tolerance=0.5,unread=wrong", "4.2", 1.0),
        ("number:unread=wrong", "5", 0.0),
        ("number:unread=wrong", "", 0.0),
        ("number:unread=wrong", None, None),
        ("json:fields=a,unread=wrong", "no object", 0.0),
    ],
)
def test_only_what_came_can_be_wrong(spec: str, answer: str | None, score: float | None) -> None:
    reference = Reference("?", ('{"a": 1}',)) if spec.startswith("json") else FOUR
    grade = grader_of(spec).grade(answer, reference)
    assert grade.score == score
    assert grade.reason or answer in ("4.2", "5")


def test_a_grader_says_how_it_takes_what_it_cannot_read() -> None:
    assert grader_of("text:unread=wrong").describe() == {**grader_of("text").describe(), "unread": "wrong"}


def test_a_prompt_without_a_right_answer_is_refused_all_the_same() -> None:
    with pytest.raises(InputError, match="needs a right answer"):
        grader_of("text:unread=wrong").grade("4", Reference("2 + 2?", ()))
