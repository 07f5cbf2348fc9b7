"""How many prompts the money of an evaluation is stated for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from routoo.data.curves import Vector
from routoo.evaluation.in_words import dollars

_SMALL = 0.2  # USD of 1,000 prompts


@dataclass(frozen=True)
class Volume:
    """So many prompts that their cost is an amount one reads: a thousand, or a million where these are cheap.

    A million it is where 1,000 prompts cost less than 0.20 USD at the best single model, whose cost every
    saving is a share of.

    Args:
        single_cost_usd: What a prompt costs at the best single model, in USD.

    Example:
        >>> few, many = Volume(0.0075), Volume(0.0000058)
        >>> print(few.usd(0.0031), "USD per", few), print(many.usd(0.00000515), "USD per", many)
        3.10 USD per 1,000 prompts
        5.15 USD per million prompts
        (None, None)
    """

    single_cost_usd: float

    @cached_property
    def prompts(self) -> int:
        """How many prompts."""
        return 1_000_000 if 1000 * self.single_cost_usd < _SMALL else 1000

    def of(self, cost_usd: Vector | float) -> Vector:
        """What so many prompts cost, in USD, given the mean costs of one."""
        return self.prompts * np.asarray(cost_usd, np.float64)

    def usd(self, cost_usd: float) -> str:
        """The same as a person writes it, given the mean cost of one prompt in USD."""
        return dollars(self.prompts * cost_usd)

    def __str__(self) -> str:
        """What stands after "per"."""
        return f"{self.prompts:,} prompts" if self.prompts == 1000 else "million prompts"
