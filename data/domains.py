"""Domains of prompts: the names that a user knows, as the numbers that a network reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from routoo.data.errors import InputError


def domain_numbers(
    labels: Sequence[str | None] | None, domains: Sequence[str], n_prompts: int
) -> npt.NDArray[np.int64]:
    """Number of each prompt's domain among the learned ones, ``(n_prompts,)``; -1 where it is not known.

    Args:
        labels: Domain of each prompt; None for those, or for all, that are not known.
        domains: The domains that were learned.
        n_prompts: How many prompts there are.

    Raises:
        InputError: There is not one label a prompt.

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
    place = {name: number for number, name in enumerate(domains)}
    return np.array([-1 if label is None else place.get(label, -1) for label in labels], np.int64)
