"""Columns that are learned from, and which of them are left out when a setting is chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from routoo.data.checks.arguments import name_list, numbers
from routoo.data.errors import InputError
from routoo.models.signals.generation import Vector, same_length

Rows = npt.NDArray[np.bool_]

_FOLDS = 5
_LEAST = 20
"""Fewest prompts of which some are left out: with fewer, chance would choose the setting."""
_CERTAIN = 1e-3


def column(what: str, values: object, *, missing: bool = False, unit: bool = False) -> Vector:
    """The numbers as a vector.

    Args:
        what: What to call it in a message.
        values: The numbers.
        missing: Whether NaN may stand for what is not known.
        unit: Whether they must be within 0 and 1.

    Raises:
        InputError: They are not in one dimension, not finite, or out of range.
    """
    found = numbers(what, values).astype(np.float64)
    if found.ndim != 1:
        raise InputError(f"{what} must have one dimension, got shape {found.shape}")
    misfit = ~np.isfinite(found) & ~(missing & np.isnan(found))
    if unit:
        misfit |= (found < 0) | (found > 1)
    if (odd := np.flatnonzero(misfit)).size:
        wanted = "a number within 0 and 1" if unit else "a finite number"
        wanted += ", or NaN where there is none" if missing else ""
        raise InputError(f"{what}[{odd[0]}] must be {wanted}, got {found[odd[0]]}")
    return found


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
