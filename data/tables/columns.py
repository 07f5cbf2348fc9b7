"""What each known column may hold, and the one gate that makes it so or says why not."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from routoo.data.chat import messages_text, prompt_text
from routoo.data.errors import InputError

_SAMPLED = ("prompt_id", "model", "score", "domain", "split")
_SHOWN = 5  # fields of an object that a message names
_SHORT = re.compile(r"\S{1,20}")
_UNKNOWN = {"na", "n/a", "#n/a", "null", "none", "-", "?", "unknown"}
_PER_SECOND = {"ms": 1e3, "us": 1e6, "ns": 1e9}


@dataclass(frozen=True)
class Column:
    """What a column may hold.

    Args:
        expected: In words, after "must be".
        dtype: What it becomes.
        most: Largest number.
        booleans: Whether true is 1 and false is 0.
        names: Whether it holds names, around which white space does not matter.
        durations: Whether it is in seconds, so that a duration has its unit.
        signed: Whether a number may be negative.
        lists: Whether it may hold lists of texts, which become one text with commas.
        messages: Whether it holds chats: `prompt` takes text as it is, `json` reads it as JSON of messages.
        called: What a file calls it, where that is known.
    """

    expected: str
    dtype: type[pl.DataType]
    most: float = math.inf
    booleans: bool = False
    names: bool = False
    durations: bool = False
    signed: bool = False
    lists: bool = False
    messages: str = ""
    called: str = ""


TEXT = Column("text or a number", pl.String)
NAME = replace(TEXT, names=True)
PROMPT = Column("text or a list of messages", pl.String, messages="prompt")
MESSAGES = Column("a list of messages, or JSON of one", pl.String, messages="json", called="messages")
SCORE = Column("a number", pl.Float32, most=1, booleans=True)
COST = Column("a number", pl.Float64)
AMOUNT = replace(COST, dtype=pl.Float32)
SIGNAL = replace(COST, signed=True)

PROMPT_COLUMNS: Mapping[str, Column] = {"prompt_id": TEXT, "prompt": PROMPT, "domain": NAME, "split": NAME}
"""What is known of prompts."""

NUMBERS: Mapping[str, Column] = {
    "input_tokens": AMOUNT,
    "output_tokens": AMOUNT,
    "cost_usd": COST,
    "latency_s": replace(AMOUNT, durations=True),
    "confidence": AMOUNT,
}
"""What may be known of an outcome beside its score."""

OUTCOME_COLUMNS: Mapping[str, Column] = {"prompt_id": TEXT, "model": NAME, "score": SCORE, **NUMBERS}
"""What is known of outcomes."""

SIGNALS = "signal_"
"""How the name of a column begins that holds a number read off an answer."""

ANSWER_COLUMNS: Mapping[str, Column] = {
    "prompt_id": TEXT,
    "model": NAME,
    "sample": replace(COST, expected="a whole number"),
    "answer": TEXT,
    **{name: column for name, column in NUMBERS.items() if name != "confidence"},
    "latency_first_s": NUMBERS["latency_s"],
    "finish_reason": NAME,
    "text": TEXT,
    "error": TEXT,
}
"""What is known of answers, but for signals."""

COLUMNS: Mapping[str, Column] = {**PROMPT_COLUMNS, **OUTCOME_COLUMNS}
"""Every column that is known by its name, wherever it is found."""


def gated(frame: pl.DataFrame, columns: Mapping[str, Column], source: object) -> pl.DataFrame:
    """The frame with these columns, as far as it has them, as what they may be.

    Args:
        frame: Any columns; rows are counted from 1 in messages.
        columns: What they may hold, by name.
        source: What to call the frame.

    Raises:
        InputError: A column is of another kind or a value of it does not fit; the message says what came,
            and quotes neither prompts nor answers.

    >>> import datetime
    >>> frame = pl.DataFrame({"latency_s": [datetime.timedelta(seconds=2)], "score": ["true"]})
    >>> gated(frame, COLUMNS, "runs").row(0)
    (2.0, 1.0)
    """
    found = {name: column for name, column in columns.items() if name in frame.columns}
    # Under a name of their own: polars reads one such as ^a.*$ as a pattern.
    typed = {
        name: _typed(frame[name].alias("value"), column, f"{source}: {column.called or name}")
        for name, column in found.items()
    }
    frame = frame.with_columns(series.alias(name) for name, series in typed.items())
    for name, column in found.items():
        if column.dtype.is_numeric():
            _check_range(frame, typed[name], column, f"{source}: {name}")
    return frame


def refuse(frame: pl.DataFrame, fault: pl.Expr | pl.Series, words: str, hint: str = "") -> None:
    """Raises in words when any row has the fault; the sample leaves prompts and answers out."""
    at = frame.select(fault.fill_null(False)).to_series().arg_true()
    if at.is_empty():
        return
    shown = [column for column in (*_SAMPLED, *NUMBERS) if column in frame.columns]
    values = frame.select(shown).row(at[0], named=True) if shown else {}
    sample = ", ".join(f"{key}={value!r}" for key, value in values.items() if value is not None)
    where = f"such as row {at[0] + 1}" + (f": {sample}" if sample else "")
    raise InputError(f"{words}: {len(at)} of {len(frame)} rows, {where}{hint}")


def must_be(name: str, column: Column, got: str) -> str:
    """In words: what a column may hold, and what it holds instead."""
    return f"{name} must be {column.expected}, got {got}"


def object_in_words(fields: list[str]) -> str:
    """An object by the names of its fields.

    >>> object_in_words(["input", "output"])
    'an object with input, output'
    """
    shown = ", ".join(fields[:_SHOWN]) + (", ..." if len(fields) > _SHOWN else "")
    return f"an object with {shown}" if fields else "an object"


def dtype_in_words(dtype: pl.DataType) -> str:
    """What values of a type are called.

    >>> [dtype_in_words(dtype) for dtype in (pl.Int8(), pl.Date(), pl.List(pl.Int8), pl.Categorical())]
    ['a number', 'a date', 'a list', 'text']
    """
    if isinstance(dtype, pl.Struct):
        return object_in_words([field.name for field in dtype.fields])
    if dtype.is_numeric():
        return "a number"
    names: dict[type[pl.DataType], str] = {
        pl.String: "text",
        pl.Categorical: "text",
        pl.Enum: "text",
        pl.Boolean: "true or false",
        pl.Date: "a date",
        pl.Datetime: "a timestamp",
        pl.Time: "a time of day",
        pl.Duration: "a duration",
        pl.Binary: "bytes; decode them as UTF-8 first",
        pl.List: "a list",
        pl.Array: "a list",
        pl.Null: "nothing",
        pl.Object: "Python objects",
    }
    return names.get(type(dtype), f"a column of type {dtype}")


def _typed(series: pl.Series, column: Column, what: str) -> pl.Series:
    """The column as its type."""
    if isinstance(series.dtype, pl.Categorical | pl.Enum | pl.Null):
        series = series.cast(pl.String)
    if column.lists and series.dtype in (pl.List(pl.String), pl.List(pl.Null)):
        series = series.cast(pl.List(pl.String)).list.drop_nulls().list.join(",")
    if column.messages:
        found = _texts(series, column, what)
    elif column.dtype == pl.String:
        found = _as_text(series)
    else:
        found = _as_number(series, column, what)
    if found is None:
        raise InputError(must_be(what, column, dtype_in_words(series.dtype)))
    return (found.str.strip_chars() if column.names else found).cast(column.dtype)


def _texts(series: pl.Series, column: Column, what: str) -> pl.Series | None:
    """Text as it is, chats as the text that is scored."""
    dtype = series.dtype
    if dtype == pl.String and column.messages == "prompt":
        return series
    if not (dtype.is_nested() or dtype == pl.String):
        return None
    read = prompt_text if column.messages == "prompt" else messages_text
    texts = [
        None if value is None else _row_text(read, value, f"{what}, row {row}")
        for row, value in enumerate(series.to_list(), 1)
    ]
    return pl.Series(series.name, texts, dtype=pl.String)


def _row_text(read: Any, value: object, what: str) -> str:  # Any: either function of `data/chat.py`
    return storable(read(value, what))


def storable(text: str) -> str:
    """The text with ``?`` for lone surrogates, which JSON can write and UTF-8 cannot."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _as_text(series: pl.Series) -> pl.Series | None:
    """Text and what has one spelling; none of bytes, durations, lists and objects."""
    dtype = series.dtype
    if dtype.is_nested() or dtype in (pl.Binary, pl.Duration, pl.Object):
        return None
    return (series.fill_nan(None) if dtype.is_float() else series).cast(pl.String)


