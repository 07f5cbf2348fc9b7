"""What all graders keep to, and the two that compare texts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.collect.graders.exact import ExactGrader
from routoo.collect.graders.grader import NO_ANSWER, Reference
from routoo.collect.graders.registry import GRADERS, grader_of
from routoo.collect.graders.text import TextGrader
from routoo.data.errors import InputError
from routoo.data.grade import Grade

OPTIONS = ("Rome", "Paris")
RIGHT = {"number": "12", "choice": "B", "json": '{"city": "Paris", "since": 987}', "regex": "Par.s"}
PIECES = [*"AB12.,-/%$ \n*#\\{}[]():\"'=x^e", "answer", " is ", "\\boxed{", "½", "٣"]
SPEAKS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


def reference(name: str) -> Reference:
    return Reference("Which?", (RIGHT.get(name, "Paris"),), OPTIONS)


def odd(value: object) -> Any:
    """What a caller without a type checker may give."""
    return value


@pytest.mark.parametrize("name", GRADERS)
@pytest.mark.parametrize("answer", [None, "", " \n\t"])
def test_no_answer_has_no_score(name: str, answer: str | None) -> None:
    assert grader_of(name, ask=lambda asked: "Score: 5").grade(answer, reference(name)) == NO_ANSWER


@pytest.mark.parametrize("name", [name for name in GRADERS if name != "judge"])
def test_the_right_answer_is_right(name: str) -> None:
    answer = "Paris" if name == "regex" else RIGHT.get(name, "Paris")
    assert grader_of(name).grade(answer, reference(name)) == Grade(1.0)


@pytest.mark.parametrize("name", [name for name in GRADERS if name != "judge"])
@pytest.mark.parametrize("answers", [(), ("",), (" ",)])
def test_a_prompt_without_a_right_answer_is_refused(name: str, answers: tuple[str, ...]) -> None:
    for answer in ("12", None):
        with pytest.raises(InputError, match=f"the grader {name} needs a right answer"):
            grader_of(name).grade(answer, Reference("Which?", answers, OPTIONS))


@pytest.mark.parametrize("name", GRADERS)
def test_an_answer_that_is_no_text_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="answer must be text, got a number"):
        grader_of(name, ask=str).grade(odd(12), reference(name))


@pytest.mark.parametrize("name", GRADERS)
def test_a_grader_describes_itself_in_json(name: str) -> None:
    found = grader_of(name, ask=str).describe()
    assert found["grader"] == name
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("name", GRADERS)
@given(answer=st.text() | SPEAKS, verdict=st.text() | SPEAKS)
@settings(max_examples=200, deadline=None)
def test_any_answer_has_a_grade(name: str, answer: str, verdict: str) -> None:
    grader = grader_of(name, ask=lambda asked: verdict)
    grade = grader.grade(answer, reference(name))
    assert (grade.score is None) == bool(grade.reason)
    assert answer.strip() or grade == NO_ANSWER
    assert grader.grade(f"\n{answer} ", reference(name)) == grade


@pytest.mark.parametrize("name", GRADERS)
@pytest.mark.parametrize(
    "piece",
    [
        "(",
        "{",
        "[1,",
        '{"a":',
        "answer is ",
        "\\boxed{",
        "1,",
        "1 ",
        "-",
        "<think>",
        "A ",
        "\\frac{",
        "1^",
        "```\n",
        "9",
    ],
)
def test_long_answers_are_graded_at_once(name: str, piece: str) -> None:
    answer = piece * (40_000 // len(piece))
    assert grader_of(name, ask=lambda asked: answer).grade(answer, reference(name)).score in (None, 0.0)


@pytest.mark.parametrize(
    ("answer", "exact", "text"),
    [
        ("Paris", 1, 1),
        (" Paris\n", 1, 1),
        ("paris", 0, 1),
        ("Paris.", 0, 1),
        ("**Paris**", 0, 1),
        ("`Paris`", 0, 1),
        ("```\nParis\n```", 0, 1),
        ('"Paris"', 0, 1),
        ("The Paris", 0, 1),
        ("Answer: Paris", 0, 1),
        ("It lies on the Seine.\n\nThe answer is **Paris**.", 0, 1),
        ("The answer is Paris.\nIt lies on the Seine.", 0, 1),
        (r"$\boxed{\text{Paris}}$", 0, 1),
        ("<think>Rome? No.</think>\nParis", 0, 1),
        ("Paris<|im_end|>", 0, 1),
        ("Lutetia", 0, 1),
        ("The answer is Paris. It lies on the Seine.", 0, 1),
        ("[THINK]Rome?[/THINK]Paris", 0, 1),
        ("<|channel|>analysis<|message|>Rome?<|end|><|channel|>final<|message|>Paris", 0, 1),
        ("Paris or Rome", 0, 0),
        ("The answer is Paris or Rome", 0, 0),
        ("Answer: Paris. No, wait. Answer: Rome", 0, 0),
        ("I'm sorry, but I can't help with that.", 0, 0),
    ],
)
def test_texts_that_are_compared(answer: str, exact: int, text: int) -> None:
    which = Reference("Capital of France?", ("Paris", "the lutetia"))
    assert ExactGrader().grade(answer, which) == Grade(exact)
    assert TextGrader().grade(answer, which) == Grade(text)


def test_signs_without_letters_are_compared_as_they_are() -> None:
    plus = Reference("Which operator adds?", ("+",))
    assert TextGrader().grade("`+`", plus) == Grade(1)
    assert TextGrader().grade("-", plus) == Grade(0)
    assert TextGrader().grade("!", Reference("Which sign negates?", ("?",))) == Grade(0)


@given(st.text(min_size=1).filter(str.strip))
def test_a_text_is_its_own_right_answer(text: str) -> None:
    assert ExactGrader().grade(text, Reference("Say it.", (text,))) == Grade(1)


@pytest.mark.parametrize("field", ["answers", "options"])
def test_a_single_text_is_no_list_of_answers_or_options(field: str) -> None:
    with pytest.raises(InputError, match=field):
        Reference("Which?", **{field: odd("Paris")})
    with pytest.raises(InputError, match="prompt must be text"):
        Reference(odd(None))
