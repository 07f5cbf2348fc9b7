"""Signals of recorded answers, as matrices over prompts and models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from routoo.models.signals.generation import Vector
from routoo.models.signals.registry import SIGNALS, TEXT_SIGNALS, text_signals

if TYPE_CHECKING:
    from routoo.data.outcomes import Outcomes

_OF_TWO = "member_agreement"


def answer_signals(outcomes: Outcomes, models: Sequence[str]) -> dict[str, Vector]:
    """Signals of single answers by name, each ``(n_prompts, n_models)``; NaN where one is not known.

    Those of the registry that were recorded, and of those that read the text of an answer alone what they
    make of ``response``, no answer being an empty one. What is of two answers (`member_agreement`) is left
    out.

    Raises:
        InputError: A recorded signal is no finite number, or an answer no text.
    """
    found = outcomes.signals([name for name in SIGNALS if name != _OF_TWO], models)
    unread = [name for name in TEXT_SIGNALS if name not in found]
    if unread and outcomes.records("response"):
        answers = outcomes.responses(models)
        ran = ~np.isnan(outcomes.to_matrices(models).score)
        read = {text: text_signals(text or "") for text in {text for row in answers for text in row}}
        for name in unread:
            values = np.array([[read[text][name] for text in row] for row in answers])
            found[name] = np.where(ran, values, np.nan)
    return found
