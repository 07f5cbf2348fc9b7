"""A request has something to ask."""

from __future__ import annotations

from typing import Any

import pytest

from routoo.data.errors import InputError
from routoo.data.request import Request


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"prompt_id": 3}, "prompt_id must be text, got a number"),
        ({"prompt": " \n"}, "prompt q: expected text, got a blank one"),
        ({"prompt": 3}, "prompt q"),
        ({"options": ("a",)}, "prompt q: expected 2 to 26 options or none, got 1"),
        ({"options": ["x"] * 27}, "prompt q: expected 2 to 26 options or none, got 27"),
        ({"options": "ab"}, "prompt q: options must be a list of names, got one text"),
        ({"sample": -1}, "sample must be a whole number"),
        ({"key": 3}, "key must be text"),
    ],
)
def test_what_cannot_be_asked_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Request(**{"prompt_id": "q", "prompt": "2 + 2?", **fields})


def test_a_chat_is_kept_and_has_a_text() -> None:
    chat = {"messages": [{"role": "user", "content": "2 + 2?"}], "temperature": 0}
    request = Request("q", chat)
    assert request.prompt is chat
    assert request.text == "2 + 2?"


def test_options_have_letters() -> None:
    assert Request("q", "Which?", options=("x",) * 26).letters[-1] == "Z"
    assert Request("q", "Which?").letters == ()
