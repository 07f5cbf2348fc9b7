"""Tokens that a provider reports, and what they cost by the pool's prices."""

from __future__ import annotations

from dataclasses import dataclass

from routoo.data.pool import PoolModel

_FAR = 2  # times what was sent or allowed, beyond which a report is not believed
_SLACK = 1_000  # tokens that a provider may add of its own
_WRITTEN, _WRITTEN_FOR_AN_HOUR = 1.25, 2.0
"""Times the price of input that Anthropic charges for a token kept in a cache, for minutes or an hour."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What one request used.

    Args:
        input_tokens: Tokens sent, those out of a cache included.
        output_tokens: Tokens that came, of reasoning too.
        cached_tokens: Tokens sent that the provider had in a cache.
        written_tokens: Tokens sent that it wrote to one, of these
        hour_tokens: those that it keeps there for an hour.
    """

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    written_tokens: int = 0
    hour_tokens: int = 0

    def cost_usd(self, model: PoolModel) -> float:
        """What the request cost; cached tokens at the price of input where the pool has none of their own.

        Tokens written to a cache cost 1.25 times the price of input, 2 times where they are kept for an hour.

        >>> model = PoolModel(
        ...     name="m", usd_per_1m_input=2, usd_per_1m_output=8, usd_per_1m_cached_input=0.5
        ... )
        >>> Usage(input_tokens=1000, output_tokens=100, cached_tokens=400).cost_usd(model)
        0.0022
        >>> Usage(input_tokens=1000, output_tokens=100, written_tokens=400).cost_usd(model)
        0.003
        """
        cached_price = model.usd_per_1m_cached_input
        cached_price = model.usd_per_1m_input if cached_price is None else cached_price
        surcharge = self.written_tokens * (_WRITTEN - 1) + self.hour_tokens * (
            _WRITTEN_FOR_AN_HOUR - _WRITTEN
        )
        tokens = (self.input_tokens - self.cached_tokens + surcharge) * model.usd_per_1m_input
        tokens += self.cached_tokens * cached_price + self.output_tokens * model.usd_per_1m_output
        return tokens / 1e6 + model.usd_per_call


def read_usage(reported: object, text: str, *, most_input: int, most_output: int) -> Usage | None:
    """The usage that a provider reported; None where it reported none, or one that cannot be.

    LiteLLM writes zeros where a provider reports nothing: no prompt is of no token.

    Args:
        reported: What it reported.
        text: What came.
        most_input: The most tokens that can have been sent.
        most_output: The most that were allowed to come.
    """
    sent, came = (_count(reported, name) for name in ("prompt_tokens", "completion_tokens"))
    details = getattr(reported, "prompt_tokens_details", None)
    lifetimes = getattr(details, "cache_creation_token_details", None)
    cached, written = _count_or_0(details, "cached_tokens"), _count_or_0(details, "cache_creation_tokens")
    hour = _count_or_0(lifetimes, "ephemeral_1h_input_tokens")
    if sent is None or came is None or cached is None or written is None or hour is None:
        return None
    possible = 0 < sent <= _FAR * most_input + _SLACK and came <= _FAR * most_output + _SLACK
    if not possible or cached + written > sent or hour > written or (text.strip() and not came):
        return None
    return Usage(
        input_tokens=sent,
        output_tokens=came,
        cached_tokens=cached,
        written_tokens=written,
        hour_tokens=hour,
    )


def _count_or_0(reported: object, name: str) -> int | None:
    """A number of tokens, 0 where none is stated; None where what is stated is no number of tokens."""
    return 0 if getattr(reported, name, None) is None else _count(reported, name)


def _count(reported: object, name: str) -> int | None:
    """A number of tokens; None where there is none, or it is no whole number from 0 on."""
    value = getattr(reported, name, None)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        return None
    return int(value) if value >= 0 else None
