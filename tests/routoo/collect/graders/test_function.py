"""Graders that are functions of a file of the user's."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from routoo.collect.graders.function import FunctionGrader
from routoo.collect.graders.grader import Reference
from routoo.data.errors import InputError
from routoo.data.grade import Grade

REFERENCE = Reference("SECRET?", ("yes",))
Writes = Callable[[str], str]


def returning(grader_file: Writes, expression: str) -> FunctionGrader:
    imports = "import numpy as np\nfrom routoo.data.grade import Grade\n"
    path = grader_file(f"{imports}def f(answer, reference): return {expression}\n")
    return FunctionGrader(path, "f")


@pytest.mark.parametrize(
    ("expression", "grade"),
    [
        ("answer in reference.answers", Grade(1)),
        ("False", Grade(0)),
        ("0.25", Grade(0.25)),
        ("1", Grade(1)),
        ("np.float32(0.5)", Grade(0.5)),
        ("np.bool_(True)", Grade(1)),
        ("Grade(None, 'off topic')", Grade(None, "off topic")),
        ("1 / 0", Grade(None, "f raised ZeroDivisionError")),
        ("{}[reference.prompt]", Grade(None, "f raised KeyError")),
    ],
)
def test_what_a_function_returns_is_the_grade(grader_file: Writes, expression: str, grade: Grade) -> None:
    assert returning(grader_file, expression).grade("yes", REFERENCE) == grade


@pytest.mark.parametrize(
    ("expression", "came"),
    [
        ("None", "None"),
        ("reference.prompt", "text"),
        ("[1]", "a list"),
        ("2", "2"),
        ("-0.1", "-0.1"),
        ("float('nan')", "nan"),
    ],
)
def test_what_is_no_grade_is_refused(grader_file: Writes, expression: str, came: str) -> None:
    with pytest.raises(InputError, match=f"got {came}") as error:
        returning(grader_file, expression).grade("yes", REFERENCE)
    assert "SECRET" not in str(error.value)


def test_a_blank_answer_is_not_given_to_the_function(grader_file: Writes) -> None:
    assert returning(grader_file, "True").grade(" ", REFERENCE) == Grade(None, "no answer")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("g = 1", "has no function f"),
        ("f = 1", "has no function f"),
        ("async def f(answer, reference): return True", "without await"),
        ("def f(:", "cannot be run: SyntaxError"),
        ("import no_such_module", "cannot be run: ModuleNotFoundError"),
    ],
)
def test_a_file_that_has_no_such_function(grader_file: Writes, source: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        FunctionGrader(grader_file(source), "f")


def test_the_description_names_the_version_of_the_file(grader_file: Writes) -> None:
    first = returning(grader_file, "True")
    second = returning(grader_file, "False")
    assert first.describe()["sha256"] != second.describe()["sha256"]
    assert json.loads(json.dumps(first.describe()))["function"] == "f"
    assert first.grade("yes", REFERENCE) == Grade(1)


def test_a_file_may_hold_dataclasses(grader_file: Writes) -> None:
    source = "from __future__ import annotations\nfrom dataclasses import dataclass\n"
    source += "@dataclass\nclass C:\n    x: int = 1\ndef f(answer, reference): return C().x\n"
    assert FunctionGrader(grader_file(source), "f").grade("yes", REFERENCE) == Grade(1)
