"""The regex grader, and the patterns that it refuses."""

from __future__ import annotations

import pytest

from routoo.collect.graders.grader import Reference
from routoo.collect.graders.regex import LONGEST, RegexGrader
from routoo.data.errors import InputError
from routoo.data.grade import Grade


@pytest.mark.parametrize(
    ("pattern", "answer", "score"),
    [
        (r"^\d+$", " 42\n", 1),
        (r"^\d+$", "42.", 0),
        (r"\d+", "It is 42.", 1),
        (r"(?i)paris", "PARIS", 1),
        (r"paris", "PARIS", 0),
        (r"[(+]+", "(+", 1),
        (r"^(?:\d{1,3}(?:,\d{3})*)$", "1,000", 1),
    ],
)
def test_patterns(pattern: str, answer: str, score: int) -> None:
    assert RegexGrader(pattern).grade(answer, Reference("?")) == Grade(score)


def test_each_right_answer_is_a_pattern_where_none_is_given() -> None:
    reference = Reference("When?", (r"^1[89]\d\d$", "never"))
    assert [RegexGrader().grade(said, reference).score for said in ("1815", "Never", "never")] == [1, 0, 1]
    with pytest.raises(InputError, match="no regular expression"):
        RegexGrader().grade("1815", Reference("When?", ("[",)))


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+$",
        r"(?:a*)*",
        r"(\w+\s?)*$",
        r"((a+)b?)+",
        r"(?P<x>a+){2,}",
        r"(a+){1,99}",
        r"([a\]]+)+",
        r"(a|b+)*?",
        r"(?>b)(a+)+",
        r"(?>(b))(c)(a+)+",
    ],
)
def test_repeated_repetitions_are_refused(pattern: str) -> None:
    with pytest.raises(InputError, match="repeats a repetition"):
        RegexGrader(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a++)+$",
        r"(?>a+)+",
        r"(a+){2}",
        r"(a+)?",
        r"[(a+)]+",
        r"\(a+\)+",
        r"(ab)+c+",
        r"(a+)b+",
        r"((?>a+)b)+",
        r"(a{2})+",
        r"(a+)(b)+",
        r"(a+b)++",
        r"(?x) a+ # )+",
        r"(?#\))a+",
        r"(?>b)(?>a+)+",
        r"(?>(b)a+)+",
    ],
)
def test_other_patterns_are_taken(pattern: str) -> None:
    assert RegexGrader(pattern).pattern == pattern


def test_an_answer_that_is_too_long_has_no_score() -> None:
    grade = RegexGrader("a").grade("a" * (LONGEST + 1), Reference("?"))
    assert grade.score is None
    assert "20000 characters" in grade.reason
