"""The grade of one answer: its score, or why there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from routoo.data.checks.arguments import number, text_of
from routoo.data.errors import InputError


@dataclass(frozen=True)
class Grade:
    """What an answer achieved, or the reason why it has no score.

    Args:
        score: In [0, 1]; None where the answer could not be graded.
        reason: Why there is no score, in words that many answers may share, since they are counted.

    Raises:
        InputError: The score lies outside [0, 1], or there is neither a score nor a reason.

    >>> Grade(1.0).score, Grade(None, "no number in the answer").score
    (1.0, None)
    """

    score: float | None
    reason: str = ""

    def __post_init__(self) -> None:
        text_of("reason", self.reason)
        if self.score is not None:
            object.__setattr__(self, "score", number("score", self.score, most=1))
        elif not self.reason.strip():
            raise InputError("a grade without a score needs a reason, got none")


def unscored(grades: Iterable[Grade]) -> dict[str, int]:
    """How many grades have no score for each reason, the commonest first.

    >>> unscored([Grade(1), Grade(None, "no number"), Grade(None, "no number"), Grade(None, "no answer")])
    {'no number': 2, 'no answer': 1}
    """
    return dict(Counter(grade.reason for grade in grades if grade.score is None).most_common())
