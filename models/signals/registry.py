"""Every signal by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from routoo.data.checks.arguments import choice
from routoo.data.errors import InputError
from routoo.models.signals.agreement import member_agreement, sample_agreement
from routoo.models.signals.answered import answered
from routoo.models.signals.generation import Generation
from routoo.models.signals.margin import (
    open_margin_log_odds,
    option_margin_log_odds,
    option_margin_probability,
)
from routoo.models.signals.refusal import refusal
from routoo.models.signals.sequence import sequence_log_prob_mean, sequence_log_prob_sum


@dataclass(frozen=True)
class Signal:
    """How a signal is read.

    Args:
        function: From fields of a `Generation` to a number.
        needs: These fields, in the order of its arguments.
        optional: Further ones that may be None.
        rising: Whether more of it means that the answer is rather right.
    """

    function: Callable[..., float]
    needs: tuple[str, ...]
    optional: tuple[str, ...] = ()
    rising: bool = True


SIGNALS: dict[str, Signal] = {
    "option_margin_log_odds": Signal(option_margin_log_odds, ("option_log_probs",)),
    "option_margin_probability": Signal(option_margin_probability, ("option_log_probs",)),
    "open_margin_log_odds": Signal(open_margin_log_odds, ("top_tokens", "top_log_probs")),
    "sequence_log_prob_sum": Signal(sequence_log_prob_sum, ("token_log_probs",)),
    "sequence_log_prob_mean": Signal(sequence_log_prob_mean, ("token_log_probs",)),
    "sample_agreement": Signal(sample_agreement, ("samples",)),
    "member_agreement": Signal(member_agreement, ("text", "other_text")),
    "answered": Signal(answered, ("text",)),
    "refusal": Signal(refusal, ("text",), optional=("finish_reason",), rising=False),
}


def read_signal(name: str, generation: Generation) -> float:
    """The signal of this name.

    Raises:
        InputError: There is none of this name, or the model did not return what it needs.

    >>> read_signal("sample_agreement", Generation(samples=["4", "4", "5", "4"]))
    0.75
    >>> read_signal("sequence_log_prob_sum", Generation(text="4"))
    Traceback (most recent call last):
    routoo.data.errors.InputError: sequence_log_prob_sum needs token_log_probs, which the model did not return
    """
    signal = SIGNALS[choice("signal", name, SIGNALS)]
    if missing := [field for field in signal.needs if getattr(generation, field) is None]:
        raise InputError(f"{name} needs {' and '.join(missing)}, which the model did not return")
    return signal.function(*(getattr(generation, field) for field in signal.needs + signal.optional))


def read_signals(generation: Generation, names: Sequence[str] | None = None) -> dict[str, float]:
    """Every signal for which the model returned what it needs, by name; of these names, where given.

    Raises:
        InputError: There is none of a name, or what the model returned cannot be used, say one option where a
            margin needs two.

    >>> read_signals(Generation(text="4", samples=["4", "5"]))
    {'sample_agreement': 0.5, 'answered': 1.0, 'refusal': 0.0}
    """
    wanted = SIGNALS if names is None else [choice("signal", name, SIGNALS) for name in names]
    return {
        name: read_signal(name, generation)
        for name in wanted
        if all(getattr(generation, field) is not None for field in SIGNALS[name].needs)
    }


TEXT_SIGNALS = tuple(name for name, signal in SIGNALS.items() if signal.needs == ("text",))
"""Signals that can be read off the text of an answer alone."""


def text_signals(text: str) -> dict[str, float]:
    """What can be read off the text of an answer alone.

    >>> text_signals("")
    {'answered': 0.0, 'refusal': 0.0}
    """
    return read_signals(Generation(text=text), TEXT_SIGNALS)
