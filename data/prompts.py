"""Prompts to be routed, read from a file or from standard input.

What a source may be, told by its ending:

- ``.txt``: a prompt a line; blank lines are passed over and counted.
- ``.jsonl``, ``.ndjson``: an object a line, with `prompt`, and where known `prompt_id`, `domain` and labels.
- ``.csv``, ``.parquet``: a row a prompt, with the same columns.
- ``-``, standard input: JSON lines where the first line is an object, else a prompt a line.

A prompt without `prompt_id` is named by its line or row in the source, counted from 1.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl
import polars.selectors as cs

from routoo.data.domains import label_value
from routoo.data.errors import InputError
from routoo.data.tables import KINDS, open_table

STDIN = "-"
"""What stands for standard input where a file is expected."""

_COLUMNS = ("prompt_id", "prompt", "domain")
_TEXT = ".txt"
_JSON_LINES = tuple(ending for ending, kind in KINDS.items() if kind == "JSON lines")


@dataclass(frozen=True, eq=False)
class Prompts:
    """Prompts to be routed, in the order of their source.

    Args:
        frame: `prompt_id`, `prompt`, and where known `domain` and labels.
        source: Where they come from, for messages.
        blank_lines: Lines of a text that held no prompt and were passed over.
        columns: Names of all columns of the source, kept or not.

    Raises:
        InputError: There is no prompt, one is null or blank, or an id is repeated; the message names the
            source and the id.
    """

    frame: pl.DataFrame
    source: str
    blank_lines: int = 0
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.frame.is_empty():
            raise InputError(f"{self.source}: expected at least one prompt, got none")
        text = pl.col("prompt").str.replace_all("\0", " ", literal=True).str.strip_chars()
        self._refuse(pl.col("prompt_id").is_null(), "prompt_id is null")
        self._refuse(pl.col("prompt_id").is_duplicated(), "prompt_id is repeated")
        self._refuse(pl.col("prompt").is_null() | (text.str.len_bytes() == 0), "prompt is empty")

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def ids(self) -> list[str]:
        """Names of the prompts."""
        return self.frame["prompt_id"].to_list()

    @property
    def texts(self) -> list[str]:
        """The prompts themselves."""
        return self.frame["prompt"].to_list()

    @property
    def domains(self) -> list[str | None] | None:
        """Domain of each prompt where it is known; None when none is."""
        return self.frame["domain"].to_list() if "domain" in self.frame.columns else None

    def labels(self, names: Sequence[str]) -> dict[str, list[str | None]]:
        """Values of these labels by name, as `label_value` spells them, as far as the source has them."""
        found = [name for name in names if name in self.frame.columns]
        return {name: [label_value(value) for value in self.frame[name]] for name in found}

    def _refuse(self, fault: pl.Expr, words: str) -> None:
        at = self.frame.select(fault).to_series().arg_true()
        if len(at):
            raise InputError(
                f"{self.source}: {words} in {len(at)} of {len(self)} rows, such as row {at[0] + 1} "
                f"(prompt_id {self.frame['prompt_id'][at[0]]!r})"
            )


def read_prompts(source: str | Path, stdin: BinaryIO | None = None, *, labels: Sequence[str] = ()) -> Prompts:
    """The prompts in a file, or on standard input.

    Args:
        source: A file of one of the kinds above, or ``-``.
        stdin: What ``-`` stands for.
        labels: Further columns that are kept where the source has them.

    Raises:
        InputError: Nothing is there, it is of another kind, not UTF-8, holds no prompt, or a row is broken;
            the message names the line.

    >>> import io
    >>> read_prompts("-", io.BytesIO(b"Name a river.\\n\\n2 + 2?\\n")).ids
    ['1', '3']
    """
    if str(source) == STDIN:
        if stdin is None:
            raise InputError("no standard input to read prompts from; name a file")
        lines = _lines(stdin.read(), "standard input")
        if _is_json_object(lines):
            return _from_json_lines(lines, "standard input", labels)
        return _from_text(lines, "standard input")
    path = Path(source)
    ending = path.suffix.lower()
    if ending == _TEXT:
        return _from_text(_lines(_bytes(path), str(path)), str(path))
    if ending in _JSON_LINES:
        return _from_json_lines(_lines(_bytes(path), str(path)), str(path), labels)
    return _from_table(path, labels)


def decode_utf8(raw: bytes, source: str) -> str:
    """The text of UTF-8 bytes, without a byte order mark.

    Raises:
        InputError: They are not UTF-8; the message names the line.
    """
    try:
        return raw.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{source}: not UTF-8 in line {line}: a byte there is 0x{error.object[error.start]:02x}; "
            "save it as UTF-8 and read it again"
        ) from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def _lines(raw: bytes, source: str) -> list[str]:
    """The lines of a text; only a line feed ends one, since prompts may hold any other separator."""
    return [line.removesuffix("\r") for line in decode_utf8(raw, source).split("\n")]


def _is_json_object(lines: list[str]) -> bool:
    """Whether the first line that is not blank holds a JSON object."""
    first = next((line for line in lines if line.strip()), "")
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def _from_text(lines: list[str], source: str) -> Prompts:
    rows = [(str(number), line) for number, line in enumerate(lines, 1) if line.strip(" \t\r\f\v\0")]
    blank = len(lines) - len(rows) - (not lines[-1])  # what follows the last line feed is no line
    frame = pl.DataFrame(rows, schema=dict.fromkeys(_COLUMNS[:2], pl.String), orient="row")
    return Prompts(frame, source, blank)


def _from_json_lines(lines: list[str], source: str, labels: Sequence[str]) -> Prompts:
    known = ("domain", *labels)
    found = {
        at: _json_object(line, f"{source}, line {at}") for at, line in enumerate(lines, 1) if line.strip()
    }
    columns = tuple(dict.fromkeys(name for row in found.values() for name in row))
    rows = [_json_row(row, f"{source}, line {at}", at, known) for at, row in found.items()]
    schema = dict.fromkeys((*_COLUMNS[:2], *known), pl.String)
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    frame = frame.drop(name for name in labels if name not in columns)
    return Prompts(_without_empty_domain(frame), source, columns=columns)


def _json_object(line: str, where: str) -> dict[str, Any]:  # Any: whatever JSON holds
    """The object on a line of its own, which has a prompt."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON: {error}") from None
    if not isinstance(row, dict):
        raise InputError(f'{where}: expected an object such as {{"prompt": "..."}}, got {_kind(row)}')
    if "prompt" not in row:
        raise InputError(f"{where}: lacks prompt; it has {', '.join(row) or 'nothing'}")
    if not isinstance(row["prompt"], str):
        raise InputError(f"{where}: prompt must be text, got {_kind(row['prompt'])}")
    return row


