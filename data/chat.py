"""Chat prompts: the one rule from messages to the text that is scored.

Training, evaluation, command line and serving all read prompts by this rule, so that all see the same text.
``docs/data.md`` states it for people.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from routoo.data.checks.came import came, of_a_table
from routoo.data.errors import InputError

_SHOWN_AS = {
    "image": "image",
    "image_url": "image",
    "input_image": "image",
    "audio": "audio",
    "input_audio": "audio",
    "file": "file",
    "input_file": "file",
    "document": "file",
}
"""What stands for a part that holds no text, by its type; any other type stands for itself."""

_TEXTS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
"""Types of parts that are text, and where it is."""

_ROLES = ("system", "developer", "user", "assistant", "tool", "function")

Prompt = str | Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""What `prompt_text` takes: text, a message or a request, or a list of messages."""

Paragraph = tuple[str, str]
"""Role and text."""


def prompt_text(value: object, what: str = "prompt") -> str:
    """The text that is scored, of what people call a prompt.

    Args:
        value: Text; or a list of messages, one message, or a request with ``messages``, in the form of
            OpenAI's interface or Anthropic's.
        what: What to call it in a message.

    Raises:
        InputError: It is none of these; the message says which part is wrong, and quotes no prompt.

    >>> prompt_text("Name a river.")
    'Name a river.'
    >>> prompt_text([{"role": "user", "content": "Name a river."}])
    'Name a river.'
    >>> prompt_text([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2 + 2?"}])
    'system: Be brief.\\n\\nuser: 2 + 2?'
    """
    if isinstance(value, str):
        return str.__str__(value)
    paragraphs = [(role, text) for role, text in _paragraphs(value, what) if text.strip()]
    if len(paragraphs) == 1 and paragraphs[0][0] == "user":
        return paragraphs[0][1]
    return "\n\n".join(f"{role}: {text}" for role, text in paragraphs)


def messages_text(value: object, what: str = "messages") -> str:
    """The same where messages are expected: text is read as JSON of them.

    Raises:
        InputError: As `prompt_text`, or the text is not JSON.

    >>> messages_text('[{"role": "user", "content": "2 + 2?"}]')
    '2 + 2?'
    """
    if not isinstance(value, str):
        return prompt_text(value, what)
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        raise InputError(
            f"{what} must be a list of messages or JSON of one, got text that is not JSON"
        ) from None
    if isinstance(found, str):
        raise InputError(f"{what} must be JSON of a list of messages, got JSON of a text")
    return prompt_text(found, what)


def is_message(value: object) -> bool:
    """Whether this is one message of a chat: a part of a prompt, where a list holds several prompts."""
    return isinstance(value, Mapping) and not value.keys().isdisjoint(("role", "content"))


def _paragraphs(value: object, what: str) -> list[Paragraph]:
    """Role and text of every message that has content or calls tools, in order."""
    paragraphs: list[Paragraph] = []
    if isinstance(value, Mapping) and value.get("messages") is not None:
        if value.get("system") is not None:
            paragraphs.append(("system", _content(value["system"], f"{what}: system")))
        value = value["messages"]
    messages = [value] if is_message(value) else _items(value)
    if not messages:
        got = came(value) if messages is None else "an empty list"
        raise InputError(f"{what} must be text or a list of messages, got {got}")
    for at, message in enumerate(messages, 1):
        paragraphs += _message(message, f"{what}: message {at}")
    if not paragraphs:
        raise InputError(f"{what}: no message has content or calls tools")
    return paragraphs


def _message(message: object, where: str) -> Iterator[Paragraph]:
    """Role and text of a message; what tools returned in it are messages of their own."""
    if not isinstance(message, Mapping):
        hint = "; give its .model_dump()" if hasattr(type(message), "model_dump") else ""
        raise InputError(f"{where} must be a mapping with role and content, got {came(message)}{hint}")
    role = message.get("role")
    if not isinstance(role, str) or not role.strip():
        raise InputError(f"{where} needs a role, such as {', '.join(_ROLES)}; got {came(role)}")
    said: list[str] = []
    returned: list[str] = []
    for part in _parts(message.get("content"), where):
        if isinstance(part, Mapping) and part.get("type") == "tool_result":
            returned.append(_content(part.get("content"), f"{where}: tool_result"))
        else:
            said.append(_part(part, where))
    said += _beside_content(message, where)
    yield from (("tool", text) for text in returned)
    if said:
        yield role.strip().lower(), _joined(said)


