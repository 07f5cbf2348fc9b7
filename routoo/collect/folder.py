"""The folder that a collection writes: ordinary outcomes, all answers, and what was run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from routoo.collect.history import History
from routoo.data.answers import Answers, Samples
from routoo.data.errors import InputError
from routoo.data.formats.pair import (
    OUTCOMES_NAME,
    POOL_NAME,
    PROMPTS_NAME,
    replace_outcomes,
)
from routoo.data.grade import Grade
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.storage.file_set import FileSet
from routoo.data.tables.parquet_bytes import parquet_bytes

JOURNAL_NAME = "journal.jsonl"
ANSWERS_NAME, RECORD_NAME = "answers.parquet", "collected.json"
LOCK_NAME = ".collecting"
"""Held as long as a process collects into the folder."""

FILES = FileSet(OUTCOMES_NAME, (PROMPTS_NAME, ANSWERS_NAME, POOL_NAME, RECORD_NAME), (JOURNAL_NAME,))
"""Outcomes as `Outcomes.read` reads them, and what lies beside them."""

UNGRADED = Grade(None, "not graded yet")


@dataclass(frozen=True, eq=False)
class Tables:
    """What a history holds as tables.

    Args:
        answers: All answers, those that failed too; None where there is none.
        grades: One an answer, in its order.
        outcomes: Those that have a score; None where none has.
    """

    answers: Answers | None
    grades: tuple[Grade, ...]
    outcomes: Outcomes | None


def tables_of(
    history: History, by: Callable[[str], str], prompts: pl.DataFrame, *, samples: Samples, name: str
) -> Tables:
    """The tables that a history makes.

    Args:
        history: What is known.
        by: From a prompt to the hash of what grades its answers.
        prompts: All prompts; those that nobody was asked are left out.
        samples: How several answers to one prompt become an outcome.
        name: What to call the data.
    """
    graded = {
        _place(known.row): known.grades.get(by(known.row["prompt_id"]), UNGRADED)
        for known in history.answers.values()
    }
    rows = [known.row for known in history.answers.values()]
    graded |= {_place(row): Grade(None, row["error"]) for row in history.failures.values()}
    rows += history.failures.values()
    if not rows:
        return Tables(None, (), None)
    answers = Answers(pl.DataFrame(rows, infer_schema_length=None), name)
    places = answers.rows.select("prompt_id", "model", "sample").iter_rows()
    grades = tuple(graded[place] for place in places)
    asked = prompts.filter(pl.col("prompt_id").is_in(answers.rows["prompt_id"].unique().implode()))
    try:
        outcomes = answers.graded(grades, asked, samples=samples)
    except InputError:
        if any(grade.score is not None for grade in grades):
            raise
        outcomes = None
    return Tables(answers, grades, outcomes)


def _place(row: Mapping[str, Any]) -> tuple[str, str, int]:  # Any: values of a row
    return row["prompt_id"], row["model"], row.get("sample", 0)


def write_tables(folder: Path, tables: Tables, pool: Pool, record: Mapping[str, Any]) -> None:  # Any: JSON
    """Writes outcomes, answers, pool and record in one step; nothing where no answer has a score.

    Raises:
        InputError: The folder holds something that would be lost.
        OSError: The disk is full or cannot be written; what was there before stands.
    """
    if tables.outcomes is None or tables.answers is None:
        return
    contents = {
        ANSWERS_NAME: parquet_bytes(tables.answers.rows),
        POOL_NAME: pool.to_toml().encode(),
        RECORD_NAME: json.dumps(record, ensure_ascii=False, indent=2).encode() + b"\n",
    }
    replace_outcomes(FILES, folder, tables.outcomes.prompts, tables.outcomes.outcomes, contents)
