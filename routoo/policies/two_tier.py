"""Two-tier selection: a small model answers, and a large one too where the small one's signal is low."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from routoo.data.answer import Answer
from routoo.data.chat import Prompt
from routoo.data.checks.arguments import choice, path_of
from routoo.data.errors import InputError
from routoo.data.request import Request
from routoo.members.background import run_in_background
from routoo.members.calling import Retries
from routoo.members.clock import Clock
from routoo.members.member import Member
from routoo.models.signals.registry import SIGNALS
from routoo.policies.accounts import Accounts
from routoo.solver.cascade.quantile import QuantileRule, Step


@dataclass(frozen=True, eq=False)
class TwoTierAnswer:
    """What came of one prompt.

    Args:
        step: What was decided before any model was asked; ``read`` is to decide on the small one's answer.
        small: Answer of the small model, or why none came; None where it was not asked.
        large: The same of the large model.
        signal: What was read off the small model's answer, low where it is rather wrong; None where nothing
            was.
    """

    step: Step
    small: Answer | None
    large: Answer | None
    signal: float | None

    @property
    def answer(self) -> Answer | None:
        """The answer that counts: the large model's where it gave one, else the small one's; None where the
        budget had nothing left. One that failed has an `error`."""
        came = [answer for answer in (self.large, self.small) if answer is not None]
        return next((answer for answer in came if answer.error is None), came[0] if came else None)

    @property
    def cost_usd(self) -> float | None:
        """What all calls cost; None where nobody knows of one of them, which counted as its most."""
        costs = [answer.cost_usd for answer in (self.small, self.large) if answer is not None]
        return None if None in costs else sum(cost for cost in costs if cost is not None)


class TwoTier:
    """A small and a large model under one budget, without labels and without training.

    `QuantileRule` decides; members are asked, and paid for as their answers are, failures included. One that
    fails is passed over: the other is asked where the money is there. An answer of the small model that bears
    no signal stands.

    Args:
        budget_usd: For all prompts. It is never overspent as long as no call costs more than `most_usd` of
            its member says.
        n_prompts: How many will come.
        small: Who answers first.
        large: Who answers where that seems wrong.
        signal: Which is read off the small model's answer (`routoo.models.signals.registry.SIGNALS`).
        small_usd: What a call of the small model costs on average; learned as the stream goes by when None.
        large_usd: The same of the large model.
        large_better: Whether the large model alone is better than the small one.
        state: A file in which every call is written down before it is made and after. Where there is one of
            the same stream it goes on from there: what was answered is not asked again, and what was under
            way counts as the most that it could cost. From its first call on it holds the state, and another
            is refused, until `close`, the end of a ``with`` block, or that of the process.
        retries: How often a member is asked that did not answer; `Retries()` where it is left out.
        clock: Where time comes from.

    Raises:
        InputError: A number cannot be used, the signal is not known or needs another member, or the state is
            damaged or of another stream.

    Example:
        >>> import polars as pl
        >>> from routoo.data.answers import Answers
        >>> from routoo.members.recorded import RecordedModel
        >>> rows = {
        ...     "prompt_id": ["a", "b"] * 2,
        ...     "model": ["small", "small", "large", "large"],
        ...     "answer": ["Sydney", "4", "Canberra", "4"],
        ...     "cost_usd": [1e-6, 1e-6, 9e-6, 9e-6],
        ...     "signal_sequence_log_prob_sum": [-2.0, -0.1, None, None],
        ... }
        >>> small, large = (RecordedModel(name, Answers(pl.DataFrame(rows))) for name in ("small", "large"))
        >>> two_tier = TwoTier(20e-6, 2, small=small, large=large)
        >>> came = two_tier.answer("Capital of Australia?", prompt_id="a")
        >>> came.step, came.answer.answer, came.cost_usd
        ('large', 'Canberra', 9e-06)
        >>> came = two_tier.answer("2 + 2?", prompt_id="b")
        >>> came.step, came.answer.answer, two_tier.spent_usd
        ('large', '4', 1.8e-05)
    """

    def __init__(
        self,
        budget_usd: float,
        n_prompts: int,
        *,
        small: Member,
        large: Member,
        signal: str = "sequence_log_prob_sum",
        small_usd: float | None = None,
        large_usd: float | None = None,
        large_better: bool = True,
        state: str | Path | None = None,
        retries: Retries | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.signal = choice("signal", signal, SIGNALS)
        if "other_text" in SIGNALS[self.signal].needs:
            raise InputError(f"{signal} needs the answer of another member, which is not asked here")
        rule = QuantileRule(
            budget_usd, n_prompts, small_cost=small_usd, large_cost=large_usd, large_better=large_better
        )
        self._members = {"small": small, "large": large}
        about = {"signal": self.signal, "small": small.name, "large": large.name}
        self._accounts = Accounts(rule, None if state is None else path_of("state", state), about)
        self._kept, self._count, self._under_way = state is not None, 0, set[str]()
        self._retries, self._clock = retries, clock

    @property
    def rule(self) -> QuantileRule:
        """What decides, with its budget."""
        return self._accounts.rule

    @property
    def spent_usd(self) -> float:
        """What was spent."""
        return self.rule.spent

    def close(self) -> None:
        """Lets go of the state, so that another `TwoTier` can go on from it; this one answers no more."""
        self._accounts.close_journal()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def answer(self, prompt: Prompt | Request, *, prompt_id: str | None = None) -> TwoTierAnswer:
        """What comes of one prompt, from any thread.

        Args:
            prompt: A text, a chat, or a request.
            prompt_id: Its name, by which it is known again; needed with a `state`, and else its number.

        Raises:
            InputError: The id is missing, under way, or of another prompt, or another `TwoTier` is at it.
            OSError: The state cannot be written.
        """
        return run_in_background(self.answer_async(prompt, prompt_id=prompt_id))

    async def answer_async(self, prompt: Prompt | Request, *, prompt_id: str | None = None) -> TwoTierAnswer:
        """What comes of one prompt; see `answer`. Prompts may be under way together, in one event loop."""
        request = self._request(prompt, prompt_id)
        if request.prompt_id in self._under_way:
            raise InputError(f"prompt_id {request.prompt_id} is under way")
        self._under_way.add(request.prompt_id)
        try:
            return await self._answered(request)
        finally:
            self._under_way.discard(request.prompt_id)

    async def _answered(self, request: Request) -> TwoTierAnswer:
        mosts = {model: member.most_usd(request) for model, member in self._members.items()}
        step = self._accounts.begin(request, small_most=mosts["small"], large_most=mosts["large"])
        small = await self._asked("small", request) if step in ("small", "read") else None
        signal = self._signal_of(small)
        escalated = step == "large"
        if step == "read":
            escalated = _failed(small) or (
                signal is not None and self._accounts.escalates(request, signal, large_most=mosts["large"])
            )
        large = await self._asked("large", request) if escalated else None
        if step == "large" and _failed(large):
            small = await self._asked("small", request)
        return TwoTierAnswer(step, small, large, signal)

    def _signal_of(self, answer: Answer | None) -> float | None:
        """Low where the answer is rather wrong; None where nothing was read off it."""
        value = None if answer is None else answer.signals.get(self.signal)
        return value if value is None or SIGNALS[self.signal].rising else -value

    async def _asked(self, model: str, request: Request) -> Answer | None:
        signals = (self.signal,) if model == "small" else ()
        return await self._accounts.ask(
            model, self._members[model], request, signals=signals, retries=self._retries, clock=self._clock
        )

    def _request(self, prompt: Prompt | Request, prompt_id: str | None) -> Request:
        if isinstance(prompt, Request):
            return prompt
        if prompt_id is None and self._kept:
            raise InputError("with a state every prompt needs a prompt_id, by which it is known again")
        self._count += 1
        return Request(str(self._count - 1) if prompt_id is None else prompt_id, prompt)


def _failed(answer: Answer | None) -> bool:
    return answer is None or answer.error is not None