def _beside_content(message: Mapping[Any, Any], where: str) -> Iterator[str]:
    """What a message says outside its content: a refusal, calls of tools, audio."""
    refusal = message.get("refusal")
    if refusal is not None:
        yield _text(refusal, f"{where}: refusal")
    if message.get("audio") is not None:
        yield "[audio]"
    calls = message.get("tool_calls")
    if calls is not None:
        for call in _listed(calls, f"{where}: tool_calls"):
            yield _tool_call(call, f"{where}: tool call")
    if message.get("function_call") is not None:
        yield _tool_call(message["function_call"], f"{where}: function_call")


def _content(content: object, where: str) -> str:
    """The text of a content that holds no results of tools."""
    return _joined(_part(part, where) for part in _parts(content, where))


def _joined(parts: Iterable[str]) -> str:
    return "\n".join(part for part in parts if part.strip())


def _parts(content: object, where: str) -> Sequence[object]:
    """The parts of a content; text is a part of its own."""
    if content is None:
        return ()
    return [content] if isinstance(content, str) else _listed(content, f"{where}: content")


def _part(part: object, where: str) -> str:
    """The text of one part, or what stands for it."""
    if isinstance(part, str):
        return str.__str__(part)
    if not isinstance(part, Mapping):
        raise InputError(f"{where}: a part of content must be text or a mapping with type, got {came(part)}")
    kind = part.get("type")
    if not isinstance(kind, str) or not kind.strip():
        raise InputError(f"{where}: a part of content needs a type, such as text; got {came(kind)}")
    if kind in _TEXTS:
        return _text(part.get(_TEXTS[kind]), f"{where}: a part of type {kind}")
    if kind == "tool_use":
        return _tool_call(part, f"{where}: tool_use")
    return f"[{_SHOWN_AS.get(kind, kind)}]"


def _tool_call(call: object, where: str) -> str:
    """A call of a tool: its name, and its arguments as they were written."""
    if not isinstance(call, Mapping):
        raise InputError(f"{where} must be a mapping, got {came(call)}")
    held = (call.get(key) for key in ("function", "custom"))
    called = next((inner for inner in held if isinstance(inner, Mapping)), call)
    name = called.get("name")
    if not isinstance(name, str):
        raise InputError(f"{where} needs the name of a function, got {came(name)}")
    given = next((called[key] for key in ("arguments", "input") if called.get(key) is not None), "")
    return f"[{' '.join(filter(None, ('tool call', name, _json(given, where))))}]"


def _json(value: object, where: str) -> str:
    """Arguments as JSON: text as it is, else with sorted keys and without those that hold nothing."""
    if isinstance(value, str):
        return str.__str__(value)
    try:
        return json.dumps(_known(value), ensure_ascii=False, sort_keys=True)
    except (TypeError, ValueError, RecursionError):
        raise InputError(f"{where}: arguments must be JSON, got {came(value)} that is not") from None


def _known(value: Any) -> Any:  # Any: whatever JSON holds
    """The value without keys that hold nothing: a table fills up with them what other rows have."""
    if isinstance(value, Mapping):
        return {key: _known(item) for key, item in value.items() if item is not None}
    items = _items(value)
    return value if items is None else [_known(item) for item in items]


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{where} must be text, got {came(value)}")
    return str.__str__(value)


def _listed(value: object, where: str) -> Sequence[object]:
    items = _items(value)
    if items is None:
        raise InputError(f"{where} must be text or a list, got {came(value)}")
    return items


def _items(value: Any) -> Sequence[object] | None:  # Any: a library of tables is seen by name
    """The items of a list in any of the forms in which tables hand one out; None where it is no list."""
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return list(value)
    return value.to_list() if of_a_table(value, "Series") else None
