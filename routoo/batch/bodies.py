"""What a request of a batch file sends: as a call at once would, and a chat as it is but for the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from routoo.data.call import Call
from routoo.data.errors import InputError
from routoo.data.request import Request
from routoo.members.ask import Ask
from routoo.members.remote.body import Body, body_of
from routoo.members.remote.client import written

_OURS = frozenset({"model", "stream", "stream_options"})
_REFUSED = frozenset({"n", "api_key", "api_base", "base_url", "api_version", "extra_headers", "timeout"})
_LENGTHS = frozenset({"max_tokens", "max_completion_tokens"})
_OF_ANTHROPIC = frozenset({"system", "stop_sequences", "top_k", "thinking"})
_PARTS_OF_ANTHROPIC = frozenset({"image", "document", "tool_use", "tool_result", "thinking"})


def batch_body(request: Request, call: Call, ask: Ask) -> Body:
    """The JSON that a provider is sent for a request.

    A text goes by the way of asking. What a chat request holds passes through unchanged but for the model,
    and stands before what the call says; where it is of OpenAI's form and the model is Anthropic's, LiteLLM
    translates it, as it does at once.

    Raises:
        InputError: A chat request holds an address, a key or a number of answers.
        Exception: Whatever LiteLLM raises of what it cannot translate.
    """
    prompt = request.prompt
    if isinstance(prompt, str) or not isinstance(prompt, Mapping) or "messages" not in prompt:
        if isinstance(prompt, str) or not (
            _is_anthropic(call) and _in_form_of_anthropic({"messages": prompt})
        ):
            return written(call, body_of(request, call, ask))
        prompt = {"messages": prompt}
    own = {name: value for name, value in prompt.items() if name not in _OURS and value is not None}
    if refused := sorted(_REFUSED & own.keys()):
        raise InputError(
            f"prompt {request.prompt_id}: a chat request of a batch must not hold {', '.join(refused)}: "
            "leave it out"
        )
    if _is_anthropic(call) and not _in_form_of_anthropic(own):
        return written(call, body_of(request, call, ask))
    lengths = {} if _LENGTHS & own.keys() else {"max_tokens": call.max_tokens}
    said = {"temperature": call.temperature, **lengths, **call.parameters}
    ours = {name: value for name, value in said.items() if name not in own}
    begun = written(call, {**ours, "messages": [{"role": "user", "content": "."}]})
    if not _is_anthropic(call) and "system" in own:
        system = {"role": "system", "content": own.pop("system")}
        own["messages"] = [system, *own["messages"]]
    return {**begun, **own}


def _is_anthropic(call: Call) -> bool:
    return call.model.startswith("anthropic/")


def _in_form_of_anthropic(own: Mapping[str, Any]) -> bool:  # Any: whatever a chat request holds
    """Whether a chat request is of Anthropic's interface: by its keys, its tools, or parts of messages."""
    tools = own.get("tools") or ()
    return (
        not _OF_ANTHROPIC.isdisjoint(own)
        or any("input_schema" in tool for tool in tools)
        or any(part.get("type") in _PARTS_OF_ANTHROPIC for part in _parts(own["messages"]))
    )


def _parts(messages: Any) -> Iterator[Mapping[str, Any]]:  # Any: messages, which are one or a list
    for message in [messages] if isinstance(messages, Mapping) else messages:
        content = message.get("content")
        yield from (
            (part for part in content if isinstance(part, Mapping)) if isinstance(content, list) else ()
        )
