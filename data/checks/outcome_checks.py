"""What the two tables of recorded outcomes must be."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import polars.selectors as cs

from routoo.data.errors import InputError
from routoo.data.tables.columns import NUMBERS, OUTCOME_COLUMNS, PROMPT_COLUMNS, gated, refuse

REPEATED = pl.struct("prompt_id", "model").is_duplicated()
"""Which outcomes are of the same prompt and model as another."""

_PART_NAMES = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
}
_AVERAGE = "; --average (Outcomes.read(path, average=True)) takes the mean of repeated runs"


def checked_prompts(frame: pl.DataFrame) -> pl.DataFrame:
    """The prompts with typed columns and the split in our words.

    Raises:
        InputError: A column is missing or of another kind, an id is null or repeated, a prompt is null or
            blank, a split is none that is known.
    """
    check_frame(frame, "prompts", ("prompt_id", "prompt"))
    prompts = gated(frame, PROMPT_COLUMNS, "prompts")
    if prompts.is_empty():
        raise InputError("prompts: expected at least one row, got none")
    refuse(prompts, pl.col("prompt_id").is_null(), "prompts: prompt_id is null")
    refuse(prompts, pl.col("prompt_id").is_duplicated(), "prompts: prompt_id is repeated")
    refuse(prompts, pl.col("prompt").is_null(), "prompts: prompt is null")
    text = pl.col("prompt").str.replace_all("\0", " ", literal=True).str.strip_chars()
    refuse(prompts, text.str.len_bytes() == 0, "prompts: prompt is blank")
    if "split" not in prompts.columns:
        return prompts
    lower = pl.col("split").str.to_lowercase()
    refuse(
        prompts,
        pl.col("split").is_null() | ~lower.is_in(list(_PART_NAMES)),
        f"prompts: split is not one of {', '.join(_PART_NAMES)}",
    )
    return prompts.with_columns(lower.replace_strict(_PART_NAMES).alias("split"))


def checked_outcomes(frame: pl.DataFrame, prompt_ids: pl.Series) -> pl.DataFrame:
    """The outcomes with typed columns.

    Raises:
        InputError: A column is missing or of another kind, a cell is recorded twice or of a prompt that is
            not among `prompt_ids`, a score lies outside [0, 1], a number is negative, NaN or infinite.
    """
    outcomes = checked_runs(frame)
    refuse(outcomes, REPEATED, "outcomes: (prompt_id, model) is repeated", _AVERAGE)
    refuse(
        outcomes,
        ~pl.col("prompt_id").is_in(prompt_ids.implode()),
        "outcomes: prompt_id is not among the prompts",
    )
    return outcomes


def checked_runs(frame: pl.DataFrame) -> pl.DataFrame:
    """Outcomes with typed columns, of which a prompt and model may have several.

    Raises:
        InputError: As `checked_outcomes`, but for cells that are recorded twice or of unknown prompts.
    """
    check_frame(frame, "outcomes", ("prompt_id", "model", "score"))
    outcomes = gated(frame, OUTCOME_COLUMNS, "outcomes")
    if outcomes.is_empty():
        raise InputError("outcomes: expected at least one row, got none")
    for key in ("prompt_id", "model", "score"):
        refuse(outcomes, pl.col(key).is_null(), f"outcomes: {key} is null")
    unnamed = pl.col("model").str.strip_chars().str.len_bytes() == 0
    refuse(outcomes, unnamed, "outcomes: model is blank")
    return outcomes


def averaged(frame: pl.DataFrame) -> pl.DataFrame:
    """One outcome a prompt and model: the means of the score and the numbers of its runs.

    A further column keeps its value where all runs of the prompt and model agree on it.

    Raises:
        InputError: As `checked_runs`.

    >>> runs = pl.DataFrame({"prompt_id": ["q", "q"], "model": ["m", "m"], "score": [1, 0]})
    >>> averaged(runs)["score"].to_list()
    [0.5]
    """
    runs = checked_runs(frame)
    key = ["prompt_id", "model"]
    further = [
        name for name, dtype in runs.schema.items() if name not in OUTCOME_COLUMNS and not dtype.is_nested()
    ]
    means = cs.by_name(*(name for name in ("score", *NUMBERS) if name in runs.columns)).mean()
    known = cs.by_name(*further).drop_nulls()
    agreed = pl.when(known.n_unique() == 1).then(known.first())
    return runs.group_by(key, maintain_order=True).agg(means, agreed)


def check_frame(frame: pl.DataFrame, what: str, needed: Sequence[str]) -> None:
    """Refuses what is no table of polars, or lacks a column.

    Raises:
        InputError: It is so.
    """
    if not isinstance(frame, pl.DataFrame):
        raise InputError(f"{what}: expected a polars.DataFrame, got {type(frame).__name__}")
    missing = [column for column in needed if column not in frame.columns]
    if missing:
        raise InputError(
            f"{what}: missing columns {', '.join(missing)}; found {', '.join(frame.columns) or 'none'}"
        )
