"""What a format is: a name, a look at the columns, and a way to read the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import polars as pl

from routoo.data.tables.table import Table, open_table


@dataclass(frozen=True)
class Folder:
    """A folder whose files are to be read.

    Args:
        path: Where it is.
        columns: What its files call their columns, by the names that they are to have.
        separator: What separates the fields of its CSV files.
    """

    path: Path
    columns: Mapping[str, str]
    separator: str | None = None

    def open(self, name: str) -> Table:
        """A file of it."""
        return open_table(self.path / name, self.columns, self.separator)


Source = TypeVar("Source", Folder, Table)


@dataclass(frozen=True, eq=False)
class Frames:
    """What a reader gives: prompts, and outcomes on them.

    Args:
        prompts: A row a prompt.
        outcomes: A row an outcome.
        remark: What was decided that a user may want to know, in words.
        ids_are_texts: Whether prompts of the same text are one prompt, for want of ids.
        name: What to call the data.
    """

    prompts: pl.DataFrame
    outcomes: pl.DataFrame
    remark: str = ""
    ids_are_texts: bool = False
    name: str = ""


@dataclass(frozen=True)
class Format(Generic[Source]):
    """A way in which outcomes are kept, in a folder or in a file (a `Table`).

    Args:
        name: What to call it.
        misfit: Why a source is not of this format, in words; none where it is. Looks at columns only.
        read: The prompts and outcomes of a source that fits; given whether outcomes of a model on one prompt
            are runs that will be averaged, so that rows of a wide table may be of one prompt.
    """

    name: str
    misfit: Callable[[Source], str | None]
    read: Callable[[Source, bool], Frames]
