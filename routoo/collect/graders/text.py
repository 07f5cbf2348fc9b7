"""Grades by the same text, but for case, punctuation, articles and markup."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from routoo.collect.graders.final_answer import first_line, marked, plain
from routoo.collect.graders.grader import NO_ANSWER, Reference, described, given, right_answers
from routoo.data.grade import Grade
from routoo.models.signals.normalisation import normalised

_SENTENCE_END = re.compile(r"[.!?]\s")


@dataclass(frozen=True)
class TextGrader:
    """1 where the answer is a right one once both are normalised, else 0.

    The whole answer is compared, and what it marks as its final answer (``Answer: Paris``).

    >>> grader, reference = TextGrader(), Reference("Capital of France?", ("Paris",))
    >>> [grader.grade(said, reference).score for said in ("**paris**.", "Answer: Paris", "Paris or Rome")]
    [1.0, 1.0, 0.0]
    """

    name: ClassVar[str] = "text"

    def grade(self, answer: str | None, reference: Reference) -> Grade:
        """See `Grader.grade`."""
        right = {comparable(text) for text in right_answers(reference, self.name)}
        found = plain(given(answer))
        if not found:
            return NO_ANSWER
        finals = marked(found)[-1:]
        lines = [first_line(final) for final in finals]
        texts = [found, *finals, *lines, *(_SENTENCE_END.split(line)[0] for line in lines)]
        return Grade(float(any(comparable(text) in right for text in texts)))

    def describe(self) -> dict[str, Any]:
        """See `Grader.describe`."""
        return described(self)


def comparable(text: str) -> str:
    """The form that is compared: normalised, without markup; where that leaves nothing, the text itself.

    >>> comparable("**The** `Seine`."), comparable("$+$")
    ('seine', '+')
    """
    shown = plain(text)
    bare = shown.replace("`", "").replace("$", "").strip()
    return normalised(bare) or bare or shown
