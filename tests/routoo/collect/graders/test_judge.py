"""Judges: what they are asked, and which verdicts are read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from routoo.collect.graders.grader import Reference
from routoo.collect.graders.judge import AsyncJudgeGrader, JudgeGrader
from routoo.collect.graders.rubric import SCALES, TEMPLATE, UNREADABLE, Rubric
from routoo.data.errors import InputError
from routoo.data.grade import Grade

REFERENCE = Reference("Capital of France?", ("Paris", "Lutetia"))


def odd(value: object) -> Any:
    """What a caller without a type checker may give."""
    return value


@pytest.mark.parametrize(
    ("scale", "verdict", "score"),
    [
        ("0-1", "Score: 0.25", 0.25),
        ("0-1", "0.25", 0.25),
        ("0-1", "Score: 1", 1),
        ("0-1", "Score: .5", 0.5),
        ("1-5", "Score: 1", 0),
        ("1-5", "It is right.\n\nScore: 4", 0.75),
        ("1-5", "**Score:** 4", 0.75),
        ("1-5", "**Score: 4**", 0.75),
        ("1-5", "score = 4.", 0.75),
        ("1-5", "Score: 4/5", 0.75),
        ("1-5", "Score: 4 out of 5", 0.75),
        ("1-5", "Final score: [[4]]", 0.75),
        ("1-5", "Score: 4\nScore: 4.0", 0.75),
        ("1-5", "<think>Score: 1</think>\nScore: 5", 1),
        ("1-5", "5", 1),
        ("1-10", "Score: 10", 1),
        ("1-10", "Score: 10/10", 1),
        ("yes/no", "Score: yes", 1),
        ("yes/no", "No.", 0),
        ("yes/no", "It is.\nScore: **Yes**", 1),
    ],
)
def test_verdicts(scale: Any, verdict: str, score: float) -> None:
    assert Rubric(scale=scale).read(verdict) == Grade(score)


@pytest.mark.parametrize(
    ("scale", "verdict"),
    [
        ("0-1", "Score: 1.5"),
        ("0-1", "Score: -0.5"),
        ("0-1", "Score: 50%"),
        ("1-5", "Score: 0"),
        ("1-5", "Score: 6"),
        ("1-5", "Score: 4.5"),
        ("1-5", "Score: 4/10"),
        ("1-5", "Score: four"),
        ("1-5", "Score: 3\nScore: 4"),
        ("1-5", "Score:"),
        ("1-5", "Score: 4 or 5"),
        ("1-5", "I would give it a 4."),
        ("1-5", "٤"),
        ("1-5", ""),
        ("1-5", None),
        ("yes/no", "Score: perhaps"),
        ("yes/no", "Yes, it is."),
        ("yes/no", "Score: 1"),
    ],
)
def test_verdicts_that_cannot_be_read(scale: Any, verdict: object) -> None:
    assert Rubric(scale=scale).read(verdict) == UNREADABLE


@pytest.mark.parametrize("scale", SCALES)
def test_a_judge_sees_all_and_is_told_the_scale(scale: Any) -> None:
    asked = Rubric(scale=scale).render("It is {prompt}.", REFERENCE)
    for words in ("Capital of France?", "Paris\nLutetia", "It is {prompt}.", SCALES[scale]):
        assert asked.count(words) == 1
    assert "(none is known)" in Rubric().render("Paris", Reference("Capital?"))


def test_both_forms_ask_the_same_and_read_the_same() -> None:
    asked = []

    def ask(text: str) -> str:
        asked.append(text)
        return "Score: 4"

    async def later(text: str) -> str:
        return ask(text)

    rubric = Rubric("large", "1-5", 'Reply {"score": 1}. {answer}')
    now, then = JudgeGrader(ask, rubric), AsyncJudgeGrader(later, rubric)
    assert now.grade(" Paris ", REFERENCE) == asyncio.run(then.grade(" Paris ", REFERENCE)) == Grade(0.75)
    assert asked == ['Reply {"score": 1}. Paris'] * 2
    assert asyncio.run(then.grade(None, REFERENCE)) == Grade(None, "no answer")
    assert now.describe() == then.describe()
    assert now.describe() == {
        "grader": "judge",
        "judge": "large",
        "scale": "1-5",
        "template": rubric.template,
    }
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scale": "1-7"}, "scale must be one of 0-1, 1-5, 1-10, yes/no"),
        ({"template": "Good?"}, r"needs \{answer\}"),
        ({"template": "{answer} {gold}"}, "unknown places, gold; known are"),
    ],
)
def test_rubrics_that_cannot_be_used(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Rubric(**options)


def test_the_template_names_every_place() -> None:
    assert all(place in TEMPLATE for place in ("{prompt}", "{right_answers}", "{answer}", "{scale}"))
