"""Prompts to be routed, read from a file or from standard input.

What a source may be, by its ending:

- ``.txt``: a prompt a line; blank lines are passed over and counted.
- ``.jsonl``, ``.ndjson``: an object a line, with `prompt`, and where known `prompt_id`, `domain`, attributes.
- ``.csv``, ``.tsv``, ``.parquet``: a row a prompt, with the same columns.
- ``-``, standard input: JSON lines where the first line is an object, else a prompt a line.

Text may be compressed (``.csv.gz``, ``.jsonl.zst``), and a chat may stand for a prompt. A prompt without
`prompt_id` is named by its line or row in the source, counted from 1.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import polars as pl

from routoo.data.domains import attribute_value
from routoo.data.errors import InputError
from routoo.data.storage.text_files import bare, decode_utf8, open_bytes
from routoo.data.tables.column_names import check_columns, lacking
from routoo.data.tables.columns import TEXT
from routoo.data.tables.required_tags import TAGS, TAGS_COLUMN
from routoo.data.tables.table import ENDINGS, KINDS, Table, json_table, open_table

STDIN = "-"
"""What stands for standard input where a file is expected."""

_COLUMNS = ("prompt_id", "prompt", "domain")
_TEXT = ".txt"


@dataclass(frozen=True, eq=False)
class Prompts:
    """Prompts to be routed, in the order of their source.

    Args:
        frame: `prompt_id`, `prompt`, and where known `domain` and attributes.
        source: Where they come from, for messages.
        blank_lines: Lines of a text that held no prompt and were passed over.
        columns: Names of all columns of the source, kept or not.
        called: What the source calls the column of prompts, where no name was given for it.

    Raises:
        InputError: There is no prompt, one is null or blank, or an id is repeated; the message names the
            source and the id.
    """

    frame: pl.DataFrame
    source: str
    blank_lines: int = 0
    columns: tuple[str, ...] = ()
    called: str = "prompt"

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

    def attributes(self, names: Sequence[str]) -> dict[str, list[str | None]]:
        """Values of these attributes, as `attribute_value` spells them, as far as the source has them."""
        found = [name for name in names if name in self.frame.columns]
        return {name: [attribute_value(value) for value in self.frame[name]] for name in found}

    def _refuse(self, fault: pl.Expr, words: str) -> None:
        at = self.frame.select(fault).to_series().arg_true()
        if len(at):
            raise InputError(
                f"{self.source}: {words} in {len(at)} of {len(self)} rows, such as row {at[0] + 1} "
                f"(prompt_id {self.frame['prompt_id'][at[0]]!r})"
            )


def read_prompts(
    source: str | Path,
    stdin: BinaryIO | None = None,
    *,
    attributes: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
    separator: str | None = None,
) -> Prompts:
    """The prompts in a file, or on standard input.

    Args:
        source: A file of one of the kinds above, or ``-``.
        stdin: What ``-`` stands for.
        attributes: Further columns that are kept where the source has them.
        columns: What the source calls its columns, by ours, such as ``{"prompt": "question"}``.
        separator: What separates the fields of a CSV; looked for in its header when not given.

    Raises:
        InputError: Nothing is there, it is of another kind, not UTF-8, holds no prompt, or a row is broken;
            the message names the line.

    >>> import io
    >>> read_prompts("-", io.BytesIO(b"Name a river.\\n\\n2 + 2?\\n")).ids
    ['1', '3']
    """
    check_columns(columns or {})
    path, known = Path(source), {**dict.fromkeys(attributes, TEXT), TAGS: TAGS_COLUMN}
    if str(source) == STDIN:
        if stdin is None:
            raise InputError("no standard input to read prompts from; name a file")
        raw, name = stdin.read(), "standard input"
        lines = _lines(raw, name)
        if _is_json(lines) and separator is None:
            return prompts_in(json_table(io.BytesIO(raw), Path(name), columns or {}, known), attributes)
        _refuse_options(name, columns, separator)
        return _from_text(lines, name)
    if bare(path).suffix.lower() == _TEXT:
        _refuse_options(path, columns, separator)
        with open_bytes(path) as file:
            return _from_text(_lines(file.read(), str(path)), str(path))
    _check_is_table(path)
    return prompts_in(open_table(path, columns, separator, known), attributes)


def _refuse_options(source: object, columns: Mapping[str, str] | None, separator: str | None) -> None:
    if columns or separator is not None:
        raise InputError(f"{source}: --columns and --separator are of tables, and this holds a prompt a line")


def _lines(raw: bytes, source: str) -> list[str]:
    """The lines of a text; only a line feed ends one, since prompts may hold any other separator."""
    return [line.removesuffix("\r") for line in decode_utf8(raw, source).split("\n")]


def _is_json(lines: list[str]) -> bool:
    """Whether the first line that is not blank holds an object of JSON, or opens one or a list of them."""
    first = next((line.strip() for line in lines if line.strip()), "")
    try:
        found = json.loads(first)
    except (ValueError, RecursionError):
        return first in ("[", "{")
    return isinstance(found, dict) or (
        isinstance(found, list) and any(isinstance(row, dict) for row in found)
    )


def _from_text(lines: list[str], source: str) -> Prompts:
    rows = [(str(number), line) for number, line in enumerate(lines, 1) if line.strip(" \t\r\f\v\0")]
    blank = len(lines) - len(rows) - (not lines[-1])  # what follows the last line feed is no line
    frame = pl.DataFrame(rows, schema=dict.fromkeys(_COLUMNS[:2], pl.String), orient="row")
    return Prompts(frame, source, blank)


def _check_is_table(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path}: expected a file of prompts, got a folder; name the file in it")
    if bare(path).suffix.lower() not in {*KINDS, ".json"}:  # of which the reader of tables says more
        raise InputError(f"{path}: expected a file that ends in {_TEXT}, {ENDINGS}, or - for standard input")
    if not path.exists():
        raise InputError(f"{path}: no such file of prompts")


def prompts_in(table: Table, attributes: Sequence[str] = ()) -> Prompts:
    """The prompts in an open table; see `read_prompts`.

    Raises:
        InputError: It lacks a column, or holds no prompt; a row is broken.
    """
    if (lacks := lacking(table.columns, ["prompt"])) is not None:
        raise InputError(f"{table.path}: {lacks}")
    wanted = dict.fromkeys(column for column in (*_COLUMNS, *attributes) if column in table.columns)
    frame = table.collect(wanted)
    numbers = range(1, len(frame) + 1) if table.lines is None else table.lines
    ids = pl.Series("prompt_id", [str(number) for number in numbers], dtype=pl.String)
    if "prompt_id" not in frame.columns:
        frame = frame.with_columns(ids)
    elif table.lines is not None:
        frame = frame.with_columns(pl.col("prompt_id").fill_null(ids))
    called = table.gate["prompt"].called or "prompt"
    return Prompts(_without_empty_domain(frame), str(table.path), columns=tuple(table.columns), called=called)


def _without_empty_domain(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame without a `domain` that holds nothing."""
    empty = "domain" in frame.columns and frame["domain"].null_count() == len(frame)
    return frame.drop("domain") if empty else frame
