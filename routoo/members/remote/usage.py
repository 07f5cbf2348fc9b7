"""Tokens that a provider reports, and what they cost by the pool's prices."""

from __future__ import annotations

from dataclasses import dataclass

from routoo.data.pool import PoolModel

_FAR = 2  # times what was sent or allowed, beyond which a report is not believed
_SLACK = 1_000  # tokens that a provider may add of its own


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What one request used.

    Args:
        input_tokens: Tokens sent, those out of a cache included.
        output_tokens: Tokens that came, of reasoning too.
        cached_tokens: Tokens sent that the provider had in a cache.
    """

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0

    def cost_usd(self, model: PoolModel) -> float:
        """What the request cost; cached tokens at the price of input where the pool has none of their own.

        >>> model = PoolModel(
        ...     name="m", usd_per_1m_input=2, usd_per_1m_output=8, usd_per_1m_cached_input=0.5
        ... )
        >>> Usage(input_tokens=1000, output_tokens=100, cached_tokens=400).cost_usd(model)
        0.0022
        """
        cached_price = model.usd_per_1m_cached_input
        cached_price = model.usd_per_1m_input if cached_price is None else cached_price
        tokens = (self.input_tokens - self.cached_tokens) * model.usd_per_1m_input
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
    cached = 0 if getattr(details, "cached_tokens", None) is None else _count(details, "cached_tokens")
    if sent is None or came is None or cached is None:
        return None
    possible = 0 < sent <= _FAR * most_input + _SLACK and came <= _FAR * most_output + _SLACK
    if not possible or cached > sent or (text.strip() and not came):
        return None
    return Usage(input_tokens=sent, output_tokens=came, cached_tokens=cached)


def _count(reported: object, name: str) -> int | None:
    """A number of tokens; None where there is none, or it is no whole number from 0 on."""
    value = getattr(reported, name, None)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        return None
    return int(value) if value >= 0 else None
