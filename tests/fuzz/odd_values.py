"""Values that nobody should give, and some do: of every kind, size and shape, drawn by a seed."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import fractions
import math
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl


class OwnError(Exception):
    """What a value raises itself: no library can help it."""


class Frame:
    """Iterates over the names of its columns, as tables do."""

    columns = ("prompt_id", "prompt")

    def __len__(self) -> int:
        return 5

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)


class Refuses:
    """Has a length, items and a truth value, and raises when they are asked for."""

    def __len__(self) -> int:
        raise OwnError("no length")

    def __iter__(self) -> Iterator[str]:
        raise OwnError("no items")

    def __bool__(self) -> bool:
        raise OwnError("no truth")


class Lies:
    """Says that it has five items, and has none."""

    def __len__(self) -> int:
        return 5

    def __getitem__(self, at: int) -> str:
        raise IndexError(at)


class Colour(enum.Enum):
    """Choices that are no text."""

    RED = 1


class Word(str):
    """Text that says it is something else."""

    __slots__ = ()

    def __str__(self) -> str:
        return "something else"


def itself() -> list[Any]:
    """A list in itself."""
    found: list[Any] = []
    found.append(found)
    return found


def deep(n: int) -> list[Any]:
    """A list in a list, and so on."""
    found: list[Any] = []
    for _ in range(n):
        found = [found]
    return found


PLAIN: Sequence[Callable[[], Any]] = [
    lambda: None,
    lambda: True,
    lambda: False,
    lambda: 0,
    lambda: 1,
    lambda: -1,
    lambda: 7,
    lambda: 10**400,
    lambda: -(10**400),
    lambda: 2**63,
    lambda: 0.0,
    lambda: -0.0,
    lambda: 0.5,
    lambda: 1.0,
    lambda: 1e-320,
    lambda: 1e308,
    lambda: math.nan,
    lambda: math.inf,
    lambda: -math.inf,
    lambda: 1 + 2j,
    lambda: decimal.Decimal("NaN"),
    lambda: decimal.Decimal("0.5"),
    lambda: fractions.Fraction(1, 2),
    lambda: "",
    lambda: " ",
    lambda: "Name a river.",
    lambda: "large",
    lambda: "\ud800",
    lambda: "\0",
    lambda: "x" * 20_000,
    lambda: "1",
    lambda: "nan",
    lambda: Word("a"),
    lambda: b"",
    lambda: b"bytes",
    lambda: bytearray(b"bytes"),
    lambda: memoryview(b"bytes"),
    lambda: np.float32(0.5),
    lambda: np.float64("nan"),
    lambda: np.float16(1),
    lambda: np.int64(3),
    lambda: np.uint8(1),
    lambda: np.bool_(True),
    lambda: np.str_("text"),
    lambda: np.datetime64("2020-01-01"),
    lambda: np.timedelta64(3, "s"),
    lambda: np.complex64(1),
    object,
    lambda: object,
    lambda: len,
    lambda: ...,
    lambda: NotImplemented,
    lambda: Colour.RED,
    lambda: Frame(),
    lambda: Refuses(),
    lambda: Lies(),
    lambda: datetime.date(2020, 1, 1),
    lambda: datetime.timedelta(seconds=3),
    lambda: Path("nowhere"),
    lambda: slice(None),
    itself,
    lambda: deep(3),
    lambda: deep(5000),
    lambda: pl.col("prompt"),
    lambda: pl.DataFrame({"prompt": ["a", "b"], "prompt_id": ["1", "2"]}),
    pl.DataFrame,
    lambda: pl.LazyFrame({"prompt": ["a"]}),
    lambda: {"role": "user", "content": "Name a river."},
    lambda: {"messages": [{"role": "user", "content": "Name a river."}]},
    lambda: [{"role": "user", "content": "Name a river."}],
    lambda: [{"role": "user", "content": 3}],
    lambda: {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}]},
]
"""Single values, made anew each time."""

DTYPES = (float, int, bool, object, str, bytes, complex, np.float16, np.uint8, "datetime64[s]", "i4,f8")
SHAPES = ((), (0,), (1,), (2,), (3,), (1, 1), (1, 3), (3, 1), (2, 3), (0, 3), (3, 0), (2, 2, 2))
SERIES = (
    pl.String,
    pl.Int64,
    pl.Float64,
    pl.Boolean,
    pl.Categorical,
    pl.Null,
    pl.Duration("ms"),
    pl.List(pl.Int64),
    pl.Binary,
)


def odd_value(draw: random.Random, depth: int = 2) -> Any:
    """A value of any kind, drawn."""
    kind = draw.random()
    if depth == 0 or kind < 0.45:
        return draw.choice(PLAIN)()
    if kind < 0.6:
        return odd_array(draw)
    if kind < 0.68:
        return odd_series(draw)
    inner = [odd_value(draw, depth - 1) for _ in range(draw.choice((0, 1, 1, 2, 3)))]
    return draw.choice(
        (
            lambda: inner,
            lambda: inner * 2,
            lambda: tuple(inner),
            lambda: iter(inner),
            lambda: (item for item in inner),
            lambda: collections.deque(inner),
            lambda: dict(enumerate(inner)),
            lambda: {f"key {at}": item for at, item in enumerate(inner)},
            lambda: dict(zip(("large", "small", None), inner, strict=False)),
            lambda: dict(enumerate(inner)).values(),
            lambda: {id(item) for item in inner},
            lambda: frozenset(("a", "b")),
            lambda: range(len(inner)),
        )
    )()


def odd_array(draw: random.Random) -> Any:
    """An array of any type and shape."""
    shape = draw.choice(SHAPES)
    array = np.zeros(shape, draw.choice(DTYPES))
    if array.dtype.kind in "fc" and draw.random() < 0.5:
        array = array + draw.choice((1, math.nan, math.inf, -1, 0.5))
    if array.dtype == object and draw.random() < 0.7:
        array = np.full(shape, None, object)
        for at in range(array.size):
            array.flat[at] = draw.choice(PLAIN)()
    return array


def odd_series(draw: random.Random) -> pl.Series:
    """A column of any type, with or without gaps."""
    dtype = draw.choice(SERIES)
    values: list[Any] = [None] * draw.randrange(4)
    if dtype in (pl.String, pl.Categorical):
        values = [draw.choice(("a", "large", "", None)) for _ in range(draw.randrange(4))]
    elif dtype in (pl.Int64, pl.Float64, pl.Boolean):
        values = [draw.choice((0, 1, None)) for _ in range(draw.randrange(4))]
    return pl.Series("column", values, dtype=dtype, strict=False)


def odd_table(draw: random.Random, frame: pl.DataFrame) -> Any:
    """A table with a column that is odd, missing or more; or something else."""
    if draw.random() < 0.3:
        return odd_value(draw)
    name = draw.choice(frame.columns)
    change = draw.random()
    if change < 0.2:
        return frame.drop(name)
    if change < 0.3:
        return frame.clear()
    if change < 0.4:
        return frame.to_dict(as_series=False)
    column = odd_series(draw)
    return frame.with_columns(column.extend_constant(None, len(frame)).head(len(frame)).alias(name))


def like(draw: random.Random, value: Any) -> Any:
    """Nearly the same as a good value: in another holder, of another type, at the end of its range."""
    if isinstance(value, list | tuple):
        items = list(value)
        if items and draw.random() < 0.3:
            items[draw.randrange(len(items))] = odd_value(draw, 1)
        holders: list[Callable[[Any], Any]] = [list, tuple, iter, collections.deque, _array, _series]
        return draw.choice(holders)(draw.choice((items, items[:-1], items[::-1], items)))
    if isinstance(value, dict) and value:
        name = draw.choice(list(value))
        return {**value, name: like(draw, value[name])}
    if isinstance(value, float | int) and not isinstance(value, bool):
        made: list[Callable[[Any], Any]] = [float, np.float32, np.float64, np.array, fractions.Fraction, str]
        return draw.choice(
            (draw.choice(made)(value), draw.choice((0, 1, 0.5, 2, 1e308, 1e-320, math.inf, 10**30, -value)))
        )
    if isinstance(value, str):
        return draw.choice((np.str_, Word, str.upper, str.encode))(value)
    if isinstance(value, np.ndarray):
        return draw.choice(
            (value.tolist(), value.astype(np.float16), value.astype(object), value.T, value[:1], -value)
        )
    return odd_value(draw)


def _array(items: list[Any]) -> Any:
    try:
        return np.array(items)
    except (ValueError, TypeError, OverflowError, RecursionError, OwnError):
        return items


def _series(items: list[Any]) -> Any:
    if not all(isinstance(item, str | int | float | None) for item in items):
        return items
    try:
        return pl.Series("column", items, strict=False)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):  # a lone surrogate, a huge int
        return items
