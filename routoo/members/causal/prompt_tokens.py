"""A request as the tokens that a causal language model reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from routoo.data.chat import is_message, prompt_text
from routoo.data.errors import InputError
from routoo.data.request import Request
from routoo.data.storage.foreign import library_errors
from routoo.members.ask import Ask


def prompt_tokens(tokenizer: Any, request: Request, ask: Ask) -> tuple[int, ...]:
    """The tokens of a request, by the chat template of the tokenizer where it has one.

    Args:
        tokenizer: A tokenizer of transformers.
        request: What is asked. A chat is passed on as its messages; text by the way of asking.
        ask: The way of asking.

    Raises:
        InputError: The template does not take these messages.
    """
    chat = not isinstance(request.prompt, str)
    if tokenizer.chat_template is None:
        text = request.text if chat else ask.text(request)
        return tuple(tokenizer(text)["input_ids"])
    messages = _messages(request.prompt) if chat else [{"role": "user", "content": ask.text(request)}]
    tools = request.prompt.get("tools") if isinstance(request.prompt, Mapping) else None
    spelled = {f"\ue000{at}\ue001": message["content"] for at, message in enumerate(messages)}
    if not _spells_marks(tokenizer, spelled.values()):
        spelled = {}
    for mark, message in zip(spelled, messages, strict=False):
        message["content"] = mark
    with library_errors(InputError, f"prompt {request.prompt_id}: the chat template does not take it"):
        text = tokenizer.apply_chat_template(
            messages, tools=tools, tokenize=False, add_generation_prompt=True
        )
    return tuple(_tokens(tokenizer, text, spelled))


def _spells_marks(tokenizer: Any, contents: Iterable[str]) -> bool:  # Any: see prompt_tokens
    """Whether a text holds what a template marks turns with, which the model must not take for a turn."""
    marks = [mark for mark in tokenizer.get_added_vocab() if mark.strip()]
    return any(mark in content for content in contents for mark in marks)


def _tokens(tokenizer: Any, text: str, spelled: Mapping[str, str]) -> Iterator[int]:  # Any: see prompt_tokens
    """The tokens of a rendered template, its marks filled in with texts that are read as mere text."""
    for part in re.split("(\ue000\\d+\ue001)", text) if spelled else [text]:
        content = spelled.get(part)
        if part:
            yield from tokenizer(
                part if content is None else content,
                add_special_tokens=False,
                split_special_tokens=content is not None,
            )["input_ids"]


def _messages(prompt: Any) -> list[dict[str, Any]]:  # Any: a chat in any of its forms, checked by the request
    """The messages of a chat, with contents as text: what templates take."""
    given: Any = prompt
    first: list[dict[str, Any]] = []
    if isinstance(prompt, Mapping) and prompt.get("messages") is not None:
        given = prompt["messages"]
        if prompt.get("system") is not None:
            first = [{"role": "system", "content": _text(prompt["system"])}]
    messages = [given] if is_message(given) else list(given)
    return first + [_message(message) for message in messages]


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    role = {"developer": "system"}.get(message["role"], message["role"])
    return {**message, "role": role, "content": _text(message.get("content"))}


def _text(content: Any) -> str:  # Any: text, parts, or nothing where a message calls tools
    if content is None or isinstance(content, str):
        return content or ""
    return prompt_text([{"role": "user", "content": content}])


def letter_tokens(tokenizer: Any, letters: tuple[str, ...]) -> list[list[int]]:
    """The tokens that begin an answer with each letter: the letter alone, and with a space before it."""
    found = []
    for letter in letters:
        spelled = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in (letter, f" {letter}")]
        found.append(sorted({tokens[0] for tokens in spelled if len(tokens) == 1}))
    return found
