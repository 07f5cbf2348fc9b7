"""Rows of JSON, an object a line: values as text, chats as the text that is scored."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import polars as pl

from routoo.data.chat import prompt_text
from routoo.data.errors import InputError
from routoo.data.tables.columns import Column, must_be, object_in_words, storable

LIST_TO_LINES = "`jq -c '.[]' FILE.json > FILE.jsonl` writes a list so"
"""How a list in a file of JSON becomes an object a line."""

_EXPECTED = "expected an object a line"
_ROWS = 10_000  # that are held as objects at a time
_LIST, _OBJECT = pl.List(pl.Null), pl.Struct({})
Row = dict[str, Any]  # Any: whatever JSON holds


@dataclass(frozen=True, eq=False)
class JsonRows:
    """What lines of JSON hold.

    Args:
        frame: A column of text a key, null where a row has none.
        lines: Line of each row, counted from 1.
        schema: What the values were: truth values, numbers, lists, objects, else text.
    """

    frame: pl.DataFrame
    lines: list[int]
    schema: pl.Schema


def read_json_lines(
    lines: Iterable[tuple[int, str]], source: object, columns: Mapping[str, Column]
) -> JsonRows:
    """The rows in lines of JSON; blank lines are passed over.

    Lists and objects are read where `columns` lets a key hold chats, are refused where it asks for
    something else, and are kept as JSON in all other keys.

    Args:
        lines: Number and text of each line.
        source: Where they come from, for messages.
        columns: What is known of keys.

    Raises:
        InputError: A line is no JSON or no object, or holds what its key may not; the message names the line.

    >>> rows = read_json_lines([(1, '{"model": "small", "score": 1}')], "here", {})
    >>> rows.frame.row(0), rows.schema["score"]
    (('small', '1'), Float64)
    """
    found = ((number, _row(text, source, number)) for number, text in lines if text.strip())
    frames: list[pl.DataFrame] = []
    numbers: list[int] = []
    kinds: dict[str, set[type]] = {}
    while chunk := list(islice(found, _ROWS)):
        numbers += (number for number, _ in chunk)
        frames.append(_frame(chunk, source, columns, kinds))
    frame = pl.concat(frames, how="diagonal") if frames else pl.DataFrame()
    return JsonRows(frame, numbers, pl.Schema({name: _dtype(kinds[name]) for name in frame.columns}))


def _row(text: str, source: object, number: int) -> Row:
    try:
        row = json.loads(text)
    except RecursionError:
        why = "JSON that is nested too deeply"
    except ValueError as error:
        at = f", from character {error.pos + 1} on" if isinstance(error, json.JSONDecodeError) else ""
        why = _spread_out(text) or f"not JSON{at}"
    else:
        if isinstance(row, dict):
            return row
        hint = f"; {LIST_TO_LINES}" if isinstance(row, list) else ""
        why = f'expected an object such as {{"prompt": "..."}}, got {json_in_words(row)}{hint}'
    raise InputError(f"{source}, line {number}: {why}")


def _spread_out(text: str) -> str:
    """What to do where a value goes on beyond this line; nothing where the line is just broken."""
    opened = text.strip()
    if opened.startswith("["):
        return f"{_EXPECTED}, got a list over several; {LIST_TO_LINES}"
    to_one = "`jq -c . FILE.json > FILE.jsonl` puts each on its line"
    return f"{_EXPECTED}, got one over several; {to_one}" if opened == "{" else ""


def json_in_words(value: object) -> str:
    """What a value of JSON is called.

    >>> [json_in_words(value) for value in (None, 1.5, [1], {"input": 1})]
    ['null', 'a number', 'a list', 'an object with input']
    """
    if isinstance(value, dict):
        return object_in_words([storable(name) for name in value])
    names = {list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _frame(
    chunk: Sequence[tuple[int, Row]],
    source: object,
    columns: Mapping[str, Column],
    kinds: dict[str, set[type]],
) -> pl.DataFrame:
    """Some rows as text; the kinds of their values are added to those that were seen."""
    series: dict[str, pl.Series] = {}
    for name in dict.fromkeys(key for _, row in chunk for key in row):
        values = [row.get(name) for _, row in chunk]
        seen = set(map(type, values)) - {type(None)}
        spelled = storable(name)
        kinds.setdefault(spelled, set()).update(seen)
        column = columns.get(name)
        if column is not None and not seen <= _allowed(column):
            values = [
                _known(value, column, name, f"{source}, line {at}")
                for (at, row), value in zip(chunk, values, strict=True)
            ]
        series[spelled] = _series(spelled, _texts(values, seen))
    return pl.DataFrame(series)


def _allowed(column: Column) -> set[type]:
    """Kinds of values that need no second look."""
    if column.messages == "prompt":
        return {str}
    return {str, list, dict} if column.messages else {str, bool, int, float}


def _known(value: Any, column: Column, name: str, where: str) -> Any:  # Any: whatever JSON holds
    """A value of a known key; chats, and lists of texts where the column may hold them, as text."""
    if value is None or type(value) in _allowed(column):
        return value
    if column.messages == "prompt" and isinstance(value, list | dict):
        return prompt_text(value, f"{where}: {name}")
    if column.lists and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    raise InputError(must_be(f"{where}: {name}", column, json_in_words(value)))


def _texts(values: Sequence[Any], kinds: set[type]) -> Sequence[str | None]:  # Any: whatever JSON holds
    """Values of these kinds as a table would spell them; JSON as Python reads it has NaN, which is none."""
    if kinds <= {str}:
        return values
    if kinds <= {int, float}:
        return [None if value is None or value != value else str(value) for value in values]
    return [_text(value) for value in values]


def _text(value: Any) -> str | None:  # Any: whatever JSON holds
    if isinstance(value, str):
        return value
    if value is None or value != value:
        return None
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _series(name: str, values: Sequence[str | None]) -> pl.Series:
    try:
        return pl.Series(name, values, dtype=pl.String)
    except UnicodeEncodeError:
        texts = [None if value is None else storable(value) for value in values]
        return pl.Series(name, texts, dtype=pl.String)


def _dtype(kinds: set[type]) -> pl.DataType:
    if dict in kinds or list in kinds:
        return _OBJECT if dict in kinds else _LIST
    if kinds == {bool}:
        return pl.Boolean()
    return pl.Float64() if kinds and kinds <= {int, float} else pl.String()
