"""Domains of prompts: the names that a user knows, as the numbers that a network reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from routoo.data.errors import InputError

_SHOWN = 8  # names that a message lists


def unlearned_domains(labels: Sequence[str | None] | None, domains: Sequence[str]) -> str:
    """In words: which of these labels name no learned domain, and which do; empty where all do.

    Args:
        labels: Domain of each prompt; None for those, or for all, that are not known.
        domains: The domains that were learned.

    >>> unlearned_domains(["law", None, "chess"], ["history", "law"])
    "domains that were not learned are guessed from the text: 'chess'; learned: 'history', 'law'"
    """
    unknown = sorted({label for label in labels or () if label is not None} - set(domains))
    if not unknown:
        return ""
    shown = ", ".join(map(repr, unknown[:_SHOWN])) + (" ..." if len(unknown) > _SHOWN else "")
    known = ", ".join(map(repr, domains)) or "none"
    return f"domains that were not learned are guessed from the text: {shown}; learned: {known}"


def domain_numbers(
    labels: Sequence[str | None] | None, domains: Sequence[str], n_prompts: int
) -> npt.NDArray[np.int64]:
    """Number of each prompt's domain among the learned ones, ``(n_prompts,)``; -1 where it is not known.

    Args:
        labels: Domain of each prompt; None for those, or for all, that are not known.
        domains: The domains that were learned.
        n_prompts: How many prompts there are.

    Raises:
        InputError: There is not one label a prompt, or a label is no text.

    >>> domain_numbers(["law", None, "chess"], ["history", "law"], 3).tolist()
    [1, -1, -1]
    """
    if labels is None:
        return np.full(n_prompts, -1, np.int64)
    if isinstance(labels, str) or len(labels) != n_prompts:
        came = "one text" if isinstance(labels, str) else f"{len(labels)}"
        raise InputError(
            f"domains must be a list with a name or None for each of {n_prompts} prompts, got {came}"
        )
    for label in labels:
        if label is not None and not isinstance(label, str):
            raise InputError(f"a domain must be a name or None, got {label!r} ({type(label).__name__})")
    place = {name: number for number, name in enumerate(domains)}
    return np.array([-1 if label is None else place.get(label, -1) for label in labels], np.int64)
