"""Graders by what a command line calls them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from routoo.collect.graders.function import FunctionGrader
from routoo.collect.graders.grader import Grader
from routoo.collect.graders.json_fields import JsonGrader
from routoo.collect.graders.judge import JudgeGrader
from routoo.collect.graders.number import NumberGrader
from routoo.collect.graders.regex import RegexGrader
from routoo.collect.graders.registry import grader_of
from routoo.collect.graders.rubric import Rubric
from routoo.data.errors import InputError


@pytest.mark.parametrize(
    ("spec", "grader"),
    [
        ("number", NumberGrader()),
        ("number:", NumberGrader()),
        ("number:tolerance=0.01", NumberGrader(tolerance=0.01)),
        ("number:tolerance=0.01, relative=1e-3,last=true", NumberGrader(0.01, 1e-3, True)),
        (r"regex:pattern=^\d{1,3}:\w=,$", RegexGrader(r"^\d{1,3}:\w=,$")),
        ("json:fields=name|date", JsonGrader(("name", "date"))),
        ("json:fields=name,all_or_nothing=true", JsonGrader(("name",), True)),
        ("judge:scale=yes/no,judge=large", JudgeGrader(str, Rubric("large", "yes/no"))),
    ],
)
def test_specifications(spec: str, grader: Grader) -> None:
    assert grader_of(spec, ask=str) == grader


def test_a_function_of_a_file(grader_file: Callable[[str], str]) -> None:
    path = grader_file("def grade(answer, reference):\n    return True\n")
    assert grader_of(f"{path}:grade") == FunctionGrader(path, "grade")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            "numbr",
            "no grader is called 'numbr'; known: exact, text, number, choice, regex, json, judge and FILE.py",
        ),
        ("", "no grader is called ''"),
        (
            "number:tolerence=1",
            "the grader number has no option 'tolerence'; it has tolerance, relative, last",
        ),
        ("number:0.1", "number has no option '0.1'"),
        ("exact:case=no", "the grader exact has no option 'case'; it has unread"),
        ("number:tolerance=", "number:tolerance cannot be ''"),
        ("number:tolerance=-1", "tolerance must be a finite number of at least 0"),
        ("number:tolerance=nan", "tolerance must be"),
        ("number:last=perhaps", "number:last cannot be 'perhaps'"),
        ("regex:pattern=(", "no regular expression"),
        ("judge", "needs a model to ask"),
        ("grades.py", "name the function of the grader: grades.py:FUNCTION"),
        ("no/such.py:grade", "no/such.py: the grader cannot be read: No such file"),
    ],
)
def test_what_is_no_specification(spec: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        grader_of(spec)
    assert words in str(error.value)
