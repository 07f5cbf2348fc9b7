"""Whether an answer that cannot be read has no score, or counts as wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from routoo.collect.graders.grader import Grader, Reference
from routoo.data.grade import Grade


@dataclass(frozen=True)
class UnreadIsWrong:
    """A grader by which an answer that came and cannot be read scores 0, with the reason.

    What did not come at all still has no score. Take it where a caller could not read such an answer either;
    left out, a model that often answers in another form would seem better than it is.

    Args:
        grader: What grades all other answers.

    >>> from routoo.collect.graders.number import NumberGrader
    >>> UnreadIsWrong(NumberGrader()).grade("I cannot say.", Reference("2 + 2?", ("4",))).score
    0.0
    """

    grader: Grader

    @property
    def name(self) -> str:
        """What the grader is called in a specification."""
        return self.grader.name

    def grade(self, answer: str | None, reference: Reference) -> Grade:
        """The score of an answer; none only where none came.

        Raises:
            InputError: The prompt lacks what the grader needs.
        """
        found = self.grader.grade(answer, reference)
        return found if answer is None or found.score is not None else Grade(0.0, found.reason)

    def describe(self) -> dict[str, Any]:  # Any: options of every kind, as JSON takes them
        """The grader and its options."""
        return {**self.grader.describe(), "unread": "wrong"}
