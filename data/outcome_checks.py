"""What the two tables of recorded outcomes must be."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from routoo.data.errors import InputError

NUMBERS = {
    "input_tokens": pl.Float32,
    "output_tokens": pl.Float32,
    "cost_usd": pl.Float64,
    "latency_s": pl.Float32,
    "confidence": pl.Float32,
}
"""What may be known of an outcome beside its score."""

_PROMPT_COLUMNS = {"prompt_id": pl.String, "prompt": pl.String}
_OUTCOME_COLUMNS = {"prompt_id": pl.String, "model": pl.String, "score": pl.Float32}
_SAMPLED = ("prompt_id", "model", "score", *NUMBERS, "domain", "split")
_PART_NAMES = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
}


def checked_prompts(frame: pl.DataFrame) -> pl.DataFrame:
    """The prompts with typed columns and the split in our words.

    Raises:
        InputError: A column is missing or of another kind, an id is null or repeated, a prompt is null or
            blank, a split is none that is known.
    """
    prompts = _typed(frame, "prompts", _PROMPT_COLUMNS, {"domain": pl.String, "split": pl.String})
    if prompts.is_empty():
        raise InputError("prompts: expected at least one row, got none")
    _refuse(prompts, pl.col("prompt_id").is_null(), "prompts: prompt_id is null")
    _refuse(prompts, pl.col("prompt_id").is_duplicated(), "prompts: prompt_id is repeated")
    _refuse(prompts, pl.col("prompt").is_null(), "prompts: prompt is null")
    text = pl.col("prompt").str.replace_all("\0", " ", literal=True).str.strip_chars()
    _refuse(prompts, text.str.len_bytes() == 0, "prompts: prompt is blank")
    if "split" not in prompts.columns:
        return prompts
    lower = pl.col("split").str.to_lowercase()
    _refuse(
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
    outcomes = _typed(frame, "outcomes", _OUTCOME_COLUMNS, NUMBERS)
    if outcomes.is_empty():
        raise InputError("outcomes: expected at least one row, got none")
    for key in ("prompt_id", "model", "score"):
        _refuse(outcomes, pl.col(key).is_null(), f"outcomes: {key} is null")
    unnamed = pl.col("model").str.strip_chars().str.len_bytes() == 0
    _refuse(outcomes, unnamed, "outcomes: model is blank")
    _refuse(
        outcomes,
        ~pl.col("score").is_between(0, 1) | pl.col("score").is_nan(),
        "outcomes: score lies outside 0..1",
    )
    for key in NUMBERS:
        if key in outcomes.columns:
            _refuse(
                outcomes,
                pl.col(key).is_not_null() & ~(pl.col(key).is_finite() & (pl.col(key) >= 0)),
                f"outcomes: {key} is negative, NaN or infinite (leave it null where it is unknown)",
            )
    _refuse(
        outcomes,
        pl.struct("prompt_id", "model").is_duplicated(),
        "outcomes: (prompt_id, model) is repeated; average repeated runs first",
    )
    _refuse(
        outcomes,
        ~pl.col("prompt_id").is_in(prompt_ids.implode()),
        "outcomes: prompt_id is not among the prompts",
    )
    return outcomes


def _typed(
    frame: pl.DataFrame,
    what: str,
    needed: Mapping[str, type[pl.DataType]],
    known: Mapping[str, type[pl.DataType]],
) -> pl.DataFrame:
    """The frame with its known columns cast; refuses missing columns and values that do not fit."""
    if not isinstance(frame, pl.DataFrame):
        raise InputError(f"{what}: expected a polars.DataFrame, got {type(frame).__name__}")
    missing = [column for column in needed if column not in frame.columns]
    if missing:
        raise InputError(
            f"{what}: missing columns {', '.join(missing)}; found {', '.join(frame.columns) or 'none'}"
        )
    for column, dtype in {**needed, **known}.items():
        if column not in frame.columns or frame.schema[column] == dtype:
            continue
        try:
            frame = frame.with_columns(pl.col(column).cast(dtype))
        except pl.exceptions.PolarsError:
            misfits = _misfits(frame[column], dtype)
            raise InputError(f"{what}: {column} cannot be read as {dtype.__name__}: {misfits}") from None
    return frame


def _misfits(column: pl.Series, dtype: type[pl.DataType]) -> str:
    """Which rows cannot be cast; none is quoted, for a shifted column holds prompts."""
    try:
        rows = (column.is_not_null() & column.cast(dtype, strict=False).is_null()).arg_true()
    except pl.exceptions.PolarsError:
        return f"it holds {column.dtype}"
    return f"{len(rows)} of {len(column)} rows hold something else, such as row {rows[0]}"


def _refuse(frame: pl.DataFrame, fault: pl.Expr, words: str) -> None:
    """Raises in words when any row has the fault; the sample leaves prompts and answers out."""
    at = frame.select(fault.fill_null(False)).to_series().arg_true()
    if at.is_empty():
        return
    shown = [column for column in _SAMPLED if column in frame.columns]
    values = frame.select(shown).row(at[0], named=True)
    sample = ", ".join(f"{key}={value!r}" for key, value in values.items())
    raise InputError(f"{words}: {len(at)} of {len(frame)} rows, such as row {at[0]}: {sample}")
