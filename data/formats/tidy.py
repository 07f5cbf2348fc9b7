"""A tidy file: a row an outcome, with the prompt, the model and the score."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import polars as pl
import polars.selectors as cs

from routoo.data.errors import InputError
from routoo.data.formats.format import Format, Frames
from routoo.data.tables.column_names import lacking
from routoo.data.tables.columns import ANSWER_COLUMNS, OUTCOME_COLUMNS, PROMPT_COLUMNS, SIGNALS
from routoo.data.tables.table import Table

_ABOUT_PROMPTS = (*PROMPT_COLUMNS, "answer")
_ABOUT_OUTCOMES = {*OUTCOME_COLUMNS, *ANSWER_COLUMNS, "response", "prediction"} - {"answer"}
_ABOUT_OUTCOMES_FROM = (SIGNALS, "confidence_")


def _misfit(table: Table) -> str | None:
    return lacking(table.columns, ("prompt", "model", "score"))


def _read(table: Table, average: bool) -> Frames:
    return tidy_frames(table.collect(table.flat), table)


def tidy_frames(frame: pl.DataFrame, table: Table) -> Frames:
    """The prompts and outcomes of a frame with a row an outcome.

    Raises:
        InputError: Rows of a prompt say different things of it.
    """
    if "prompt_id" in frame.columns:
        return _split(frame, table)
    return replace(_split(_with_ids_of_texts(frame, table), table), ids_are_texts=True)


def _with_ids_of_texts(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The frame with a `prompt_id` made of the SHA-256 of the prompt: the same text, the same prompt."""
    missing = frame["prompt"].is_null().arg_true()
    if len(missing):
        raise InputError(
            f"{table.path}: prompt is null in {len(missing)} of {len(frame)} rows, "
            f"such as row {missing[0] + 1}"
        )
    texts = frame["prompt"].unique(maintain_order=True)
    ids = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts]
    return frame.join(
        pl.DataFrame(
            {"prompt": texts, "prompt_id": ids}, schema={"prompt": pl.String, "prompt_id": pl.String}
        ),
        on="prompt",
        maintain_order="left",
    )


def _split(frame: pl.DataFrame, table: Table) -> Frames:
    """Prompts and outcomes of a tidy frame: what is one value a prompt goes to the prompts."""
    candidates = [
        name
        for name in frame.columns
        if name not in _ABOUT_OUTCOMES and not name.startswith(_ABOUT_OUTCOMES_FROM)
    ]
    by_prompt = frame.group_by("prompt_id", maintain_order=True)
    values = by_prompt.agg(cs.by_name(*candidates).drop_nulls().n_unique())
    varies = [column for column in candidates if values[column].max() not in (None, 0, 1)]
    for column in varies:
        if column in _ABOUT_PROMPTS:
            raise InputError(_conflict(values, column, table))
    about = [column for column in candidates if column not in varies]
    first = by_prompt.agg(cs.by_name(*about).drop_nulls().first())
    return Frames(first, frame.drop(cs.by_name(*about)))


def _conflict(values: pl.DataFrame, column: str, table: Table) -> str:
    bad = values.filter(pl.col(column) > 1)
    hint = "; a model's own answer is called response" if column == "answer" else ""
    return (
        f"{table.path}: {column} must be the same in all rows of a prompt, but {len(bad)} of {len(values)} "
        f"prompt_ids have several, such as prompt_id={bad['prompt_id'][0]!r}{hint}"
    )


TIDY = Format("tidy file", _misfit, _read)
