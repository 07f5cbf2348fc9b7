"""What a model returned, as far as signals read it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.data.checks.arguments import name_list, numbers, same_length, text_of
from routoo.data.errors import InputError

Vector = npt.NDArray[np.float64]

_ROUNDING = 1e-6  # how far above 0 a log-probability may come out in single precision


@dataclass(frozen=True, eq=False)
class Generation:
    """What a model returned for a prompt; None is what it did not.

    Log-probabilities are natural logarithms over the whole vocabulary.

    Args:
        text: The answer; an empty text where a filter left none.
        finish_reason: Why it ended, in the provider's word.
        token_log_probs: Of each token of the answer, ``(n_tokens,)``.
        option_log_probs: Of each option's first token at the first position of the answer, ``(n_options,)``.
        top_tokens: The likeliest tokens at that position, decoded; ten are usual.
        top_log_probs: Theirs, ``(n_top,)``.
        samples: Further answers to the same prompt, sampled; a final answer each, without its reasoning.
        other_text: What another member answered.

    Raises:
        InputError: A text is no text, a log-probability is no finite number of at most 0, or `top_tokens` and
            `top_log_probs` are not of one length.
    """

    text: str | None = None
    finish_reason: str | None = None
    token_log_probs: Sequence[float] | Vector | None = None
    option_log_probs: Sequence[float] | Vector | None = None
    top_tokens: Sequence[str] | None = None
    top_log_probs: Sequence[float] | Vector | None = None
    samples: Sequence[str] | None = None
    other_text: str | None = None

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, check(name, value))
        if (self.top_tokens is None) != (self.top_log_probs is None):
            raise InputError("top_tokens and top_log_probs belong together: give both or none")
        if self.top_tokens is not None and self.top_log_probs is not None:
            same_length(top_tokens=self.top_tokens, top_log_probs=self.top_log_probs)


def log_probs(what: str, values: object, *, least: int = 1) -> Vector:
    """The log-probabilities as an array, those above 0 by rounding alone as 0.

    Raises:
        InputError: They are fewer than `least`, not in one dimension, not finite, or above 0.

    >>> log_probs("token_log_probs", [-0.5, 0.5])
    Traceback (most recent call last):
    routoo.data.errors.InputError: token_log_probs[1] is 0.5, but the logarithm of a probability is at most 0
    """
    found = numbers(what, values).astype(np.float64)
    if found.ndim != 1:
        raise InputError(f"{what} must have one dimension, got shape {found.shape}")
    if len(found) < least:
        raise InputError(f"{what} must hold at least {least} log-probabilities, got {len(found)}")
    if (odd := np.flatnonzero(~np.isfinite(found))).size:
        raise InputError(
            f"{what}[{odd[0]}] is {found[odd[0]]}; give a finite log-probability, or leave it out"
        )
    if (odd := np.flatnonzero(found > _ROUNDING)).size:
        value = f"{found[odd[0]]:g}"
        raise InputError(f"{what}[{odd[0]}] is {value}, but the logarithm of a probability is at most 0")
    return np.minimum(found, 0.0)


def texts(what: str, values: object) -> tuple[str, ...]:
    """The texts, of which there is at least one.

    Raises:
        InputError: It is no list of texts, or empty.
    """
    found = name_list(what, values)
    if not found:
        raise InputError(f"{what} must hold at least one text, got none")
    return found


_CHECKS: dict[str, Callable[[str, object], object]] = {
    "text": text_of,
    "finish_reason": text_of,
    "token_log_probs": log_probs,
    "option_log_probs": log_probs,
    "top_tokens": texts,
    "top_log_probs": log_probs,
    "samples": texts,
    "other_text": text_of,
}
