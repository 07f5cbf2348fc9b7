"""Chat prompts become text by one rule, worked out here; what is broken is refused without being quoted."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from routoo.data.chat import messages_text, prompt_text
from routoo.data.errors import InputError

SECRET = "the secret of the prompt"
USER = {"role": "user", "content": "What is 2 + 2?"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}
CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 2, "b": 2}'}}

WORKED: dict[str, tuple[Any, str]] = {
    "text": (" What? ", " What? "),
    "a lone user message": ([USER], "What is 2 + 2?"),
    "one message": (USER, "What is 2 + 2?"),
    "a request": ({"model": "any", "messages": [USER], "temperature": 0}, "What is 2 + 2?"),
    "a request with a system prompt": (
        {"system": [{"type": "text", "text": "Be brief."}], "messages": [USER]},
        "system: Be brief.\n\nuser: What is 2 + 2?",
    ),
    "a lone message of another role": ([{"role": "system", "content": "Be brief."}], "system: Be brief."),
    "several turns": (
        [
            {"role": "developer", "content": "Be brief."},
            {**USER, "name": "ann"},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": "4"},
            {"role": "assistant", "content": "", "refusal": "I cannot say."},
        ],
        "developer: Be brief.\n\nuser: What is 2 + 2?\n\n"
        'assistant: [tool call add {"a": 2, "b": 2}]\n\ntool: 4\n\nassistant: I cannot say.',
    ),
    "a function of old": (
        [
            USER,
            {"role": "assistant", "content": None, "function_call": {"name": "now", "arguments": ""}},
            {"role": "function", "name": "now", "content": "noon"},
        ],
        "user: What is 2 + 2?\n\nassistant: [tool call now]\n\nfunction: noon",
    ),
    "a tool of one's own": (
        [{"role": "assistant", "tool_calls": [{"type": "custom", "custom": {"name": "sh", "input": "ls"}}]}],
        "assistant: [tool call sh ls]",
    ),
    "parts": (
        [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Look:"},
                    IMAGE,
                    {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}},
                    {"type": "file", "file": {"file_data": "QUJD"}},
                    {"type": "hologram", "data": "QUJD"},
                    "and say.",
                    {"type": "refusal", "refusal": "No."},
                ],
            }
        ],
        "Look:\n[image]\n[audio]\n[file]\n[hologram]\nand say.\nNo.",
    ),
    "blocks": (
        {
            "system": "Be brief.",
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "image", "source": {"type": "base64", "data": "QUJD"}},
                        {"type": "document", "source": {"type": "url", "url": "https://a.example"}},
                        {"type": "text", "text": "Add."},
                    ],
                },
                {
                    "role": "assistant",
                    "content": [
                        {"type": "text", "text": "I add."},
                        {
                            "type": "tool_use",
                            "id": "t",
                            "name": "add",
                            "input": {"b": 2, "a": [1, None], "c": None},
                        },
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "tool_result",
                            "tool_use_id": "t",
                            "content": [{"type": "text", "text": "4"}, IMAGE],
                        },
                        {"type": "tool_result", "tool_use_id": "u", "content": "5"},
                        {"type": "text", "text": "Go on."},
                    ],
                },
            ],
        },
        "system: Be brief.\n\nuser: [image]\n[file]\nAdd.\n\n"
        'assistant: I add.\n[tool call add {"a": [1, null], "b": 2}]\n\n'
        "tool: 4\n[image]\n\ntool: 5\n\nuser: Go on.",
    ),
    "audio that was said": (
        [USER, {"role": "assistant", "audio": {"id": "a"}}],
        "user: What is 2 + 2?\n\nassistant: [audio]",
    ),
    "what says nothing is left out": ([{"role": "system", "content": " "}, USER], "What is 2 + 2?"),
    "a message without content is left out": (
        [USER, {"role": "assistant", "content": None}, {"role": "assistant"}],
        "What is 2 + 2?",
    ),
    "roles are the same in any case": ([{**USER, "role": "User"}], "What is 2 + 2?"),
    "roles are written in lower case": (
        [{"role": "SYSTEM", "content": "Be brief."}, USER],
        "system: Be brief.\n\nuser: What is 2 + 2?",
    ),
    "nothing at all": ([{"role": "user", "content": ""}], ""),
}

BROKEN: dict[str, tuple[Any, str]] = {
    "nothing": (None, "prompt must be text or a list of messages, got None"),
    "a number": (3.5, "prompt must be text or a list of messages, got a number"),
    "bytes": (SECRET.encode(), "prompt must be text or a list of messages, got bytes"),
    "a mapping": ({"question": SECRET}, "prompt must be text or a list of messages, got a mapping"),
    "an empty list": ([], "prompt must be text or a list of messages, got an empty list"),
    "no messages": ({"messages": []}, "prompt must be text or a list of messages, got an empty list"),
    "a list of texts": ([SECRET], "prompt: message 1 must be a mapping with role and content, got text"),
    "no role": ([USER, {"content": SECRET}], "prompt: message 2 needs a role, such as system, .*; got None"),
    "a role that is none": ({"role": 1, "content": SECRET}, "message 1 needs a role, .*; got a number"),
    "a number as content": (
        [{**USER, "content": 3}],
        "message 1: content must be text or a list, got a number",
    ),
    "a mapping as content": (
        [{**USER, "content": {"text": SECRET}}],
        "content must be text or a list, got a mapp",
    ),
    "no content": ([{"role": "assistant", "content": None}], "prompt: no message has content or calls tools"),
    "empty content": ([{"role": "user", "content": []}], "no message has content or calls tools"),
    "several without content": ([{"role": "user"}, {"role": "assistant"}], "no message has content or calls"),
    "a list in content": (
        [{**USER, "content": [[SECRET]]}],
        "a part of content must be text or a mapping .* a list",
    ),
    "a part without type": (
        [{**USER, "content": [{"text": SECRET}]}],
        "needs a type, such as text; got None",
    ),
    "text that is none": (
        [{**USER, "content": [{"type": "text", "text": [SECRET]}]}],
        "type text must be text, got",
    ),
    "messages in messages": ([[USER]], "message 1 must be a mapping with role and content, got a list"),
    "a refusal": ([{"role": "assistant", "refusal": 1}], "message 1: refusal must be text, got a number"),
    "tool calls": (
        [{"role": "assistant", "tool_calls": 1}],
        "tool_calls must be text or a list, got a number",
    ),
    "a tool call": ([{"role": "assistant", "tool_calls": [SECRET]}], "tool call must be a mapping, got text"),
    "a nameless call": (
        [{"role": "assistant", "tool_calls": [{}]}],
        "needs the name of a function, got None",
    ),
    "odd arguments": (
        [{"role": "assistant", "function_call": {"name": "f", "arguments": {"a": {SECRET}}}}],
        "arguments must be JSON, got a mapping that is not",
    ),
}


@pytest.mark.parametrize("case", WORKED)
def test_a_prompt_becomes_this_text(case: str) -> None:
    value, text = WORKED[case]
    assert prompt_text(value) == text


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_refused_in_words(case: str) -> None:
    value, words = BROKEN[case]
    with pytest.raises(InputError, match=words) as refusal:
        prompt_text(value)
    assert SECRET not in str(refusal.value)


def test_what_holds_itself_is_refused() -> None:
    arguments: dict[str, Any] = {}
    arguments["self"] = arguments
    result: dict[str, Any] = {"type": "tool_result"}
    result["content"] = [result]
    with pytest.raises(InputError, match="arguments must be JSON"):
        prompt_text([{"role": "assistant", "tool_calls": [{"name": "f", "arguments": arguments}]}])
    assert prompt_text([{"role": "user", "content": [result]}]) == "tool: [tool_result]"


def test_a_record_of_another_library_is_told_how_to_become_a_mapping() -> None:
    class Message:
        def model_dump(self) -> dict[str, str]:
            return {}

    with pytest.raises(InputError, match=r"got Message; give its \.model_dump\(\)"):
        prompt_text([Message()])


def test_tables_hand_out_the_same_text() -> None:
    """A table gives every message the keys of all, with nulls, and lists of its own kinds."""
    chat = WORKED["several turns"][0]
    table = pl.DataFrame({"messages": [chat, [USER]]}, strict=False)
    assert [prompt_text(row) for row in table["messages"].to_list()] == [
        WORKED["several turns"][1],
        USER["content"],
    ]
    assert prompt_text(np.array(chat, dtype=object)) == prompt_text(table["messages"][0]) == prompt_text(chat)


def test_messages_may_be_given_as_json() -> None:
    assert (
        messages_text('{"messages": [{"role": "user", "content": "Hi"}]}')
        == "Hi"
        == messages_text([{"role": "user", "content": "Hi"}])
    )
    with pytest.raises(InputError, match="text that is not JSON"):
        messages_text("What is 2 + 2?")
    with pytest.raises(InputError, match="got JSON of a text"):
        messages_text('"What is 2 + 2?"')
    with pytest.raises(InputError, match="text that is not JSON"):
        messages_text("[" * 100_000)
