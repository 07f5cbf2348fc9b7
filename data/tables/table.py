"""Tables on disk: what columns they have is known before their rows are read, where the file allows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Literal

import polars as pl
import polars.selectors as cs

from routoo.data.domains import near_names
from routoo.data.errors import InputError
from routoo.data.storage.foreign import in_our_words
from routoo.data.storage.parquet_files import DAMAGED, check_parquet
from routoo.data.storage.text_files import COMPRESSED, bare, check_utf8, compression, open_bytes, text_lines
from routoo.data.tables.column_names import listed
from routoo.data.tables.columns import COLUMNS, MESSAGES, Column, gated
from routoo.data.tables.csv_files import broken_row, header_of, separator_named, separator_of
from routoo.data.tables.json_lines import LIST_TO_LINES, read_json_lines

Kind = Literal["Parquet", "CSV", "JSON lines"]
KINDS: dict[str, Kind] = {
    ".parquet": "Parquet",
    ".csv": "CSV",
    ".tsv": "CSV",
    ".jsonl": "JSON lines",
    ".ndjson": "JSON lines",
}
ENDINGS = f"{', '.join(KINDS)} (text also with {' or '.join(COMPRESSED)} after it)"
"""How files of tables end, in words."""

_PICKLES = {".pkl", ".pickle", ".pck", ".joblib", ".pt", ".npy"}
_SCHEMA_ROWS = 1000


@dataclass(frozen=True, eq=False)
class Table:
    """A file with rows and columns.

    Args:
        path: The file.
        kind: How it is written.
        schema: Columns, under the names by which they are read, and types; those of a CSV are guessed from
            its first rows.
        gate: What its known columns may hold.
        rows: The rows; those of JSON lines have been read.
        separator: What separates the fields of a CSV.
        lines: Line of each row in the file, where that is known.
    """

    path: Path
    kind: Kind
    schema: pl.Schema
    gate: Mapping[str, Column]
    rows: pl.LazyFrame
    separator: str = ","
    lines: Sequence[int] | None = None

    @property
    def stem(self) -> str:
        """Name of the file without its endings."""
        return bare(self.path).stem

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in the order of the file."""
        return self.schema.names()

    @property
    def flat(self) -> list[str]:
        """The known columns, and all others that hold neither lists nor objects."""
        return [name for name, dtype in self.schema.items() if name in self.gate or not dtype.is_nested()]

    def collect(self, columns: Iterable[str], known: Mapping[str, Column] | None = None) -> pl.DataFrame:
        """The rows, with these columns: known ones have passed the gate, others of a file of text are text.

        Args:
            columns: Which to read.
            known: What columns hold that are not known by their names.

        Raises:
            InputError: A row cannot be read, or holds what its column may not.
        """
        try:
            with in_our_words(f"{self.path}: cannot be read as {self.kind}: {DAMAGED}"):
                frame = self.rows.select(cs.by_name(*columns)).collect()
        except InputError:
            if self.kind != "CSV":
                raise
            why = broken_row(self.path, self.separator, len(header_of(self.path, self.separator)))
            raise InputError(f"{self.path}: {why}") from None
        gate = {**self.gate, **(known or {})}
        return gated(frame, {name: gate[name] for name in frame.columns if name in gate}, self.path)


