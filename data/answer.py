"""One answer of one member to one prompt."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from routoo.data.checks.arguments import name_list, number, text_of
from routoo.data.errors import InputError
from routoo.data.request import Request
from routoo.data.tables.columns import SIGNALS

_NUMBERS = ("input_tokens", "output_tokens", "cost_usd", "latency_s", "latency_first_s")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a member returned, or why it returned nothing.

    Args:
        prompt_id: Name of the prompt.
        model: Name of the member in the pool.
        answer: The final answer, as the way of asking reads it off the text; None where none came.
        sample: Its number among several answers to one prompt, from 0.
        text: The whole text, where `answer` is only a part of it.
        input_tokens: Tokens that were sent, over all samples.
        output_tokens: Tokens that came, over all samples.
        cost_usd: What it cost; None where usage was not reported, and never 0 for that.
        latency_s: Seconds to the last token.
        latency_first_s: Seconds to the first one.
        finish_reason: Why it ended, in the provider's word: ``stop``, ``length``, ``content_filter``.
        error: Why none came, in words that many answers may share.
        samples: The final answers of which `answer` is the majority, where a member takes several.
        signals: What was read off it, by name (`routoo.models.signals.registry.SIGNALS`); one that is NaN or
            infinite counts as none.

    Raises:
        InputError: A number is negative or not finite, or there is neither an answer nor an error.

    >>> Answer(prompt_id="q", model="small", answer="4", signals={"refusal": 0.0}).row()
    {'prompt_id': 'q', 'model': 'small', 'sample': 0, 'answer': '4', 'signal_refusal': 0.0}
    """

    prompt_id: str
    model: str
    answer: str | None
    sample: int = 0
    text: str | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None
    cost_usd: float | None = None
    latency_s: float | None = None
    latency_first_s: float | None = None
    finish_reason: str | None = None
    error: str | None = None
    samples: tuple[str, ...] | None = None
    signals: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        text_of("prompt_id", self.prompt_id)
        text_of("model", self.model)
        number("sample", self.sample, whole=True)
        for name in _NUMBERS:
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, number(name, value, finite=True))
        if self.answer is None and not self.error:
            raise InputError(f"answer of {self.model} to {self.prompt_id}: expected an answer or an error")
        if self.samples is not None:
            object.__setattr__(self, "samples", name_list("samples", self.samples))
        known = {name: value for name, value in self.signals.items() if math.isfinite(value)}
        object.__setattr__(self, "signals", known)

    def row(self) -> dict[str, object]:
        """What is known of it as a row of `Answers`, signals as ``signal_*``."""
        known: dict[str, object] = {
            name: value for name, value in vars(self).items() if value is not None and name != "signals"
        }
        known = {name: list(value) if isinstance(value, tuple) else value for name, value in known.items()}
        order = {"prompt_id": None, "model": None, "sample": None, "answer": None}
        return {**order, **known, **{f"{SIGNALS}{name}": value for name, value in self.signals.items()}}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Answer:  # Any: values of a row
        """The answer of which `row` made a row.

        >>> Answer.from_row({"prompt_id": "q", "model": "m", "answer": "4", "signal_refusal": 0.0}).signals
        {'refusal': 0.0}
        """
        fields = {name: value for name, value in row.items() if not name.startswith(SIGNALS)}
        signals = {name.removeprefix(SIGNALS): row[name] for name in row if name.startswith(SIGNALS)}
        return cls(**fields, signals=signals)


def no_answer(request: Request, model: str, error: str, *, cost_usd: float | None = None) -> Answer:
    """What stands in the place of an answer that did not come.

    Args:
        request: What was asked.
        model: Who was.
        error: Why none came, in words that many answers may share.
        cost_usd: What the calls for it cost; None where nobody knows.

    >>> no_answer(Request("q", "2 + 2?"), "small", "no answer within the deadline").error
    'no answer within the deadline'
    """
    return Answer(
        prompt_id=request.prompt_id,
        model=model,
        answer=None,
        sample=request.sample,
        error=error,
        cost_usd=cost_usd,
    )
