"""Domains and labels of prompts: the names that a user knows, as the numbers that a network reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.data.errors import InputError

Labels = Mapping[str, Sequence[str | None]]
"""What is known of prompts beside text and domain: by label, a value a prompt, None where it is not known."""

Ids = npt.NDArray[np.int64]

_SHOWN = 8  # names that a message lists


@dataclass(frozen=True)
class Label:
    """A column of prompts, beside the domain, that a network learned to be told.

    Args:
        name: Of the column, say ``language``.
        values: What it learned to tell apart, in the order of their numbers.
    """

    name: str
    values: tuple[str, ...]


def unlearned_domains(
    given: Sequence[str | None] | None, learned: Sequence[str], *, what: str = "domains"
) -> str:
    """In words: which of these names are of no learned domain, and which are; empty where all are.

    Args:
        given: Domain of each prompt; None for those, or for all, that are not known.
        learned: The domains that were learned.
        what: What they are, where they are no domains.

    >>> unlearned_domains(["law", None, "chess"], ["history", "law"])
    "domains that were not learned are guessed from the text: 'chess'; learned: 'history', 'law'"
    """
    unknown = sorted({name for name in given or () if name is not None} - set(learned))
    if not unknown:
        return ""
    shown = ", ".join(map(repr, unknown[:_SHOWN])) + (" ..." if len(unknown) > _SHOWN else "")
    known = ", ".join(map(repr, learned)) or "none"
    return f"{what} that were not learned are guessed from the text: {shown}; learned: {known}"


def unlearned_labels(given: Labels | None, learned: Sequence[Label]) -> list[str]:
    """In words, one a label: which of these values were not learned.

    >>> unlearned_labels({"language": ["de", "eo"]}, [Label("language", ("de", "en"))])
    ["values of language that were not learned are guessed from the text: 'eo'; learned: 'de', 'en'"]
    """
    values = {label.name: label.values for label in learned}
    said = (
        unlearned_domains(column, values.get(name, ()), what=f"values of {name}")
        for name, column in (given or {}).items()
    )
    return [words for words in said if words]


def domain_numbers(
    given: Sequence[str | None] | None, learned: Sequence[str], n_prompts: int, *, what: str = "domains"
) -> Ids:
    """Number of each prompt's domain among the learned ones, ``(n_prompts,)``; -1 where it is not known.

    Args:
        given: Domain of each prompt; None for those, or for all, that are not known.
        learned: The domains that were learned.
        n_prompts: How many prompts there are.
        what: What they are, where they are no domains.

    Raises:
        InputError: There is not one name a prompt, or a name is no text.

    >>> domain_numbers(["law", None, "chess"], ["history", "law"], 3).tolist()
    [1, -1, -1]
    """
    if given is None:
        return np.full(n_prompts, -1, np.int64)
    if isinstance(given, str) or len(given) != n_prompts:
        came = "one text" if isinstance(given, str) else f"{len(given)}"
        raise InputError(
            f"{what} must be a list with a name or None for each of {n_prompts} prompts, got {came}"
        )
    for name in given:
        if name is not None and not isinstance(name, str):
            raise InputError(f"{what}: each must be a name or None, got {name!r} ({type(name).__name__})")
    place = {name: number for number, name in enumerate(learned)}
    return np.array([-1 if name is None else place.get(name, -1) for name in given], np.int64)


def label_numbers(given: Labels | None, learned: Sequence[Label], n_prompts: int) -> Ids:
    """Number of each prompt's value of each learned label, ``(n_prompts, n_labels)``; -1 where not known.

    Args:
        given: By label; those that are left out are not known of any prompt.
        learned: The labels that were learned.
        n_prompts: How many prompts there are.

    Raises:
        InputError: A label was not learned, there is not one value a prompt, or a value is no text.

    >>> label_numbers({"language": ["en", "eo"]}, [Label("language", ("de", "en"))], 2).tolist()
    [[1], [-1]]
    """
    if given is not None and not isinstance(given, Mapping):
        raise InputError(f"labels must be a mapping from label to values, got {type(given).__name__}")
    given = given or {}
    if unknown := sorted(set(given) - {label.name for label in learned}):
        known = ", ".join(label.name for label in learned) or "none"
        raise InputError(
            f"labels {', '.join(unknown)} were not learned; learned: {known}. What is to be told has to be "
            "named in training: train(..., labels=...)"
        )
    columns = [
        domain_numbers(given.get(label.name), label.values, n_prompts, what=f"values of {label.name}")
        for label in learned
    ]
    return np.stack(columns, axis=1) if columns else np.empty((n_prompts, 0), np.int64)
