"""What went wrong with a request to a provider, and whether another try may help."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from routoo.data.errors import CallError


class RefusedError(CallError):
    """The provider refused what a request holds: fewer parameters may do."""


_WORDS = {
    400: "the provider refused the request (400)",
    401: "the provider did not take the key (401)",
    402: "the account at the provider is out of money (402)",
    403: "the key may not use this model (403)",
    404: "the provider knows no such model (404)",
    408: "no answer came in time",
    429: "the provider was asked too often (429)",
}
_RETRYABLE = (408, 409, 425, 429)
_NOT_RUN = (503, 529)
_REFUSED = (400, 422)
_TOO_LONG = "the prompt is longer than the model's context window (400)"
_UNREADABLE = "the connection broke, or what came cannot be read"


def call_error(error: Exception) -> CallError:
    """The error of a request as ours: in words that hold neither a prompt nor a key.

    Nothing was run, and nothing is billed, where the provider refused; what a try cost that ended otherwise
    is not known.
    """
    status, headers = _status(error), _headers(error)
    if type(error).__name__ == "ContextWindowExceededError":
        return CallError(_TOO_LONG, cost_usd=0.0)
    if status == 408 and not headers:
        return CallError(_WORDS[408], retryable=True)
    if status is None or not headers:  # LiteLLM says 500 of all that it cannot read
        return CallError(_UNREADABLE, retryable=status is None or status >= 500)
    words = _WORDS.get(status) or f"the provider {'failed' if status >= 500 else 'refused'} ({status})"
    kind = RefusedError if status in _REFUSED else CallError
    return kind(
        words,
        retryable=status >= 500 or status in _RETRYABLE,
        retry_after_s=retry_after_s(headers),
        cost_usd=0.0 if status < 500 or status in _NOT_RUN else None,
    )


def is_filtered(error: Exception) -> bool:
    """Whether a content filter of the provider refused the prompt."""
    return type(error).__name__ == "ContentPolicyViolationError"


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds after which the provider wants to be asked again, which it gives as such or as a date.

    A date is compared with that of the answer, so that clocks need not agree.

    >>> retry_after_s({"retry-after": "7"}), retry_after_s({"retry-after": "soon"})
    (7.0, None)
    >>> date = "Fri, 01 May 2026 10:00:00 GMT"
    >>> retry_after_s({"retry-after": "Fri, 01 May 2026 10:00:30 GMT", "date": date})
    30.0
    """
    lower = {name.lower(): value for name, value in headers.items()}
    found = _number(lower.get("retry-after-ms"))
    if found is not None:
        return found / 1000
    given = lower.get("retry-after")
    seconds = _number(given)
    if seconds is not None or given is None:
        return seconds
    until, sent = _date(given), _date(lower.get("date", "")) or datetime.now(UTC)
    return None if until is None else max((until - sent).total_seconds(), 0.0)


def _number(text: str | None) -> float | None:
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if math.isfinite(found) and found >= 0 else None


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _status(error: Exception) -> int | None:
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def _headers(error: Exception) -> Mapping[str, str]:
    """What the provider's answer was headed by; empty where none came."""
    headers = getattr(getattr(error, "response", None), "headers", None)
    return dict(headers) if isinstance(headers, Mapping) else {}
