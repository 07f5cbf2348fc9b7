"""The items of a batch: which of them ask the same, and the random order in which they are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from routoo.collect.keys import digest
from routoo.data.request import Request


@dataclass(frozen=True, eq=False)
class Items:
    """Items by name and by what they ask, in the order of the batch.

    Args:
        ids: Their names.
        keys: What each asks: two items with one key are asked once.
        seed: Of the order in which they are looked at, which depends on nothing else.

    Example:
        >>> items = Items.of([Request("a", "2 + 2?"), Request("b", "3 + 3?"), Request("c", "2 + 2?")], seed=0)
        >>> len(items), items.distinct, items.order.tolist()
        (3, 2, [2, 0, 1])
    """

    ids: tuple[str, ...]
    keys: tuple[str, ...]
    seed: int

    @classmethod
    def of(cls, requests: Sequence[Request], *, seed: int) -> Items:
        """The items that these requests are."""
        keys = tuple(digest([request.prompt, list(request.options)]) for request in requests)
        return cls(tuple(request.prompt_id for request in requests), keys, seed)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def distinct(self) -> int:
        """How many of them ask different things."""
        return len(set(self.keys))

    @cached_property
    def order(self) -> npt.NDArray[np.int64]:
        """Places of the items in the batch, in random order."""
        return np.random.default_rng(self.seed).permutation(len(self))

    @cached_property
    def sha256(self) -> str:
        """A hash of names, prompts and their order."""
        return digest(self.rows)

    @property
    def rows(self) -> list[list[str]]:
        """Name and key of each, as JSON has them."""
        return [list(row) for row in zip(self.ids, self.keys, strict=True)]
