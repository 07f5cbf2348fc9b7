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
_UNCONVERTED = "Error converting to valid response"  # LiteLLM says 422 of what it could not read of Gemini's
_UNKNOWN = "LiteLLM knows no such model: its name begins with that of a provider, as openai/gpt-4o-mini does"
_NO_KEY = "Missing credentials"  # what OpenAI's client says, of which LiteLLM makes an error of the server
_NO_KEY_IN_WORDS = (
    "the environment holds no key of the provider: export it, or name its variable in api_key_env"
)


def call_error(error: Exception) -> CallError:
    """The error of a request as ours: in words that hold neither a prompt nor a key.

    Nothing was run, and nothing is billed, where the provider refused; what a try cost that ended otherwise
    is not known.
    """
    status, headers = _status(error), _headers(error)
    if type(error).__name__ == "ContextWindowExceededError" or _code(error) == "context_length_exceeded":
        return CallError(_TOO_LONG, cost_usd=0.0)
    if _UNCONVERTED in str(error):
        return CallError(_UNREADABLE, retryable=True)
    if not headers:
        return _without_response(error, status)
    return status_error(status, headers, _code(error))


def status_error(status: int | None, headers: Mapping[str, str], code: str | None = None) -> CallError:
    """The error that a provider's response with this status is.

    Args:
        status: What it answered with; None where that is not known.
        headers: What the response was headed by.
        code: The provider's own word for the error, where it has one.
    """
    words = (
        _WORDS.get(status or 0) or f"the provider {'failed' if _is_theirs(status) else 'refused'} ({status})"
    )
    if code == "insufficient_quota":
        return CallError(_WORDS[402], cost_usd=0.0)
    kind = RefusedError if status in _REFUSED else CallError
    return kind(
        words,
        retryable=_is_theirs(status) or status in _RETRYABLE,
        retry_after_s=retry_after_s(headers),
        cost_usd=None if _is_theirs(status) and status not in _NOT_RUN else 0.0,
    )


def _without_response(error: Exception, status: int | None) -> CallError:
    """What LiteLLM says itself: that it has no key or knows no such model, or that it could read nothing."""
    if status == 401 or _NO_KEY in str(error):
        return CallError(_NO_KEY_IN_WORDS, cost_usd=0.0)
    if status == 400:
        return CallError(_UNKNOWN, cost_usd=0.0)
    return CallError(_WORDS[408] if status == 408 else _UNREADABLE, retryable=True)


def _is_theirs(status: int | None) -> bool:
    return status is None or status >= 500


def is_filtered(error: Exception) -> bool:
    """Whether a content filter of the provider refused the prompt."""
    return type(error).__name__ == "ContentPolicyViolationError" or _code(error) == "content_filter"


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


def _code(error: Exception) -> str | None:
    """The provider's own word for the error, where it has one."""
    body = getattr(error, "body", None)
    code = body.get("code") if isinstance(body, Mapping) else None
    return code if isinstance(code, str) else None


def _headers(error: Exception) -> Mapping[str, str]:
    """What the provider's response was headed by; empty where none came."""
    of_response = getattr(getattr(error, "response", None), "headers", None)
    for headers in (getattr(error, "litellm_response_headers", None), of_response):
        if isinstance(headers, Mapping) and headers:
            return dict(headers)
    return {}
