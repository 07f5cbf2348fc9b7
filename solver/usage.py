"""What a call is expected to use: its tokens, and its seconds where they have to be known."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from routoo.data.errors import InputError
from routoo.data.pool import Pool
from routoo.data.scores import Matrix, Scores

BLOCK = 4096
"""Prompts that are read at a time: few enough that what is computed stays in the cache."""


def call_tokens(scores: Scores, at: slice | npt.NDArray[np.intp]) -> Matrix:
    """Tokens that a call takes, input and expected output together, of these prompts, ``(r, n_models)``."""
    sent, received = scores.input_tokens, scores.output_tokens
    assert sent is not None  # for the type checker: `require_tokens` came before, as for the next
    assert received is not None
    return sent[at] + received[at]


def with_expected_tokens(scores: Scores, pool: Pool) -> Scores:
    """The scores with the pool's nominal output tokens wherever none are predicted."""
    received = scores.output_tokens
    if scores.input_tokens is None or not set(scores.models) <= set(pool.names):
        return scores  # refused where tokens, or what the pool states, are needed
    if received is None:
        received = np.full(scores.p_correct.shape, np.nan, np.float32)
    elif not np.isnan(received.min()):  # which is NaN where any of them is
        return scores
    nominal = pool.select(scores.models).nominal_output_tokens
    return replace(scores, output_tokens=np.where(np.isnan(received), nominal, received))


def require_tokens(scores: Scores, why: str, columns: Collection[int]) -> None:
    """Refuses predictions that do not say all tokens of these models.

    Args:
        scores: The predictions.
        why: What needs the tokens.
        columns: The models.

    Raises:
        InputError: A number is not known; the message names it.
    """
    for name in ("input_tokens", "output_tokens"):
        tokens: Matrix | None = getattr(scores, name)
        if tokens is None:
            raise InputError(f"{why} needs {name} in the predictions: predict again, or leave it out")
        _require(scores, tokens, f"{why} needs every {name} to be known", columns, finite=True)


def require_latency(scores: Scores, why: str, columns: Collection[int]) -> None:
    """Refuses predictions that do not say all latencies of these models; infinity is known.

    Raises:
        InputError: A latency is not known; the message names it.
    """
    _require(scores, scores.latency, why, columns, finite=False)


def _require(scores: Scores, values: Matrix, why: str, columns: Collection[int], *, finite: bool) -> None:
    within = np.array(sorted(columns), np.intp)
    for start in range(0, len(scores), BLOCK):
        block = values[start : start + BLOCK, within]
        known = np.isfinite(block) if finite else block >= 0
        if not known.all():
            row, column = np.argwhere(~known)[0]
            raise InputError(
                f"{why}; that of model {scores.models[within[column]]!r} on "
                f"{scores.called(start + row)} is not"
            )