def _json_row(
    row: dict[str, Any],  # Any: whatever JSON holds
    where: str,
    number: int,
    known: Sequence[str],
) -> tuple[str | None, ...]:
    """Id, prompt and what else is known of an object."""
    prompt_id = row.get("prompt_id")
    return (
        str(number) if prompt_id is None else _storable(str(prompt_id)),
        _storable(row["prompt"]),
        *(_value(row.get(name), f"{where}: {name}") for name in known),
    )


def _value(value: Any, what: str) -> str | None:  # Any: whatever JSON holds
    """The value as the text that a table would make of it."""
    if isinstance(value, list | dict):
        raise InputError(f"{what} must be text or a number, got {_kind(value)}")
    if value is None or value != value:  # JSON as Python reads it has NaN
        return None
    return str(value).lower() if isinstance(value, bool) else _storable(str(value))


def _storable(text: str) -> str:
    """The text with ``?`` for lone surrogates, which JSON can write and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _kind(value: Any) -> str:  # Any: whatever JSON holds
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _from_table(path: Path, labels: Sequence[str]) -> Prompts:
    if path.is_dir():
        raise InputError(f"{path}: expected a file of prompts, got a folder; name the file in it")
    if path.suffix.lower() not in KINDS:
        endings = ", ".join((_TEXT, *KINDS))
        raise InputError(f"{path}: expected a file that ends in {endings}, or - for standard input")
    if not path.exists():
        raise InputError(f"{path}: no such file of prompts")
    table = open_table(path)
    if "prompt" not in table.columns:
        raise InputError(f"{path}: lacks the column prompt; it has {', '.join(table.columns[:8])}")
    frame = table.collect([column for column in (*_COLUMNS, *labels) if column in table.columns])
    if frame.schema["prompt"] != pl.String:
        raise InputError(f"{path}: prompt must be text, got {frame.schema['prompt']}")
    return Prompts(_without_empty_domain(_named(frame, path)), str(path), columns=tuple(table.columns))


def _named(frame: pl.DataFrame, path: Path) -> pl.DataFrame:
    """The frame with ids as text; rows are counted from 1 where it has none."""
    if "prompt_id" not in frame.columns:
        ids = [str(number) for number in range(1, len(frame) + 1)]
        frame = frame.with_columns(pl.Series("prompt_id", ids, dtype=pl.String))
    for name, dtype in frame.schema.items():
        if dtype.is_nested() or dtype == pl.Binary:
            raise InputError(f"{path}: {name} must be text or numbers, got {dtype}")
    return frame.with_columns(cs.float().fill_nan(None)).with_columns(pl.exclude("prompt").cast(pl.String))


def _without_empty_domain(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame without a `domain` that holds nothing."""
    empty = "domain" in frame.columns and frame["domain"].null_count() == len(frame)
    return frame.drop("domain") if empty else frame
