"""Context windows in an evaluation: a prompt is not sent where a router would not send it either."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from routoo.data.pool import Pool
from routoo.data.scores import Scores
from routoo.solver.eligibility import Eligibility
from routoo.solver.usage import call_tokens

Mask = npt.NDArray[np.bool_]


def within_windows(scores: Scores, pool: Pool) -> tuple[Mask | None, tuple[str, ...]]:
    """Which models can take which prompts, ``(n_prompts, n_models)``, None where all can; what that means.

    A prompt that fits no window counts as if it fitted all.

    Args:
        scores: What the router predicts of the judged prompts.
        pool: Where windows are stated.
    """
    stated = [model for model in pool.select(scores.models).models if model.context_window is not None]
    if not stated:
        return None, ()
    if scores.input_tokens is None or scores.output_tokens is None:
        return None, ("context windows were not looked at: the predictions say no tokens",)
    eligibility = Eligibility.of(scores, pool, None)
    if not eligibility.has_windows:
        return None, ()
    fits = eligibility.open(slice(None), call_tokens(scores, slice(None)))
    nowhere = ~np.any(fits, axis=1, keepdims=True)
    notes = [
        f"{count:,} of {len(scores):,} prompts, with the answer that is expected, exceed the context_window "
        f"of {name}: predictions send them elsewhere, and its own row counts what was recorded"
        for name, count in zip(scores.models, (~fits).sum(axis=0).tolist(), strict=True)
        if count
    ]
    if nowhere.any():
        notes.append(
            f"{nowhere.sum():,} of them fit no window: a router refuses them, and here they count as if they "
            "fitted all"
        )
    return fits | nowhere, tuple(notes)
