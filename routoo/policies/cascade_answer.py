"""What came of one prompt that a cascade answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from routoo.data.answer import Answer


@dataclass(frozen=True, eq=False)
class CascadeAnswer:
    """What came of one prompt.

    Args:
        prompt_id: Its name.
        asked: What each asked model returned, in the order in which that came; one that failed has an
            `error`.
        chosen: Place among them of the answer that counts; None where none came.
        p_correct: Probability that it is right, by all that was seen; 0 where none came.
    """

    prompt_id: str
    asked: tuple[Answer, ...]
    chosen: int | None
    p_correct: float

    @property
    def answer(self) -> Answer | None:
        """The answer that counts; None where none came."""
        return None if self.chosen is None else self.asked[self.chosen]

    @property
    def cost_usd(self) -> float | None:
        """What all calls cost, failures included; None where nobody knows of one of them."""
        costs = [answer.cost_usd for answer in self.asked]
        return None if None in costs else sum(cost for cost in costs if cost is not None)


OnSettled = Callable[[CascadeAnswer], None]
"""Called with what came of each prompt, once it is settled."""
