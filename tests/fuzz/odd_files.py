"""Files of outcomes and prompts that nobody should write: odd columns, damaged bytes, other encodings."""

from __future__ import annotations

import codecs
import datetime
import gzip
import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

Rng = random.Random


@dataclass(frozen=True)
class Trial:
    """A file, and how it is to be read.

    Args:
        name: Of the file, with its endings.
        content: Its bytes.
        options: Of `Outcomes.read`; those that `read_prompts` shares are given to it, too.
    """

    name: str
    content: bytes
    options: dict[str, Any]  # Any: each option has its own type


def trial_of(seed: str) -> Trial:
    """The trial that a seed makes, whenever it is asked."""
    rng = random.Random(seed)
    frame = _frame(rng)
    ending = rng.choice((".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".parquet", ".csv", ".jsonl"))
    content = _written(frame, ending, rng)
    for _ in range(rng.choice((0, 0, 1, 1, 2, 5))):
        content = rng.choice(_DAMAGES)(content, rng)
    if ending != ".parquet" and rng.random() < 0.3:
        content, ending = _compressed(content, ending, rng)
    if rng.random() < 0.05:
        ending = rng.choice((".csv", ".jsonl", ".parquet", ".txt", ".csv.gz", ".jsonl.zst"))
    return Trial(f"file{ending}", content, _options(rng, frame.columns))


def _options(rng: Rng, columns: list[str]) -> dict[str, Any]:  # Any: each option has its own type
    options: dict[str, Any] = {}
    if rng.random() < 0.2:
        options["columns"] = {rng.choice(("prompt", "model", "score", "tenant")): rng.choice(columns)}
    if rng.random() < 0.1:
        options["separator"] = rng.choice((",", ";", "tab", "|", "x"))
    if rng.random() < 0.15:
        options["score_columns"] = rng.sample(columns, min(len(columns), rng.randint(1, 3)))
    if rng.random() < 0.2:
        options["average"] = True
    return options


def _frame(rng: Rng) -> pl.DataFrame:
    """A table of outcomes or prompts, with columns of any type in the place of some."""
    n = rng.choice((1, 2, 5, 20, 50))
    shape = rng.choice(("tidy", "tidy", "tidy", "bench", "llm", "numbers", "prompts"))
    columns: dict[str, pl.Series] = {"prompt": _prompts(rng, n)}
    if shape == "tidy":
        columns["model"] = pl.Series([f"m{at % 3}" for at in range(n)])
        columns["score"] = pl.Series([rng.choice((0.0, 1.0, 0.5)) for _ in range(n)])
        for name in rng.sample(("cost_usd", "latency_s", "input_tokens", "output_tokens", "confidence"), 2):
            columns[name] = pl.Series([rng.random() for _ in range(n)])
    for model in ("a", "vendor/b"):
        if shape in ("bench", "numbers"):
            columns[model] = pl.Series([rng.choice((0.0, 1.0, None)) for _ in range(n)], dtype=pl.Float64)
        if shape == "bench":
            columns[f"{model}|total_cost"] = pl.Series([rng.random() for _ in range(n)])
        if shape == "llm":
            columns[model] = pl.Series([rng.choice((True, False, None)) for _ in range(n)], dtype=pl.Boolean)
    if rng.random() < 0.5:
        columns["prompt_id"] = pl.Series([f"q{at // rng.choice((1, 3))}" for at in range(n)])
    for name in rng.sample(("tenant", "domain", "odd", "split", "messages", "response", "*", "^a.*$", ""), 3):
        columns[name] = _any(rng, n)
    for name in list(columns):
        if rng.random() < 0.12:
            columns[name] = _any(rng, n)
    names = list(columns)
    rng.shuffle(names)
    return pl.DataFrame([columns[name].alias(name) for name in names])


def _prompts(rng: Rng, n: int) -> pl.Series:
    texts = (
        "Name a river.",
        "2 + 2?",
        "a\nb",
        'say "hi", please',
        "cafés ☕",
        "a;b|c\td",
        "",
        " ",
        "\0",
        "x" * 3000,
    )
    return pl.Series([rng.choice(texts) + rng.choice(("", f" {at}")) for at in range(n)])


def _any(rng: Rng, n: int) -> pl.Series:
    """A column of any type."""
    day = datetime.datetime(2026, 1, 2, 3, 4, 5)
    chat = [{"role": "user", "content": "Name a river."}, {"role": "system", "content": "Be brief."}]
    values: list[tuple[Any, Any]] = [  # Any: whatever a column may hold
        (day, pl.Datetime("us")),
        (day, pl.Datetime("ms", "UTC")),
        (day.date(), pl.Date),
        (day.time(), pl.Time),
        (datetime.timedelta(seconds=rng.randint(-3, 900)), pl.Duration(rng.choice(("ns", "us", "ms")))),
        (b"\xff\x00", pl.Binary),
        (Decimal("1.25"), pl.Decimal(10, 2)),
        (rng.choice((True, False)), pl.Boolean),
        ("small", pl.Categorical),
        ("small", pl.Enum(["small", "large"])),
        (None, pl.Null),
        ([1, None], pl.List(pl.Int64)),
        ([1.0, 2.0], pl.Array(pl.Float64, 2)),
        ({"input": 1, "output": 0.5}, None),
        (chat, None),
        (chat[0], None),
        ({"messages": chat}, None),
        (json.dumps(chat), pl.String),
        ([chat, chat], None),
        (rng.choice((-1, 0, 85, 2**62)), pl.Int64),
        (rng.choice((float("nan"), float("inf"), 1e308, 0.5)), pl.Float64),
        (rng.choice(("85%", "0,5", "$1", "nan", "inf", "1e5", "true", " 0.5 ", "x y", "1_000")), pl.String),
    ]  # fmt: skip
    value, dtype = rng.choice(values)
    holes = rng.random() < 0.4
    column = [None if holes and rng.random() < 0.5 else value for _ in range(n)]
    return pl.Series(column, dtype=dtype)


def _written(frame: pl.DataFrame, ending: str, rng: Rng) -> bytes:
    if ending == ".parquet":
        file = io.BytesIO()
        frame.write_parquet(file, compression=rng.choice(("zstd", "snappy", "uncompressed", "gzip", "lz4")))
        return file.getvalue()
    rows = [_plain(row) for row in frame.iter_rows(named=True)]
    if ending in (".jsonl", ".ndjson"):
        return "\n".join(json.dumps(_dropped(row, rng)) for row in rows).encode()
    flat = pl.DataFrame(
        {name: [_cell(row[name]) for row in rows] for name in frame.columns},
        schema=dict.fromkeys(frame.columns, pl.String),
    )
    mark = "\t" if ending == ".tsv" else rng.choice(",,,;|\t")
    return flat.write_csv(separator=mark, line_terminator=rng.choice(("\n", "\r\n"))).encode()


def _dropped(row: dict[str, Any], rng: Rng) -> dict[str, Any]:  # Any: whatever JSON holds
    """The row without some of its keys, or with another value for one."""
    row = {name: value for name, value in row.items() if rng.random() > 0.03}
    if row and rng.random() < 0.05:
        others = (
            None,
            1,
            "x",
            True,
            [1],
            {"a": 1},
            [{"role": "user", "content": "hi"}],
            10**400,
            "\ud800",
            1e999,
        )
        row[rng.choice(list(row))] = rng.choice(others)
    return row


def _plain(value: Any) -> Any:  # Any: whatever a table holds
    """The value as JSON may hold it."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | pl.Series):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _cell(value: Any) -> str | None:  # Any: whatever JSON holds
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def _flip(content: bytes, rng: Rng) -> bytes:
    found = bytearray(content)
    for _ in range(rng.randint(1, 6) if found else 0):
        found[rng.randrange(len(found))] = rng.randrange(256)
    return bytes(found)


def _cut(content: bytes, rng: Rng) -> bytes:
    at = rng.randint(0, len(content))
    return content[:at] if rng.random() < 0.7 else content[at:]


def _insert(content: bytes, rng: Rng) -> bytes:
    at = rng.randint(0, len(content))
    odd = (
        b'"',
        b",",
        b"\n",
        b"\r",
        b"\0",
        b"\n\n\n",
        b"\xff\xfe",
        b"[",
        b"{}",
        b"null",
        rng.randbytes(9),
        b"\xef\xbb\xbf",
    )
    return content[:at] + rng.choice(odd) + content[at:]


def _splice(content: bytes, rng: Rng) -> bytes:
    start, end, at = (rng.randint(0, len(content)) for _ in range(3))
    return content[:at] + content[min(start, end) : max(start, end)] + content[at:]


def _shuffle(content: bytes, rng: Rng) -> bytes:
    lines = content.split(b"\n")
    rng.shuffle(lines)
    return b"\n".join(lines)


def _encode(content: bytes, rng: Rng) -> bytes:
    text = content.decode(errors="replace")
    encoding = rng.choice(("utf-16", "utf-16-be", "latin-1", "utf-8-sig", "utf-32", "cp1252"))
    return text.encode(encoding, "replace")


def _mark(content: bytes, rng: Rng) -> bytes:
    return codecs.BOM_UTF8 * rng.randint(1, 2) + content


_DAMAGES: tuple[Callable[[bytes, Rng], bytes], ...] = (
    _flip,
    _flip,
    _cut,
    _insert,
    _splice,
    _shuffle,
    _encode,
    _mark,
)


def _compressed(content: bytes, ending: str, rng: Rng) -> tuple[bytes, str]:
    if rng.random() < 0.5:
        packed, ending = gzip.compress(content, mtime=0), f"{ending}.gz"
    else:
        lines = pl.DataFrame({"line": content.decode(errors="replace").split("\n")})
        file = io.BytesIO()
        lines.lazy().sink_csv(file, include_header=False, quote_style="never", compression="zstd")
        packed, ending = file.getvalue(), f"{ending}.zst"
    return (rng.choice((_flip, _cut))(packed, rng) if rng.random() < 0.3 else packed), ending
