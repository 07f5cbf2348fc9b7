"""Lines of JSON are read row by row: each value is text, a chat, or refused with its line."""

import json
from typing import Any

import polars as pl
import pytest

from routoo.data.errors import InputError
from routoo.data.tables.columns import COLUMNS
from routoo.data.tables.json_lines import JsonRows, read_json_lines

CHAT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2 + 2?"}]


def rows_of(*rows: Any) -> JsonRows:
    texts = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    return read_json_lines(enumerate(texts, 1), "here", COLUMNS)


def test_values_are_texts_and_types_are_told() -> None:
    found = rows_of(
        {"a": 1, "b": True, "c": "x", "d": [1], "e": {"f": 1}, "g": None},
        "",
        {"a": 0.5, "b": None, "c": 2, "h": False},
    )
    assert found.lines == [1, 3]
    assert found.frame["a"].to_list() == ["1", "0.5"]
    assert found.frame["b"].to_list() == ["true", None]
    assert found.frame["c"].to_list() == ["x", "2"]
    assert found.frame["h"].to_list() == [None, "false"]
    types = [pl.Float64, pl.Boolean, pl.String, pl.List, pl.Struct, pl.String, pl.Boolean]
    assert [type(dtype) for dtype in found.schema.dtypes()] == types


def test_prompts_are_texts_or_chats_row_by_row() -> None:
    found = rows_of({"prompt": "[1]"}, {"prompt": CHAT}, {"prompt": CHAT[1]}, {"prompt": {"messages": CHAT}})
    chat = "system: Be brief.\n\nuser: 2 + 2?"
    assert found.frame["prompt"].to_list() == ["[1]", chat, "2 + 2?", chat]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"prompt": 3}, "prompt must be text or a list of messages, got a number"),
        ({"prompt": ["x"]}, "prompt: message 1 must be a mapping with role and content, got text"),
        (
            {"cost_usd": {"input": 1, "output": 2}},
            "cost_usd must be a number, got an object with input, output",
        ),
        ({"score": [1]}, "score must be a number, got a list"),
        ({"model": {}}, "model must be text or a number, got an object"),
        ("[1]", r"expected an object such as .*, got a list; `jq -c '\.\[\]' FILE.json > FILE.jsonl` .*"),
        ("[", r"expected an object a line, got a list over several; `jq -c '\.\[\]' FILE.json > .*"),
        ('[{"prompt": "a"},', "expected an object a line, got a list over several; `jq .*"),
        ("{", r"expected an object a line, got one over several; `jq -c \. FILE.json > .*"),
        ('{"a": ', "not JSON, from character 7 on"),
        ("[" * 100_000, "JSON that is nested too deeply"),
    ],
)
def test_what_does_not_fit_is_named_by_its_line(row: Any, words: str) -> None:
    with pytest.raises(InputError, match=f"^here, line 3: {words}$"):
        rows_of({"prompt": "a"}, " ", row)


def test_lone_surrogates_and_no_numbers() -> None:
    found = rows_of('{"a\\ud800": "b\\udfff", "n": NaN}')
    assert found.frame.row(0, named=True) == {"a?": "b?", "n": None}


def test_keys_that_are_spelled_alike_are_one() -> None:
    assert rows_of('{"a\\ud800": 1, "a?": 2}').frame.to_dicts() == [{"a?": "2"}]


def test_many_rows_are_put_together() -> None:
    rows = [{"a": at} for at in range(25_000)] + [{"b": "late"}]
    found = rows_of(*rows)
    assert found.frame["a"].to_list() == [*map(str, range(25_000)), None]
    assert found.frame["b"].drop_nulls().to_list() == ["late"]
