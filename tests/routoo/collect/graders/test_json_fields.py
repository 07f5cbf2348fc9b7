"""The JSON grader against shares worked out by hand."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from routoo.collect.graders.final_answer import turn
from routoo.collect.graders.grader import Reference
from routoo.collect.graders.json_fields import JsonGrader
from routoo.data.errors import InputError
from routoo.data.grade import Grade

GOLD = '{"name": "Ada", "born": 1815, "tags": ["a", 1.5], "ok": true}'
NONE, SEVERAL = Grade(None, "no JSON object in the answer"), Grade(None, "several JSON objects in the answer")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def grade(answer: str, gold: str = GOLD, *fields: str) -> Grade:
    return JsonGrader(fields).grade(answer, Reference("Who?", (gold,)))


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        (GOLD, 1),
        (f"```json\n{GOLD}\n```", 1),
        (f"```\n{GOLD}\n```\nThat is all.", 1),
        (f"Here it is: {GOLD}. Anything else?", 1),
        (f"<think>{{}}</think>{GOLD}", 1),
        (f"{GOLD}\n{GOLD}", 1),
        (f'For example {{"name": "..."}}.\n\nAnswer: {GOLD}', 1),
        (f'For {{name}} use ```json\n{GOLD}\n``` and never {{"a": 1}}', 1),
        ('{"name": " Ada ", "born": "1,815", "tags": ["a", "1.50"], "ok": true, "more": 0}', 1),
        ('{"name": "ada", "born": 1815.0, "tags": ["a", 15e-1], "ok": true}', 0.75),
        ('{"name": "Ada", "born": 1815, "tags": [1.5, "a"], "ok": 1}', 0.5),
        ('{"name": "Ada"}', 0.25),
        ('{"person": {"name": "Ada"}}', 0),
        ("{}", 0),
    ],
)
def test_shares_of_fields(answer: str, score: float) -> None:
    assert grade(answer) == Grade(score)
    strict = JsonGrader(all_or_nothing=True).grade(answer, Reference("Who?", (GOLD,)))
    assert strict == Grade(float(score == 1))


@pytest.mark.parametrize(
    ("gold", "answer", "score"),
    [
        ('{"day": "friday"}', '{"day": "friday"}', 1),
        ('{"day": "friday"}', '{"day": "friday", "people": "2"}', 0),
        ('{"day": "friday", "people": "2"}', '{"people": 2}', 0.5),
        ("{}", "{}", 1),
        ("{}", '{"day": "friday"}', 0),
    ],
)
def test_further_fields_are_wrong_where_only_these_may_be_there(gold: str, answer: str, score: float) -> None:
    assert JsonGrader(only=True).grade(answer, Reference("Which change?", (gold,))) == Grade(score)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Ada, 1815", NONE),
        ("{'name': 'Ada'}", NONE),
        ('{"name": "Ada",}', NONE),
        ('{"name": "Ada"', NONE),
        ('{"born": NaN}', NONE),
        ('{"born": 1e999999999}', NONE),
        ('["Ada"]', NONE),
        ("I'm sorry, but I can't help with that.", NONE),
        ('{"name": "Ada"} or {"name": "Eve"}', SEVERAL),
        ('[{"name": "Ada"}, {"name": "Eve"}]', SEVERAL),
        ('```json\n{"name": "Ada"}\n```\n```json\n{"name": "Eve"}\n```', SEVERAL),
    ],
)
def test_what_holds_no_object(answer: str, expected: Grade) -> None:
    assert grade(answer) == expected


def test_only_the_named_fields_count_and_the_best_right_answer() -> None:
    assert grade('{"name": "Ada", "born": 1}', GOLD, "name") == Grade(1)
    both = Reference("Who?", ('{"name": "Eve", "born": 1}', '{"name": "Ada", "born": 1}'))
    assert JsonGrader().grade('{"name": "Ada", "born": 2}', both) == Grade(0.5)


def test_null_is_a_value_and_a_missing_field_is_none() -> None:
    assert grade('{"a": null}', '{"a": null}') == Grade(1)
    assert grade('{"b": 1}', '{"a": null}') == Grade(0)
    assert grade('{"a": "null"}', '{"a": null}') == Grade(0)
    assert grade('{"a": 0}', '{"a": false}') == Grade(0)
    assert grade('{"a": "x"}', '{"a": 1}') == Grade(0)


@pytest.mark.parametrize("gold", ["Ada", "[1]", "{}", '{"a": 1,}', "null"])
def test_a_right_answer_that_is_no_object_is_refused(gold: str) -> None:
    with pytest.raises(InputError, match="a JSON object with fields") as error:
        grade("{}", gold)
    assert "Ada" not in str(error.value)


def test_a_field_that_the_right_answer_lacks_is_refused() -> None:
    with pytest.raises(InputError, match="lacks date; it has name, born, tags, ok"):
        grade(GOLD, GOLD, "name", "date")


@given(st.dictionaries(st.text(), VALUES, min_size=1, max_size=4), st.booleans())
@example({"<|0|>": None}, False)
def test_an_object_is_its_own_right_answer(value: dict[str, object], fenced: bool) -> None:
    """But where its text has a mark that ends a model's turn: what comes after that is no answer."""
    text = json.dumps(value)
    assume(turn(text) == text)
    assert grade(f"```json\n{text}\n```" if fenced else f"So: {text}.", text) == Grade(1)
