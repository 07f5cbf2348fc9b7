"""The contract of graders: an answer and what is known of its prompt in, a `Grade` out."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Protocol

from routoo.data.checks.arguments import name_list, text_of
from routoo.data.errors import InputError
from routoo.data.grade import Grade

NO_ANSWER = Grade(None, "no answer")
DECLINED = Grade(None, "the model declined to answer")


@dataclass(frozen=True)
class Reference:
    """What is known of a prompt.

    Args:
        prompt: What was asked.
        answers: Right answers, any of which is right; none where the grader needs none.
        options: Texts to choose from, lettered A, B, ... in this order.

    Raises:
        InputError: The prompt is no text, answers or options are no list of texts.

    >>> Reference("What is 2 + 2?", ["4"]).answers
    ('4',)
    """

    prompt: str
    answers: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        text_of("prompt", self.prompt)
        object.__setattr__(self, "answers", name_list("answers", self.answers))
        object.__setattr__(self, "options", name_list("options", self.options))


class Grader(Protocol):
    """What turns an answer into a grade: a frozen dataclass whose options are its fields."""

    @property
    def name(self) -> str:
        """What the grader is called in a specification."""

    def grade(self, answer: str | None, reference: Reference) -> Grade:
        """The score of an answer, or why it has none.

        Raises:
            InputError: The prompt lacks what the grader needs, say a right answer.
        """

    def describe(self) -> dict[str, Any]:  # Any: options of every kind, as JSON takes them
        """The grader and its options, to be written beside what it graded."""


def described(grader: Any) -> dict[str, Any]:  # Any: a dataclass of whatever fields
    """The name and the fields of a grader, in what JSON can hold."""
    values = {field.name: getattr(grader, field.name) for field in fields(grader)}
    return {"grader": grader.name} | {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items()
    }


def given(answer: str | None) -> str:
    """The answer without space around it, empty where none came.

    Raises:
        InputError: It is neither text nor None.
    """
    return "" if answer is None else text_of("answer", answer).strip()


def right_answers(reference: Reference, grader: str) -> list[str]:
    """The right answers of a prompt that are not blank.

    Raises:
        InputError: There is none.
    """
    if answers := [answer.strip() for answer in reference.answers if answer.strip()]:
        return answers
    raise InputError(f"the grader {grader} needs a right answer, and the prompt has none")
