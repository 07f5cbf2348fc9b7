"""Grades by a regular expression."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from routoo.collect.graders.grader import NO_ANSWER, Reference, described, given, right_answers
from routoo.data.checks.arguments import text_of
from routoo.data.errors import InputError
from routoo.data.grade import Grade

LONGEST = 20_000
"""Characters of an answer that a pattern is tried on: a few ``.*`` in one take the square of it and more."""

_TOO_LONG = Grade(None, f"longer than the {LONGEST} characters that a pattern is tried on")
_PIECE = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|(?P<open>\((?:\?(?P<atomic>>)?)?)|(?P<close>\))|"
    r"(?P<repeat>[*+]|\{\d*,(?:\d{2,})?\})(?P<possessive>\+)?|.",
    re.DOTALL,
)


@dataclass(frozen=True)
class RegexGrader:
    """1 where the pattern is found in the answer, else 0; without a pattern each right answer is one.

    Python's own syntax: ``^`` and ``$`` are the ends of the answer, without the space around it, and ``(?i)``
    in front ignores case. Python cannot stop a match that takes for ever, so a repetition within a repetition
    (``(a+)+``), the commonest cause, is refused unless the inner or outer one is possessive (``(a++)+``) and
    an answer that is too long has no score. Alternatives that overlap (``(a|aa)+``) are not noticed.

    Raises:
        InputError: The pattern is none, or repeats a repetition.

    >>> RegexGrader(r"^\\d+$").grade("42", Reference("6 * 7?")).score
    1.0
    """

    pattern: str | None = None

    name: ClassVar[str] = "regex"

    def __post_init__(self) -> None:
        if self.pattern is not None:
            checked(text_of("pattern", self.pattern))

    def grade(self, answer: str | None, reference: Reference) -> Grade:
        """See `Grader.grade`."""
        sources = [self.pattern] if self.pattern is not None else right_answers(reference, self.name)
        patterns = [checked(source) for source in sources]
        found = given(answer)
        if not found:
            return NO_ANSWER
        if len(found) > LONGEST:
            return _TOO_LONG
        return Grade(float(any(pattern.search(found) for pattern in patterns)))

    def describe(self) -> dict[str, Any]:
        """See `Grader.describe`."""
        return described(self)


@lru_cache(maxsize=1024)
def checked(source: str) -> re.Pattern[str]:
    """The pattern, ready to be searched for.

    Raises:
        InputError: It is none, or repeats a repetition.
    """
    try:
        pattern = re.compile(source)
    except (re.error, OverflowError, RecursionError) as error:
        raise InputError(
            f"the pattern is no regular expression: {error}; escape signs that stand for themselves"
        ) from None
    if _repeats_a_repetition(source):
        raise InputError(
            "the pattern repeats a repetition, as (a+)+ does, which can take for ever; "
            "bound one of them, {1,9}, or make the inner one possessive, a++"
        )
    return pattern


def _repeats_a_repetition(source: str) -> bool:
    """Whether a group that is repeated holds a repetition, where both may give back what they took."""
    groups = [False]  # of the whole pattern and each open group: whether it holds such a repetition
    atomic = [True]
    closed = False  # whether the piece before is a group that holds one
    for piece in _PIECE.finditer(source):
        if piece["open"]:
            groups.append(False)
            atomic.append(piece["atomic"] is not None)
        elif piece["close"] and len(groups) > 1:  # a comment may hold more
            held, sealed = groups.pop(), atomic.pop()
            closed = held and not sealed
            groups[-1] |= closed
            continue
        elif piece["repeat"] and not piece["possessive"]:
            if closed:
                return True
            groups[-1] = True
        closed = False
    return False