def open_table(
    path: Path,
    columns: Mapping[str, str] | None = None,
    separator: str | None = None,
    known: Mapping[str, Column] | None = None,
) -> Table:
    """The table in a file, by its ending; text that is not UTF-8 is refused here.

    Where it has a column `messages` and none that is called `prompt`, the texts of its chats are `prompt`.

    Args:
        path: The file.
        columns: What its columns are called, by the name that they are to have.
        separator: What separates the fields of a CSV; looked for in its header when not given.
        known: What further columns may hold.

    Raises:
        InputError: Nothing is there, the ending is unknown, the file is not what its ending says, or it has
            no column of a name that is given.
    """
    ending = bare(path).suffix.lower()
    if ending in _PICKLES:
        raise InputError(
            f"{path}: routoo opens no pickle, since loading one can run any code; "
            "convert to parquet where you trust it: pandas.read_pickle(...).to_parquet(...)"
        )
    if ending == ".json":
        raise InputError(
            f"{path}: of JSON, an object a line is read, in a file that ends in .jsonl; {LIST_TO_LINES}"
        )
    if ending not in KINDS or (KINDS[ending] == "Parquet" and compression(path)):
        raise InputError(f"{path}: expected a file that ends in {ENDINGS}, or a folder")
    kind = KINDS[ending]
    if separator is not None and kind != "CSV":
        raise InputError(f"{path}: --separator is of CSV files, and this is {kind}")
    if kind == "JSON lines":
        with open_bytes(path) as file:
            return json_table(file, path, columns or {}, known)
    table = parquet_table(path) if kind == "Parquet" else _csv_table(path, separator)
    return named(table, columns or {}, known)


def json_table(
    file: BinaryIO, source: Path, columns: Mapping[str, str], known: Mapping[str, Column] | None = None
) -> Table:
    """The table in lines of JSON; see `open_table`."""
    taken = set(columns.values())  # a key that is to have another name is not what its own name says
    keys = {
        columns.get(name, name): column
        for name, column in {**(known or {}), **COLUMNS}.items()
        if name in columns or name not in taken
    }
    found = read_json_lines(text_lines(file, source), source, keys)
    if not found.lines:
        raise InputError(f"{source}: expected an object a line, got nothing")
    table = Table(source, "JSON lines", found.schema, {}, found.frame.lazy(), lines=found.lines)
    return named(table, columns, known)


def parquet_table(path: Path) -> Table:
    """The table in a Parquet file, whose columns no gate knows; see `open_table`."""
    check_parquet(path)
    with in_our_words(f"{path}: cannot be read as Parquet: {DAMAGED}"):
        rows = pl.scan_parquet(path)
        schema = rows.collect_schema()
    return Table(path, "Parquet", schema, {}, rows)


def _csv_table(path: Path, separator: str | None) -> Table:
    check_utf8(path)
    mark = separator_of(path) if separator is None else separator_named(separator)
    n_columns = len(header_of(path, mark))
    source: Path | bytes = path
    if compression(path):
        with open_bytes(path) as file:
            source = file.read()
    try:
        with in_our_words(f"{path}: cannot be read as CSV"):
            schema = pl.scan_csv(source, separator=mark, infer_schema_length=_SCHEMA_ROWS).collect_schema()
            rows = pl.scan_csv(source, separator=mark, infer_schema=False)
            # A blank line is a row of nulls.
            rows = rows.filter(pl.any_horizontal(pl.all().is_not_null()))
    except InputError:
        raise InputError(f"{path}: {broken_row(path, mark, n_columns)}") from None
    return Table(path, "CSV", schema, {}, rows, mark)


def named(table: Table, columns: Mapping[str, str], known: Mapping[str, Column] | None = None) -> Table:
    """The table with its columns under the names that they are to have; a column whose name is taken goes."""
    found = {name.strip(): name for name in table.columns}
    if missing := [old for old in columns.values() if old not in found]:
        raise InputError(
            f"{table.path}: --columns names {', '.join(missing)}, but the file has {listed(found)}"
            f"{near_names(missing, found)}"
        )
    taken = {*columns, *columns.values()}
    names = {new: old for new, old in found.items() if new not in taken}
    names |= {new: found[old] for new, old in columns.items()}
    gate = {**(known or {}), **COLUMNS}
    if "prompt" not in names and "messages" in names:
        names["prompt"] = names.pop("messages")
        gate["prompt"] = MESSAGES
    names = dict(sorted(names.items(), key=lambda item: table.columns.index(item[1])))
    aliases = [pl.nth(table.columns.index(old)).alias(new) for new, old in names.items()]
    schema = pl.Schema({new: table.schema[old] for new, old in names.items()})
    return replace(table, schema=schema, gate=gate, rows=table.rows.select(aliases))
