"""What is sent to a provider for a request, and how many tokens that can be at most."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from routoo.data.call import Call
from routoo.data.chat import is_message
from routoo.data.errors import CallError
from routoo.data.request import Request
from routoo.members.ask import Ask

Body = dict[str, Any]  # Any: what JSON holds

_LEFT_OUT = ("model", "stream", "stream_options", "system")
"""What a chat request holds that is the pool's to say, or stands among its messages instead."""

_PASSED = frozenset(
    {"messages", "tools", "tool_choice", "parallel_tool_calls", "functions", "function_call"}
    | {"response_format", "stop", "seed", "user", "logit_bias", "reasoning_effort", "verbosity"}
    | {"temperature", "top_p", "presence_penalty", "frequency_penalty"}
    | {"max_tokens", "max_completion_tokens"}
)
_LENGTHS = ("max_completion_tokens", "max_tokens")
_MESSAGE_TOKENS = 32  # what an interface writes around a message, at most
_PART_TOKENS = 8_192  # of an image or a file, which is not counted by its bytes
_HEADER = re.compile(r"[\x21-\x7e]{1,200}")


def body_of(request: Request, call: Call, ask: Ask) -> Body:
    """What is sent: a text by the way of asking, a chat as it is but for the model.

    What a chat request says itself, such as its temperature, stands before what the call says.

    Raises:
        CallError: A chat request holds what is not passed on, say an address or a key.
    """
    own = _chat(request)
    if unknown := sorted(set(own) - _PASSED):
        raise CallError(
            f"a chat request holds {', '.join(unknown)}, which is not passed on: leave it out, or write it "
            "in parameters of the call",
            cost_usd=0.0,
        )
    limits = {} if any(name in own for name in _LENGTHS) else {"max_tokens": call.max_tokens}
    body = {"temperature": call.temperature, **limits, **call.parameters, **own}
    return {**body, "messages": body.get("messages") or [{"role": "user", "content": ask.text(request)}]}


def most_input(request: Request, ask: Ask) -> int:
    """The most tokens that are sent: no token is of less than a byte of text."""
    if isinstance(request.prompt, str):
        return len(ask.text(request).encode("utf-8", "replace")) + 2 * _MESSAGE_TOKENS
    chat = _chat(request)
    written = json.dumps(chat, ensure_ascii=False, default=str).encode("utf-8", "replace")
    parts = written.count(b'"image') + written.count(b'"input_') + written.count(b'"file"')
    return len(written) + (len(chat["messages"]) + 1) * _MESSAGE_TOKENS + parts * _PART_TOKENS


def writes_cache(request: Request, call: Call) -> bool:
    """Whether the provider is asked to keep what is sent in a cache, which it charges for."""
    return '"cache_control"' in json.dumps([call.parameters, _chat(request)], default=str)


def most_output(request: Request, call: Call) -> int:
    """The most tokens that may come of one sample."""
    own = _chat(request)
    stated = [own[name] for name in _LENGTHS if isinstance(own.get(name), int) and own[name] > 0]
    return stated[0] if stated else call.max_tokens


def idempotency_key(request: Request, call: Call, body: Body, sample: int) -> str:
    """The caller's key, or one of model, prompt and number of the sample: alike requests are billed once."""
    key = request.key
    if key is None or not _HEADER.fullmatch(key):
        identity = (key, call.model, call.api_base, body, request.prompt_id, request.sample)
        written = json.dumps(identity, ensure_ascii=False, sort_keys=True, default=str)
        key = hashlib.sha256(written.encode("utf-8", "replace")).hexdigest()
    return key if call.samples == 1 else f"{key}-{sample}"


def _chat(request: Request) -> Body:
    """What a chat request says itself, with all messages; nothing of a text."""
    prompt = request.prompt
    if isinstance(prompt, str):
        return {}
    if not isinstance(prompt, Mapping):
        return {"messages": [dict(message) for message in prompt]}
    if is_message(prompt):
        return {"messages": [dict(prompt)]}
    system = prompt.get("system")
    first = [] if system is None else [{"role": "system", "content": system}]
    own = {name: value for name, value in prompt.items() if name not in _LEFT_OUT and value is not None}
    return {**own, "messages": [*first, *(dict(message) for message in prompt["messages"])]}
