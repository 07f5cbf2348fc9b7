"""What came of prompts that cascades answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import overload

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
        lapsed: Why the contract that it was asked under has lapsed, so that its reference alone was asked.
    """

    prompt_id: str
    asked: tuple[Answer, ...]
    chosen: int | None
    p_correct: float
    lapsed: str | None = None

    @property
    def answer(self) -> Answer | None:
        """The answer that counts; None where none came."""
        return None if self.chosen is None else self.asked[self.chosen]

    @property
    def cost_usd(self) -> float | None:
        """What all calls cost, failures included; None where nobody knows of one of them."""
        costs = [answer.cost_usd for answer in self.asked]
        return None if None in costs else sum(cost for cost in costs if cost is not None)


@dataclass(frozen=True)
class Round:
    """What was planned before calls were made.

    Args:
        price: Score that a dollar had to buy.
        spent_usd: What had been spent.
        expected_usd: What all plans from there on were expected to cost together.
        calls: Calls that were made in the round.
    """

    price: float
    spent_usd: float
    expected_usd: float
    calls: int


@dataclass(frozen=True, eq=False)
class CascadeAnswers(Sequence[CascadeAnswer]):
    """What came of a batch of prompts, in their order.

    Args:
        answers: One a prompt.
        rounds: How it was planned, round by round: under a budget, what was spent and what all plans were
            expected to cost is never more than it, unless the cheapest answers alone are. Empty where the
            price was given.
    """

    answers: tuple[CascadeAnswer, ...]
    rounds: tuple[Round, ...] = ()

    @overload
    def __getitem__(self, at: int) -> CascadeAnswer: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[CascadeAnswer, ...]: ...
    def __getitem__(self, at: int | slice) -> CascadeAnswer | tuple[CascadeAnswer, ...]:
        """The answer at a place, or those of a part."""
        return self.answers[at]

    def __len__(self) -> int:
        return len(self.answers)

    @property
    def cost_usd(self) -> float:
        """What all calls cost whose cost is known."""
        return sum(answer.cost_usd or 0.0 for came in self.answers for answer in came.asked)


OnSettled = Callable[[CascadeAnswer], None]
"""Called with what came of each prompt, once it is settled."""
