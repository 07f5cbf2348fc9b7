"""Grades by the very same text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from routoo.collect.graders.grader import NO_ANSWER, Reference, described, given, right_answers
from routoo.data.grade import Grade


@dataclass(frozen=True)
class ExactGrader:
    """1 where the answer is a right one to the letter, but for space around it, else 0.

    >>> grader, reference = ExactGrader(), Reference("Capital of France?", ("Paris",))
    >>> grader.grade(" Paris ", reference).score, grader.grade("paris", reference).score
    (1.0, 0.0)
    """

    name: ClassVar[str] = "exact"

    def grade(self, answer: str | None, reference: Reference) -> Grade:
        """See `Grader.grade`."""
        right = right_answers(reference, self.name)
        found = given(answer)
        return Grade(float(found in right)) if found else NO_ANSWER

    def describe(self) -> dict[str, Any]:
        """See `Grader.describe`."""
        return described(self)
