"""Each kind of value is converted where its unit is known, and refused in words where it is not."""

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routoo.data.errors import InputError
from routoo.data.tables.columns import COLUMNS, NUMBERS, gated

DAY = dt.datetime(2026, 1, 2, 3, 4, 5)
CHAT = [{"role": "user", "content": "Name a river."}]
VALUES: dict[str, pl.Series] = {
    "text": pl.Series(["x"]),
    "number": pl.Series([0.5]),
    "truth": pl.Series([True]),
    "decimal": pl.Series([Decimal("0.25")]),
    "category": pl.Series(["0.5"], dtype=pl.Categorical),
    "date": pl.Series([DAY.date()]),
    "timestamp": pl.Series([DAY]),
    "clock": pl.Series([DAY.time()]),
    "duration": pl.Series([dt.timedelta(seconds=2)]),
    "bytes": pl.Series([b"x"]),
    "list": pl.Series([[1.0]]),
    "array": pl.Series([[1.0]], dtype=pl.Array(pl.Float64, 1)),
    "object": pl.Series([{"input": 1.0, "output": 2.0}]),
    "python": pl.Series([object()], dtype=pl.Object),
    "chat": pl.Series([CHAT]),
    "nothing": pl.Series([None]),
}
NO_NUMBER = {
    "date": "a date",
    "timestamp": "a timestamp",
    "clock": "a time of day",
    "bytes": "bytes; decode them as UTF-8 first",
    "list": "a list",
    "array": "a list",
    "object": "an object with input, output",
    "python": "Python objects",
    "chat": "a list",
}


def read(name: str, values: pl.Series) -> object:
    """What the gate makes of the first value of a column."""
    return gated(pl.DataFrame({name: values}), COLUMNS, "runs")[name][0]


@pytest.mark.parametrize("name", ["score", *NUMBERS])
def test_what_is_no_number_is_refused_in_words(name: str) -> None:
    for kind, words in NO_NUMBER.items():
        with pytest.raises(InputError, match=f"^runs: {name} must be a number, got {words}$"):
            read(name, VALUES[kind])
    assert read(name, VALUES["number"]) == 0.5
    assert read(name, VALUES["decimal"]) == 0.25
    assert read(name, VALUES["category"]) == 0.5
    assert read(name, VALUES["nothing"]) is None


def test_only_scores_are_true_or_false() -> None:
    assert read("score", VALUES["truth"]) == 1
    assert read("score", pl.Series([" TRUE "])) == 1
    for name in NUMBERS:
        with pytest.raises(InputError, match=f"{name} must be a number, got true or false"):
            read(name, VALUES["truth"])
        with pytest.raises(InputError, match=f"{name} must be a number: 1 of 1 rows .* row 1: 'true'"):
            read(name, pl.Series(["true"]))


def test_only_latencies_are_durations() -> None:
    assert read("latency_s", VALUES["duration"]) == 2
    for name in sorted({"score", *NUMBERS} - {"latency_s"}):
        with pytest.raises(InputError, match=f"{name} must be a number, got a duration"):
            read(name, VALUES["duration"])


@given(st.integers(0, 10**12), st.sampled_from(["ms", "us", "ns"]))
def test_a_duration_is_in_seconds_whatever_its_unit(count: int, unit: Any) -> None:
    values = pl.Series([count]).cast(pl.Duration(unit))
    seconds = count / {"ms": 1e3, "us": 1e6, "ns": 1e9}[unit]
    assert read("latency_s", values) == pytest.approx(seconds, rel=1e-6)


def test_texts_are_what_has_one_spelling() -> None:
    for name in ("prompt_id", "model", "domain", "split"):
        assert read(name, VALUES["text"]) == "x"
        assert read(name, pl.Series([7])) == "7"
        assert read(name, VALUES["truth"]) == "true"
        assert read(name, VALUES["category"]) == "0.5"
        assert read(name, pl.Series([math.nan])) is None
        for kind in ("duration", "bytes", "list", "object", "python"):
            with pytest.raises(InputError, match=f"{name} must be text or a number, got"):
                read(name, VALUES[kind])


def test_prompts_are_texts_or_chats() -> None:
    assert read("prompt", VALUES["text"]) == "x"
    assert read("prompt", VALUES["category"]) == "0.5"
    assert read("prompt", VALUES["chat"]) == "Name a river."
    assert read("prompt", pl.Series([CHAT[0]])) == "Name a river."
    assert read("prompt", pl.Series([{"messages": CHAT}])) == "Name a river."
    for kind in ("number", "truth", "date", "duration", "bytes"):
        with pytest.raises(InputError, match="prompt must be text or a list of messages, got"):
            read("prompt", VALUES[kind])
    with pytest.raises(InputError, match="runs: prompt, row 2: message 1 must be a mapping with role"):
        gated(pl.DataFrame({"prompt": [None, ["x"]]}), COLUMNS, "runs")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("85%", "'85%'; drop the sign and divide by 100"),
        ("0,85", "'0,85'; write the decimal point as a point"),
        ("$0.02", r"'\$0.02'; drop the currency"),
        ("n/a", "'n/a'; leave it empty where it is unknown$"),
        ("what a user asked", "text of 17 characters$"),
    ],
)
def test_a_text_that_is_nearly_a_number_has_a_hint(text: str, words: str) -> None:
    with pytest.raises(InputError, match=f"score must be a number: 1 of 2 rows .* such as row 2: {words}"):
        gated(pl.DataFrame({"score": ["1", text]}), COLUMNS, "runs")


def test_percentages_are_to_be_divided_by_100() -> None:
    with pytest.raises(
        InputError, match=r"lies outside 0..1: 2 of 2 .*; if these are percent, divide them by"
    ):
        gated(pl.DataFrame({"score": [85, 40]}), COLUMNS, "runs")
    for odd in ([0.5, 1.5], [0.5, 850.0], [0.5, -1.0]):
        with pytest.raises(
            InputError, match=r"lies outside 0..1: 1 of 2 rows, such as row 2: score="
        ) as caught:
            gated(pl.DataFrame({"score": odd}), COLUMNS, "runs")
        assert "percent" not in str(caught.value)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.data())
def test_rows_are_counted_from_one(scores: list[float], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(scores) - 1))
    scores[at] = 7.0
    with pytest.raises(InputError, match=f"1 of {len(scores)} rows, such as row {at + 1}: score=7.0"):
        gated(pl.DataFrame({"score": scores}), COLUMNS, "runs")


def test_columns_whose_names_are_patterns_are_columns() -> None:
    frame = pl.DataFrame({"^a.*$": ["1"], "a": ["x"], "*": ["y"]})
    assert gated(frame, {"^a.*$": COLUMNS["score"]}, "runs").row(0) == (1.0, "x", "y")
