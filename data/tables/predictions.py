"""Predictions on disk: a row a prompt and model, as `Scores.to_polars` writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from routoo.data.errors import InputError
from routoo.data.scores import Scores
from routoo.data.storage.foreign import in_our_words
from routoo.data.storage.parquet_files import DAMAGED
from routoo.data.tables.columns import COST, TEXT, dtype_in_words, must_be
from routoo.data.tables.deadlines import DEADLINE
from routoo.data.tables.required_tags import TAGS
from routoo.data.tables.table import Table, parquet_table

NAMES = ("prompt_id", "model")
NUMBERS = ("p_correct", "cost_usd", "latency_s", "input_tokens", "output_tokens")
NEEDED = (*NAMES, *NUMBERS[:2])
"""Columns without which there are no predictions."""

_TEXTS = (*NAMES, TAGS)
_NUMERIC = (*NUMBERS, DEADLINE)
_KNOWN = {**dict.fromkeys(_TEXTS, TEXT), **dict.fromkeys(_NUMERIC, COST)}


def open_predictions(path: Path) -> Table:
    """The table in a file of predictions, none of whose rows has been read.

    Raises:
        InputError: There is no such file, it is damaged, lacks a column, or has one of another kind.
    """
    if not path.is_file():
        raise InputError(f"{path}: {'not a regular' if path.exists() else 'no such'} file")
    table = parquet_table(path)
    if not set(NEEDED) <= set(table.columns):
        raise InputError(f"{path}: expected columns {', '.join(NEEDED)}")
    for name, dtype in table.schema.items():
        if name in _TEXTS:
            fits = not dtype.is_nested() and dtype != pl.Binary
        else:
            fits = name not in _NUMERIC or dtype.is_numeric() or dtype == pl.Null
        if not fits:
            raise InputError(must_be(f"{path}: {name}", _KNOWN[name], dtype_in_words(dtype)))
    return table


def choices_of(ids: pl.Series, scores: Scores, choice: npt.NDArray[np.integer[Any]]) -> pl.DataFrame:
    """A row for each prompt: its name, the model in the column that was chosen, what is predicted of it.

    >>> scores = Scores(*(np.array([[1.0, 0.5]]) for _ in range(3)), models=("small", "large"))
    >>> choices_of(pl.Series("prompt_id", ["a"]), scores, np.array([1])).row(0)[:2]
    ('a', 'large')
    """
    rows = np.arange(len(choice))
    known = {name: of for name in NUMBERS if (of := getattr(scores, name)) is not None}
    models = pl.Series("model", scores.models, pl.String).gather(choice)
    numbers = (pl.Series(name, of[rows, choice]).fill_nan(None) for name, of in known.items())
    return pl.DataFrame([ids.alias("prompt_id"), models, *numbers])


def collected(rows: pl.LazyFrame, path: Path) -> pl.DataFrame:
    """Rows of a file of predictions.

    Raises:
        InputError: They cannot be read.
    """
    with in_our_words(f"{path}: cannot be read as Parquet: {DAMAGED}"):
        return rows.collect()
