"""Tables on disk, opened lazily: what columns they have is known before a row is read."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from routoo.data.errors import InputError

Kind = Literal["Parquet", "CSV", "JSON lines"]
KINDS: dict[str, Kind] = {
    ".parquet": "Parquet",
    ".csv": "CSV",
    ".jsonl": "JSON lines",
    ".ndjson": "JSON lines",
}
_PICKLES = {".pkl", ".pickle", ".pck", ".joblib", ".pt", ".npy"}
_BLOCK = 1 << 20
_SCHEMA_ROWS = 1000
_NOT_READ = (pl.exceptions.PolarsError, OSError)


@dataclass(frozen=True)
class Table:
    """A file with rows and columns, of which only the schema has been read.

    Args:
        path: The file.
        kind: How it is written.
        schema: Columns and types; those of a CSV are guessed from its first rows.
    """

    path: Path
    kind: Kind
    schema: pl.Schema

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in the order of the file."""
        return self.schema.names()

    def collect(self, columns: Iterable[str]) -> pl.DataFrame:
        """The rows, with these columns; what is not Parquet gives plain values as text.

        Raises:
            InputError: A row cannot be read.
        """
        try:
            return self._scan().select(columns).collect()
        except _NOT_READ as error:
            raise InputError(f"{self.path}: {self.kind} with a broken row: {_first_line(error)}") from None

    def _scan(self) -> pl.LazyFrame:
        if self.kind == "Parquet":
            return pl.scan_parquet(self.path)
        if self.kind == "CSV":
            return pl.scan_csv(self.path, infer_schema=False)
        plain = {name: pl.String for name, dtype in self.schema.items() if not dtype.is_nested()}
        return pl.scan_ndjson(self.path, schema={**self.schema, **plain})


def open_table(path: Path) -> Table:
    """The table in a file, told by its ending; text that is not UTF-8 is refused here.

    Raises:
        InputError: Nothing is there, the ending is unknown, or the file is not what its ending says.
    """
    ending = path.suffix.lower()
    if ending in _PICKLES:
        raise InputError(
            f"{path}: routoo opens no pickle, since loading one can run any code; "
            "convert to parquet where you trust it: pandas.read_pickle(...).to_parquet(...)"
        )
    if ending not in KINDS:
        raise InputError(f"{path}: expected a file that ends in {', '.join(KINDS)}, or a folder")
    kind = KINDS[ending]
    try:
        if kind != "Parquet":
            _check_utf8(path)
        if kind == "JSON lines":
            _check_no_mark(path)
        return Table(path, kind, _schema(path, kind))
    except _NOT_READ as error:
        raise InputError(f"{path}: cannot be read as {kind}: {_first_line(error)}") from None


def as_numbers(frame: pl.DataFrame, columns: Iterable[str], *, source: Path) -> pl.DataFrame:
    """The frame with these columns as numbers: true is 1, false is 0, and no text is null.

    Raises:
        InputError: A value is neither a number nor a truth value.
    """
    for column in columns:
        if frame.schema[column] != pl.String:
            continue
        text = pl.col(column).str.strip_chars().str.to_lowercase()
        text = pl.when(text.str.len_bytes() > 0).then(text.replace({"true": "1", "false": "0"}))
        number = frame.select(text.alias("text"), text.cast(pl.Float64, strict=False).alias("number"))
        bad = (number["text"].is_not_null() & number["number"].is_null()).arg_true()
        if len(bad):
            raise InputError(
                f"{source}: {column} must be a number, true or false: {len(bad)} of {len(frame)} rows are "
                f"neither, such as row {bad[0]}: {frame[column][bad[0]][:40]!r}"
            )
        frame = frame.with_columns(number["number"].alias(column))
    return frame


def _schema(path: Path, kind: Kind) -> pl.Schema:
    if kind == "Parquet":
        return pl.scan_parquet(path).collect_schema()
    if kind == "CSV":
        return pl.scan_csv(path, infer_schema_length=_SCHEMA_ROWS).collect_schema()
    # A key may turn up in any line, and a number may turn to text in the last.
    return pl.scan_ndjson(path, infer_schema_length=None).collect_schema()


def _check_utf8(path: Path) -> None:
    """Refuses text in another encoding, and says where it stops being UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line, read = 1, 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                line += error.object.count(b"\n", 0, error.start)
                at = read + len(block) - len(error.object) + error.start
                raise InputError(
                    f"{path}: not UTF-8 in line {line}: byte {at} is 0x{error.object[error.start]:02x}; "
                    "save it as UTF-8 and read it again"
                ) from None
            line += block.count(b"\n")
            read += len(block)
    if decoder.getstate()[0]:
        raise InputError(f"{path}: the text is cut off within a character; fetch the file again")


def _check_no_mark(path: Path) -> None:
    """Refuses a byte order mark, which no line of JSON may start with."""
    with path.open("rb") as file:
        if file.read(3) == codecs.BOM_UTF8:
            raise InputError(f"{path}: starts with a byte order mark; save it as plain UTF-8 without one")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
