"""What came of one request, as plain values."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from routoo.members.remote.usage import Usage, read_usage


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer of a provider.

    Args:
        text: What the model wrote; of calls of tools alone, their names and arguments as JSON. None where
            the response held no choice.
        finish_reason: Why it ended, in the provider's word as LiteLLM spells it.
        usage: What it used; None where that is not known.
        token_log_probs: Of each token that came, where they were asked for.
        top_tokens: The likeliest tokens at the first position.
        top_log_probs: Theirs.
    """

    text: str | None
    finish_reason: str | None = None
    usage: Usage | None = None
    token_log_probs: tuple[float, ...] | None = None
    top_tokens: tuple[str, ...] | None = None
    top_log_probs: tuple[float, ...] | None = None

    def option_log_probs(self, letters: Sequence[str]) -> list[float] | None:
        """Log-probability that the answer begins with each letter; None where no letter is among the top.

        A letter that is not among the likeliest tokens is at most as likely as the last of these, and counts
        as that, so that a margin over it is at least what it comes out as.
        """
        if self.top_tokens is None or self.top_log_probs is None:
            return None
        found: dict[str, float] = {}
        for token, log_prob in zip(self.top_tokens, self.top_log_probs, strict=True):
            letter = token.strip()
            if letter in letters:
                found[letter] = max(log_prob, found.get(letter, -math.inf))
        least = min(self.top_log_probs)
        return [found.get(letter, least) for letter in letters] if found else None


def read_reply(response: Any, *, most_input: int, most_output: int) -> Reply:  # Any: an answer of LiteLLM
    """The reply in a response, of which nothing is believed.

    Args:
        response: What LiteLLM made of it.
        most_input: The most tokens that can have been sent.
        most_output: The most that were allowed to come.
    """
    choices = getattr(response, "choices", None) or []
    message = getattr(choices[0], "message", None) if choices else None
    text = None if message is None else _text(message)
    usage = read_usage(
        getattr(response, "usage", None), text or "", most_input=most_input, most_output=most_output
    )
    choice = choices[0] if choices else None
    reason = getattr(choice, "finish_reason", None)
    tokens = getattr(getattr(choice, "logprobs", None), "content", None) or []
    log_probs = _log_probs(tokens)
    top = list(getattr(tokens[0], "top_logprobs", None) or []) if tokens else []
    top_log_probs = _log_probs(top) if len(top) > 1 else None
    return Reply(
        text=text,
        finish_reason=reason if isinstance(reason, str) else None,
        usage=usage,
        token_log_probs=log_probs,
        top_tokens=None if top_log_probs is None else tuple(str(one.token) for one in top),
        top_log_probs=top_log_probs,
    )


def _text(message: Any) -> str:  # Any: a message of LiteLLM
    content = getattr(message, "content", None)
    calls = getattr(message, "tool_calls", None)
    if isinstance(content, str) and (content or not calls):
        return content
    called = [
        {"name": call.function.name, "arguments": call.function.arguments}
        for call in calls or []
        if getattr(call, "function", None) is not None
    ]
    return json.dumps(called, ensure_ascii=False) if called else ""


def _log_probs(tokens: Sequence[Any]) -> tuple[float, ...] | None:  # Any: tokens of LiteLLM
    """The log-probability of each token; None where one has none that can be."""
    found = [getattr(token, "logprob", None) for token in tokens]
    if not found or not all(isinstance(value, int | float) and math.isfinite(value) for value in found):
        return None
    return tuple(min(float(value), 0.0) for value in found if value is not None)
