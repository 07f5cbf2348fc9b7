"""What a request of a batch file sends: a chat passes through, a text goes as it would at once."""

from __future__ import annotations

from typing import Any

import pytest

from routoo.batch.bodies import batch_body
from routoo.data.call import Call
from routoo.data.errors import InputError
from routoo.data.request import Request
from routoo.members.ask import ask_of

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]


def body(
    prompt: Any, model: str = "openai/gpt-4o-mini", **call: Any
) -> dict[str, Any]:  # Any: values of JSON
    made = Call(kind="provider", model=model, **call)
    return batch_body(Request("q", prompt), made, ask_of(made.ask))


def test_a_text_goes_by_the_way_of_asking() -> None:
    sent = body("2 + 2?", ask="brief", max_tokens=9, parameters={"top_p": 0.5})
    assert sent == {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "2 + 2?\n\nReply with the answer alone."}],
        "temperature": 0.0,
        "max_tokens": 9,
        "top_p": 0.5,
    }


def test_what_a_model_does_not_take_is_left_out_of_our_own_parameters() -> None:
    sent = body("2 + 2?", model="openai/o3-mini", max_tokens=9)
    assert sent["max_completion_tokens"] == 9
    assert not sent.keys() & {"temperature", "max_tokens"}


def test_a_chat_passes_through_but_for_the_model() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "What is this?"}, IMAGE]},
        {"role": "assistant", "tool_calls": [{"id": "t", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "t", "content": "4"},
    ]
    own = {"messages": messages, "tools": TOOLS, "temperature": 1.0, "max_tokens": 7, "metadata": {"a": "b"}}
    assert body({**own, "model": "other", "stream": True}) == {**own, "model": "gpt-4o-mini"}
    assert body(messages)["messages"] == messages


def test_a_chat_in_anthropics_form_passes_through_to_anthropic() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    messages = [
        {"role": "user", "content": [{"type": "image", "source": source}, {"type": "text", "text": "What?"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "4"}]},
    ]
    tools = [{"name": "f", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}}]
    own = {"system": "Be brief.", "messages": messages, "tools": tools, "max_tokens": 7, "top_k": 3}
    sent = body({**own, "model": "other"}, model="anthropic/claude-haiku-4-5")
    assert sent == {**own, "model": "claude-haiku-4-5", "temperature": 0.0}
    assert body(messages, model="anthropic/claude-haiku-4-5")["messages"] == messages


def test_a_chat_in_openais_form_is_translated_for_anthropic() -> None:
    content = [{"type": "text", "text": "What?"}, IMAGE]
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": content}]
    sent = body({"messages": messages, "tools": TOOLS, "stop": ["x"]}, model="anthropic/claude-haiku-4-5")
    assert sent["system"] == [{"type": "text", "text": "Be brief."}]
    assert sent["messages"][0]["content"][1]["source"]["data"] == "iVBORw0KGgo="
    assert (sent["tools"][0]["name"], sent["stop_sequences"], sent["max_tokens"]) == ("f", ["x"], 256)
    assert messages[1] == {"role": "user", "content": [{"type": "text", "text": "What?"}, IMAGE]}


@pytest.mark.parametrize("name", ["n", "api_key", "api_base"])
def test_addresses_keys_and_numbers_of_answers_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"must not hold {name}"):
        body({"messages": [{"role": "user", "content": "2 + 2?"}], name: "x"})