def _as_number(series: pl.Series, column: Column, what: str) -> pl.Series | None:
    """Numbers as they are, and what is one by its unit."""
    dtype = series.dtype
    if dtype == pl.String:
        return _parsed(series, column, what)
    if isinstance(dtype, pl.Duration) and column.durations:
        return series.to_physical().cast(pl.Float64) / _PER_SECOND[dtype.time_unit]
    if dtype.is_numeric() or (dtype == pl.Boolean and column.booleans):
        return series.cast(pl.Float64)
    return None


def _parsed(series: pl.Series, column: Column, what: str) -> pl.Series:
    """The numbers that a text spells; blank text is null."""
    text = series.str.strip_chars().str.to_lowercase()
    if column.booleans:
        text = text.replace({"true": "1", "false": "0"})
    number = text.cast(pl.Float64, strict=False)
    bad = (number.is_null() & (text.str.len_bytes() > 0)).arg_true()
    if len(bad):
        sample = series[bad[0]].strip()
        shown = repr(sample) if _SHORT.fullmatch(sample) else f"text of {len(sample)} characters"
        raise InputError(
            f"{what} must be {column.expected}: {len(bad)} of {len(series)} rows hold something else, "
            f"such as row {bad[0] + 1}: {shown}{_hint(sample)}"
        )
    return number


def _hint(sample: str) -> str:
    """What to do with a text that is nearly a number."""
    if re.fullmatch(r"[\d.,]+\s*%", sample):
        return "; drop the sign and divide by 100"
    if re.fullmatch(r"-?\d+,\d+", sample):
        return "; write the decimal point as a point"
    if sample.casefold() in _UNKNOWN:
        return "; leave it empty where it is unknown"
    return "; drop the currency" if re.fullmatch(r"[$€£]\s*[\d.]+", sample) else ""


def _check_range(frame: pl.DataFrame, value: pl.Series, column: Column, what: str) -> None:
    if math.isinf(column.most):
        kinds = "NaN or infinite" if column.signed else "negative, NaN or infinite"
        words = f"{what} is {kinds} (leave it null where it is unknown)"
        fits = value.is_finite() if column.signed else value.is_finite() & (value >= 0)
        refuse(frame, value.is_not_null() & ~fits, words)
        return
    largest = value.fill_nan(None).max()
    percent = isinstance(largest, float) and 2 < largest <= 100
    hint = "; if these are percent, divide them by 100" if percent else ""
    fault = value.is_not_null() & (~value.is_between(0, column.most) | value.is_nan())
    refuse(frame, fault, f"{what} lies outside 0..{column.most:g}", hint)
