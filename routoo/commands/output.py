"""Files that a command writes: refused before the work when they could not be, written in one step."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

TABLES = (".parquet", ".csv", ".jsonl")
"""Endings of the tables that a command can write."""


def check_output(path: Path, endings: Sequence[str] = TABLES) -> None:
    """Refuses a file that could not be written, before any work is done for it.

    Raises:
        InputError: The ending is another one, the folder is missing, or a folder or pipe has that name.
    """
    from routoo.data.errors import InputError
    from routoo.data.storage.files import written_file

    if path.suffix.lower() not in endings:
        raise InputError(f"{path}: expected a file to write that ends in {', '.join(endings)}")
    if not written_file(path).parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; make it first")


def write_table(frame: pl.DataFrame, path: Path) -> None:
    """Writes the rows in one step, in the format that the ending says."""
    from routoo.data.storage.files import write_atomically

    content = io.BytesIO()
    ending = path.suffix.lower()
    if ending == ".parquet":
        frame.write_parquet(content)
    elif ending == ".csv":
        frame.write_csv(content)
    else:
        frame.write_ndjson(content)
    write_atomically(path, content.getvalue())


def check_bundle_folder(folder: Path) -> None:
    """Refuses a folder that a predictor or bundle could not be written to, before any work is done for it.

    Raises:
        InputError: It is a file, the working directory, or a folder that holds something else.
    """
    from routoo.data.errors import InputError
    from routoo.export.layout import FILES

    FILES.check(folder)
    if folder.resolve() == Path.cwd():
        raise InputError(f"{folder}: expected a folder to write, found the working directory; name one in it")
