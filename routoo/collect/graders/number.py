"""Grades by the number that an answer ends in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from routoo.collect.graders.final_answer import emphasised, first_line, marked, plain
from routoo.collect.graders.grader import DECLINED, NO_ANSWER, Reference, described, given, right_answers
from routoo.collect.graders.notation import readable
from routoo.collect.graders.number_words import in_digits
from routoo.collect.graders.numeral import Numeral, numerals
from routoo.data.checks.arguments import number
from routoo.data.errors import InputError
from routoo.data.grade import Grade
from routoo.models.signals.refusal import refusal

NO_NUMBER = Grade(None, "no number in the answer")
SEVERAL = Grade(None, "several numbers in the answer")

_LEAD = re.compile(
    r"\W*(?:(?:approximately|approx\.?|about|around|roughly|exactly|simply|just|therefore|thus|indeed|"
    r"equal to|equals|a total of|is|[a-z]\s*=)\W*){0,3}",
    re.IGNORECASE,
)
_EXPLAINS = re.compile(
    r"[.;!]\s|[(\[\n。≈]|\b[a-z]{3,}:|,\s*(?:which|so|not|obtained|i\.e\.|[\"'])|"
    r"\b(?:because|since|as|from|where|when|after|if|given|per|each|every|rounded|approximately|approx)\b",
    re.IGNORECASE,
)
_CONCLUDES = re.compile(
    r"[=≈]|[?\"']\s*is\b|\b(?:so|thus|therefore|hence|gives?|equals|leaves?|leaving|makes?|results? in)\b",
    re.IGNORECASE,
)
_OR = re.compile(r"\bor\b", re.IGNORECASE)
_FEW_WORDS = 4
"""Words of an answer without a marker in which a number may be spelled out: ``Twelve apples.``"""


@dataclass(frozen=True)
class NumberGrader:
    """1 where the number in the answer is a right one, else 0.

    Of several numbers in an answer one counts only after a marker (``The answer is``, ``#### 7``,
    ``\\boxed{7}``): the one that follows the last marker, or what its line comes to (``Answer: 3 * 4 = 12``).
    A percent sign on one side only is read both ways, since data say 75 and 0.75 alike for 75 %.

    Args:
        tolerance: How far from the right number is right.
        relative: The same, as a share of the right number.
        last: Whether the last number counts where nothing is marked, as GSM8K's flexible matching has it.

    Raises:
        InputError: A tolerance is negative or not finite; later, a right answer states no number.

    >>> grader, reference = NumberGrader(tolerance=0.01), Reference("A third of 1000?", ("333.33",))
    >>> grader.grade("1000 / 3 is 333.333..., so the answer is **333.34**.", reference).score
    1.0
    """

    tolerance: float = 0.0
    relative: float = 0.0
    last: bool = False

    name: ClassVar[str] = "number"

    def __post_init__(self) -> None:
        for option in ("tolerance", "relative"):
            object.__setattr__(self, option, number(option, getattr(self, option), finite=True))

    def grade(self, answer: str | None, reference: Reference) -> Grade:
        """See `Grader.grade`."""
        right = [_right(text) for text in right_answers(reference, self.name)]
        text = given(answer)
        if not plain(text):
            return NO_ANSWER
        if refusal(plain(text)):
            return DECLINED
        found = final_number(text, last=self.last)
        if isinstance(found, Grade):
            return found
        return Grade(float(any(self._equal(found, wanted) for wanted in right)))

    def describe(self) -> dict[str, Any]:
        """See `Grader.describe`."""
        return described(self)

    def _equal(self, found: Numeral, wanted: Numeral) -> bool:
        """Whether a number is the right one within the tolerance, in decimals as they are written."""
        room = max(Fraction(repr(self.tolerance)), Fraction(repr(self.relative)) * abs(wanted.value))
        if abs(found.value - wanted.value) <= room:
            return True
        if found.percent == wanted.percent:
            return False
        factor = Fraction(1, 100) if found.percent else 100
        return abs(found.value * factor - wanted.value) <= room


def final_number(answer: str, *, last: bool = False) -> Numeral | Grade:
    """The number that an answer ends in, or why there is none.

    >>> final_number("3 and 4").reason, float(final_number("3 + 4. Answer: 7").value)
    ('several numbers in the answer', 7.0)
    """
    text = readable(plain(answer))
    finals = marked(text)
    found = numerals(text)
    if not found:
        finals = [readable(in_digits(final)) for final in finals or [text][: len(text.split()) <= _FEW_WORDS]]
    for final in reversed(finals):
        if there := numerals(final):
            return _leading(final) or _concluded(first_line(final)) or _none_of(there)
    one = _only(found) or _only(numerals(readable(emphasised(answer))))
    if one is None and last and found and not found[-1].factor:
        return found[-1]
    return one or _none_of(found)


def _leading(final: str) -> Numeral | None:
    """The number that a final answer opens with, unless it goes on to another before it explains itself."""
    found = numerals(final)
    if found[0].factor or not _LEAD.fullmatch(final[: found[0].start]):
        return None
    between = final[found[0].end : found[1].start] if len(found) > 1 else ""
    return found[0] if len(found) == 1 or _EXPLAINS.search(between) else None


def _concluded(line: str) -> Numeral | None:
    """The one number of a line, or of what the line comes to."""
    if one := _only(numerals(line)):
        return one
    end = _CONCLUDES.split(line)[-1]
    if end == line or _OR.search(line) or not numerals(end):
        return None
    return _leading(end) or _only(numerals(end))


def _only(found: list[Numeral]) -> Numeral | None:
    """The number, where all are the same and stand for themselves."""
    values = {numeral.value / (100 if numeral.percent else 1) for numeral in found}
    return found[0] if len(values) == 1 and not any(numeral.factor for numeral in found) else None


def _none_of(found: list[Numeral]) -> Grade:
    """Why these numbers are no answer: they are several, or factors of something else."""
    return NO_NUMBER if all(numeral.factor for numeral in found) else SEVERAL


def _right(text: str) -> Numeral:
    """The number that a right answer states."""
    found = final_number(text)
    if isinstance(found, Grade):
        raise InputError(
            "the grader number needs right answers that state a number each; one has none or several"
        )
    return found
