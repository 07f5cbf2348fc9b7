"""Whether the model answered at all."""

from __future__ import annotations

from routoo.data.checks.arguments import text_of
from routoo.models.signals.normalisation import normalised


def answered(text: str) -> float:
    """1 where the answer says anything, else 0: nothing but white space, punctuation, or no text at all.

    Ours: an answer that could not be read out of what a model wrote is an empty text.

    Raises:
        InputError: It is no text.

    >>> answered("B"), answered(" ...")
    (1.0, 0.0)
    """
    return float(normalised(text_of("text", text)) != "")
