"""A thing in a pool that a person should look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["entry", "price", "limit", "outcomes", "duplicate", "dominated"]


@dataclass(frozen=True)
class Finding:
    """One thing to look at.

    Args:
        kind: What sort of thing.
        model: The model that it is about.
        words: What is odd about it; a sentence whose subject is the model.
        other: The model that it is held against, where there is one.

    >>> print(Finding("duplicate", "GPT-4", "differs from gpt-4 in case or punctuation alone", "gpt-4"))
    duplicate: GPT-4: differs from gpt-4 in case or punctuation alone
    """

    kind: Kind
    model: str
    words: str
    other: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.model}: {self.words}"
