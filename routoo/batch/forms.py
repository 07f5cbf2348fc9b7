"""The two forms of batch files: what a line holds, how much a file may, and what a line of results says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from routoo.data.call import Call
from routoo.data.errors import InputError

_WORD = re.compile(r"[\w.-]{1,64}")

Json = Mapping[str, Any]  # Any: what JSON holds


@dataclass(frozen=True)
class Result:
    """What came of one request.

    Args:
        custom_id: Its name in the file.
        content: The provider's response, where it answered.
        status: The status it was refused or failed with, where it says so.
        code: The provider's word for what went wrong: ``batch_expired``, ``overloaded_error``.
        ran_out: Whether it expired or was cancelled: the model never saw it, and nothing is billed.
    """

    custom_id: str
    content: Json | None = None
    status: int | None = None
    code: str | None = None
    ran_out: bool = False


@dataclass(frozen=True)
class Form:
    """A provider's form of batch files.

    Args:
        provider: How its models begin in LiteLLM's names.
        most_requests: Most requests a file.
        most_bytes: Most bytes a file.
        line: The line of a request, given its id and what is sent.
        result: What a line of results says.
    """

    provider: str
    most_requests: int
    most_bytes: int
    line: Callable[[str, Json], bytes]
    result: Callable[[Json], Result]


def form_of(name: str, call: Call | None) -> Form:
    """The form in which a model of this call takes batches.

    Args:
        name: What to call the model in a message.
        call: How it is called.

    Raises:
        InputError: It is none that takes batch files.

    >>> form_of("mini", Call(kind="provider", model="openai/gpt-4o-mini")).most_requests
    50000
    """
    provider = call.model.partition("/")[0] if call is not None and call.kind == "provider" else None
    for form in FORMS:
        if form.provider == provider:
            return form
    takers = " or ".join(form.provider for form in FORMS)
    came = "no call" if call is None else f"a call of {call.model}" if provider else f"kind {call.kind}"
    raise InputError(
        f"model {name} has {came}, and batch files are taken by a call of kind provider whose model begins "
        f"with {takers}, as openai/gpt-4o-mini does"
    )


def word(code: str) -> str:
    """A provider's word for what went wrong, where it is one: a message may quote the prompt.

    >>> word("batch_expired"), word("Unexpected token in: Name a river.")
    ('batch_expired', 'for a reason of its own')
    """
    return code if _WORD.fullmatch(code) else "for a reason of its own"


def _json(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def _openai_line(custom_id: str, body: Json) -> bytes:
    return _json({"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body})


def _openai_result(line: Json) -> Result:
    custom_id, error = str(line["custom_id"]), line.get("error")
    if error:
        code = str(error.get("code"))
        return Result(custom_id, code=code, ran_out=code in ("batch_expired", "batch_cancelled"))
    body, status = line["response"]["body"], line["response"]["status_code"]
    if status == 200:
        return Result(custom_id, content=body)
    said = body.get("error") if isinstance(body, Mapping) else None
    return Result(custom_id, status=status, code=said.get("code") if isinstance(said, Mapping) else None)


def _anthropic_line(custom_id: str, params: Json) -> bytes:
    return _json({"custom_id": custom_id, "params": params})


_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The status that stands for each type of error, as Anthropic's documentation lists them."""


def _anthropic_result(line: Json) -> Result:
    custom_id, result = str(line["custom_id"]), line["result"]
    if result["type"] == "succeeded":
        return Result(custom_id, content=result["message"])
    if result["type"] in ("expired", "canceled"):
        return Result(custom_id, code=result["type"], ran_out=True)
    error = result.get("error") or {}
    code = str((error.get("error") or error).get("type"))  # which may stand in a response of its own
    return Result(custom_id, status=_STATUS.get(code), code=code)


OPENAI = Form("openai", 50_000, 200_000_000, _openai_line, _openai_result)
ANTHROPIC = Form("anthropic", 100_000, 256_000_000, _anthropic_line, _anthropic_result)
FORMS = (OPENAI, ANTHROPIC)
