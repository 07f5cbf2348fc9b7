"""Grades by the fields of a JSON object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from routoo.collect.graders.final_answer import marked, turn
from routoo.collect.graders.grader import NO_ANSWER, Reference, described, given, right_answers
from routoo.collect.graders.numeral import exact_value, whole_numeral
from routoo.data.checks.arguments import name_list
from routoo.data.errors import InputError
from routoo.data.grade import Grade

_UNREADABLE = Grade(None, "no JSON object in the answer")
_SEVERAL = Grade(None, "several JSON objects in the answer")
_FENCED = re.compile(r"```[^\n`]*\n(.*?)```", re.DOTALL)
_MOST = 100  # braces at which an object may begin: what is tried is bounded


@dataclass(frozen=True)
class JsonGrader:
    """The share of the right answer's fields that the answer's JSON object has with the same value.

    The object may stand in a fence or in a sentence. Numbers are compared by value, in text too (``"1,000"``
    is 1000), texts but for space around them, lists in their order; further fields do not matter, unless
    `only` says so. Of several right answers the one that fits best counts.

    Args:
        fields: Those that count; all of the right answer where none is named.
        all_or_nothing: Whether one wrong field makes the score 0.
        only: Whether a field that the right answer lacks makes the score 0; with it ``{}`` may be right.

    Raises:
        InputError: A right answer is no JSON object with these fields.

    >>> reference = Reference("Who, and when?", ('{"name": "Ada", "born": 1815}',))
    >>> JsonGrader().grade('{"name": "Ada", "born": 1816}', reference).score
    0.5
    """

    fields: tuple[str, ...] = ()
    all_or_nothing: bool = False
    only: bool = False

    name: ClassVar[str] = "json"

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", name_list("fields", self.fields))

    def grade(self, answer: str | None, reference: Reference) -> Grade:
        """See `Grader.grade`."""
        right = [self._wanted(text) for text in right_answers(reference, self.name)]
        text = _answered(answer)
        if not text:
            return NO_ANSWER
        found = _objects(text)
        if len(found) != 1:
            return _SEVERAL if found else _UNREADABLE
        share = max(self._share(found[0], wanted) for wanted in right)
        return Grade(float(share == 1) if self.all_or_nothing else share)

    def describe(self) -> dict[str, Any]:
        """See `Grader.describe`."""
        return described(self)

    def _wanted(self, text: str) -> dict[str, Any]:
        """The fields of a right answer that count."""
        try:
            right = _DECODER.decode(text)
        except (ValueError, RecursionError):
            right = None
        if not isinstance(right, dict) or not (right or self.only):
            raise InputError("the grader json needs a right answer that is a JSON object with fields")
        if missing := [field for field in self.fields if field not in right]:
            raise InputError(f"the right answer lacks {', '.join(missing)}; it has {', '.join(right)}")
        return {field: right[field] for field in self.fields or right}

    def _share(self, found: dict[str, Any], wanted: dict[str, Any]) -> float:
        """The share of the wanted fields that were found with the same value."""
        if self.only and not found.keys() <= wanted.keys():
            return 0.0
        alike = sum(field in found and same(found[field], value) for field, value in wanted.items())
        return alike / len(wanted) if wanted else 1.0


def _refused(constant: str) -> float:
    """NaN and infinity, which are no JSON."""
    raise ValueError(constant)


_DECODER = json.JSONDecoder(
    parse_float=exact_value, parse_int=exact_value, parse_constant=_refused, strict=False
)


def json_object(answer: str | None) -> dict[str, Any] | None:  # Any: values of JSON, numbers as fractions
    """The one object in an answer, as `JsonGrader` reads it; None where there is none, or there are several.

    >>> json_object('It is {"day": "friday"}.')
    {'day': 'friday'}
    """
    found = _objects(_answered(answer))
    return found[0] if len(found) == 1 else None


def _answered(answer: str | None) -> str:
    """The text in which an object may stand; a special token within an object is part of it."""
    return turn(given(answer)).strip()


def _objects(text: str) -> list[dict[str, Any]]:
    """The objects in the fences of a text, or else anywhere in it; of several those after a marker."""
    fenced = [found for fence in _FENCED.findall(text) for found in _decoded(fence)]
    found = _distinct(fenced or list(_decoded(text)))
    if len(found) > 1 and (finals := marked(text)):
        return _distinct(list(_decoded(finals[-1]))) or found
    return found


def _decoded(text: str) -> Iterator[dict[str, Any]]:
    """Every outermost object that can be read."""
    at = text.find("{")
    for _ in range(_MOST):
        if at < 0:
            return
        try:
            found, end = _DECODER.raw_decode(text, at)
            yield found
        except (ValueError, RecursionError):
            end = at + 1
        at = text.find("{", end)


def _distinct(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The objects, each once."""
    return [
        found for at, found in enumerate(objects) if not any(same(found, other) for other in objects[:at])
    ]


def same(found: object, wanted: object) -> bool:
    """Whether two values of JSON are the same, numbers by value; true is not 1."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return found.keys() == wanted.keys() and all(same(found[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list) and isinstance(found, list):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    if isinstance(found, Fraction) != isinstance(wanted, Fraction):
        return None is not _number(found) == _number(wanted)
    if isinstance(wanted, str) and isinstance(found, str):
        return found.strip() == wanted.strip()
    return type(found) is type(wanted) and found == wanted


def _number(value: object) -> Fraction | None:
    """The number that a value is, or spells."""
    return whole_numeral(value) if isinstance(value, str) else value if isinstance(value, Fraction) else None
