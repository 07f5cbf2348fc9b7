"""What a table of answers must be."""

from __future__ import annotations

import polars as pl

from routoo.data.checks.outcome_checks import check_frame
from routoo.data.errors import InputError
from routoo.data.tables.columns import ANSWER_COLUMNS, SIGNAL, SIGNALS, gated, refuse

_MOST_SAMPLES = 2**31
_OF_OUTCOMES = ("score", "response")


def checked_answers(frame: pl.DataFrame) -> pl.DataFrame:
    """The answers with typed columns; without a column `sample` each is sample 0.

    Raises:
        InputError: A column is missing or of another kind, an id or a model is null or blank, a sample is no
            whole number or recorded twice, a number cannot be.
    """
    check_frame(frame, "answers", ("prompt_id", "model", "answer"))
    if frame.is_empty():
        raise InputError("answers: expected at least one row, got none")
    if taken := [name for name in _OF_OUTCOMES if name in frame.columns]:
        raise InputError(f"answers: {', '.join(taken)} is a column of outcomes: drop it, or read outcomes")
    if "sample" not in frame.columns:
        frame = frame.with_columns(sample=pl.lit(0))
    signals = {name: SIGNAL for name in frame.columns if name.startswith(SIGNALS)}
    answers = gated(frame, {**ANSWER_COLUMNS, **signals}, "answers")
    for key in ("prompt_id", "model", "sample"):
        refuse(answers, pl.col(key).is_null(), f"answers: {key} is null")
    refuse(answers, pl.col("model").str.len_bytes() == 0, "answers: model is blank")
    sample = pl.col("sample")
    broken = (sample != sample.floor()) | (sample >= _MOST_SAMPLES)
    refuse(answers, broken, "answers: sample is no whole number from 0 on")
    repeated = pl.struct("prompt_id", "model", "sample").is_duplicated()
    refuse(answers, repeated, "answers: (prompt_id, model, sample) is repeated", "; number the samples")
    return answers.with_columns(sample.cast(pl.Int32))
