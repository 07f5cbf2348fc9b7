"""What people hold prompts in is read as they mean it, or refused in words that say what to give."""

from __future__ import annotations

import collections
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from odd_values import Frame

from routoo.data.checks.batch import listed, prompt_texts
from routoo.data.errors import InputError

TEXTS = ["Name a river.", "2 + 2?", "Who wrote Faust?"]
CHAT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2 + 2?"}]


def of_pandas(name: str, **members: Any) -> Any:
    """An object that says it is pandas' of this name."""
    return type(name, (), {"__module__": "pandas.core.frame", **members})()


GIVEN: dict[str, Callable[[], Any]] = {
    "list": lambda: TEXTS,
    "tuple": lambda: tuple(TEXTS),
    "generator": lambda: (text for text in TEXTS),
    "map": lambda: map(str.strip, TEXTS),
    "deque": lambda: collections.deque(TEXTS),
    "values of a mapping": lambda: dict(enumerate(TEXTS)).values(),
    "array": lambda: np.array(TEXTS),
    "array of objects": lambda: np.array(TEXTS, object),
    "array of variable width": lambda: np.array(TEXTS, np.dtypes.StringDType()),
    "polars column": lambda: pl.Series(TEXTS),
    "polars categories": lambda: pl.Series(TEXTS, dtype=pl.Categorical),
    "polars objects": lambda: pl.Series(TEXTS, dtype=pl.Object),
    "pandas column": lambda: of_pandas(
        "Series", to_list=lambda self: TEXTS, isna=lambda self: np.zeros(3, bool)
    ),
}

REFUSED: dict[str, tuple[Any, str]] = {
    "nothing": (None, "prompts must be a list of texts, got None"),
    "one text": ("Name a river.", "got one text: put it in a list"),
    "one chat": (CHAT, "got the messages of one: put it in a list"),
    "one message": (CHAT[0], "got one chat: put it in a list"),
    "one request": ({"messages": CHAT}, "got one chat: put it in a list"),
    "one column of messages": (pl.Series(CHAT), "got the messages of one: put it in a list"),
    "bytes": (b"Name a river.", "got bytes: decode them as UTF-8, and put the text in a list"),
    "a list of bytes": ([b"a"], r"prompts\[0\] must be text or a list of messages, got bytes"),
    "a number": (3, "prompts must be a list of texts, got a number"),
    "numbers": (range(3), r"prompts\[0\] must be text or a list of messages, got a number"),
    "a column of numbers": (pl.Series([1.5]), r"prompts\[0\] must be text .* got a number"),
    "a column with gaps": (pl.Series(["a", None]), r"prompts\[1\] must be text .* got None"),
    "a table of polars": (
        pl.DataFrame({"prompt": TEXTS}),
        r"got DataFrame: give frame\['prompt'\].to_list\(\)",
    ),
    "a lazy table": (pl.LazyFrame({"prompt": TEXTS}), r"give frame.collect\(\)\['prompt'\].to_list\(\)"),
    "a table of pandas": (of_pandas("DataFrame"), r"got DataFrame: give frame\['prompt'\].to_list\(\)"),
    "another table": (Frame(), r"got Frame: give frame\['prompt'\].to_list\(\)"),
    "a mapping": ({"prompt": "hi", "id": 3}, r"got a mapping: give list\(prompts.values\(\)\)"),
    "a set": ({"a", "b"}, "got a set, which has no order"),
    "two dimensions": (np.array([TEXTS]), r"got an array of shape \(1, 3\): give one dimension"),
    "no dimension": (np.array("text"), r"got an array of shape \(\): give one dimension"),
    "an object": (object(), "prompts must be a list of texts, got object"),
    "an empty list": ([], "prompts must be a list of at least 1 text, got 0"),
    "an empty iterator": (iter(()), "prompts must be a list of at least 1 text, got 0"),
}


@pytest.mark.parametrize("kind", GIVEN)
def test_what_has_an_order_and_holds_texts_is_read(kind: str) -> None:
    found = prompt_texts(GIVEN[kind]())
    assert found == TEXTS
    assert {type(text) for text in found} == {str}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_does_not_is_refused_in_words(kind: str) -> None:
    given, words = REFUSED[kind]
    with pytest.raises(InputError, match=words):
        prompt_texts(given)


def test_chats_are_prompts_of_a_list() -> None:
    text = "system: Be brief.\n\nuser: 2 + 2?"
    assert prompt_texts([CHAT, "Hi", {"messages": CHAT}]) == [text, "Hi", text]
    assert prompt_texts(pl.Series([CHAT, CHAT])) == [text, text]
    with pytest.raises(InputError, match=re.escape("prompts[1]: message 2 needs a role")):
        prompt_texts([CHAT, [CHAT[0], {"text": "x"}]])


def test_what_is_missing_in_a_column_is_none() -> None:
    column = of_pandas(
        "Series", to_list=lambda self: ["law", float("nan")], isna=lambda self: np.array([False, True])
    )
    assert listed(column, "domains", "names") == ["law", None]
    assert listed(pl.Series(["law", None]), "domains", "names") == ["law", None]
