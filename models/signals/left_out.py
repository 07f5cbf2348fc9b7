"""Which answers are left out when a setting is chosen, and the loss that chooses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from routoo.data.checks.arguments import name_list, same_length
from routoo.models.signals.generation import Vector

Rows = npt.NDArray[np.bool_]

_FOLDS = 5
_LEAST = 20
"""Fewest prompts of which some are left out: with fewer, chance would choose the setting."""
_CERTAIN = 1e-3


def folds(prompt_ids: Sequence[str] | None, n_rows: int, seed: int) -> Iterator[Rows]:
    """Five sets of rows to leave out in turn, all rows of a prompt together; none where prompts are few.

    Args:
        prompt_ids: Which prompt each row is of; None where each is of its own.
        n_rows: Number of rows.
        seed: Of the order in which prompts are dealt.

    Raises:
        InputError: There are not as many ids as rows.
    """
    prompt = np.arange(n_rows)
    if prompt_ids is not None:
        ids = name_list("prompt_ids", prompt_ids)
        same_length(prompt_ids=ids, rows=prompt)
        prompt = np.unique(ids, return_inverse=True)[1]
    n_prompts = len(np.unique(prompt))
    dealt = np.random.default_rng(seed).permutation(n_prompts)[prompt] % _FOLDS
    return (dealt == fold for fold in range(_FOLDS if n_prompts >= _LEAST else 0))


def log_loss(p_correct: Vector, score: Vector) -> float:
    """Sum of the log losses; what is held for certain, or nearly so, counts as one in a thousand."""
    p = p_correct.clip(_CERTAIN, 1 - _CERTAIN)
    return float(-(score * np.log(p) + (1 - score) * np.log1p(-p)).sum())


def log_odds(p_correct: Vector) -> Vector:
    """Log-odds, likewise within those of one in a thousand."""
    p = p_correct.clip(_CERTAIN, 1 - _CERTAIN)
    return np.asarray(np.log(p) - np.log1p(-p), np.float64)
