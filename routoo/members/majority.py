"""Which of several answers to one prompt stands for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from routoo.models.signals.normalisation import normalised


def majority(answers: Sequence[str]) -> int:
    """The first of the answers that were given most often, in normalised form; empty ones count last.

    >>> majority(["", "5", "Four.", "four", ""])
    2
    """
    forms = [normalised(answer) for answer in answers]
    counts = Counter(form for form in forms if form)
    return max(range(len(forms)), key=lambda at: (counts[forms[at]], -at))
