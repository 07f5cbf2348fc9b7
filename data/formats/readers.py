"""Recorded outcomes read from any of the formats that people keep them in.

The first format that fits reads the data. Of a folder these are tried, in this order (`FOLDER_FORMATS`):

1. *folder of two Parquets*: ``prompts.parquet`` and ``outcomes.parquet``, as `Outcomes.write` makes it.
2. *folder of RouteLLM CSVs*: RouteLLM tables, one a domain, named after it.

Of a file these (`FILE_FORMATS`):

1. *tidy file*: Parquet, CSV or JSON lines, a row an outcome, with `prompt`, `model`, `score`.
2. *RouterBench table*: a row a prompt, with a score column ``<model>`` and ``<model>|total_cost`` a model.
3. *RouteLLM table*: a row a prompt, with `prompt` and one column of true and false a model.

A table with a column of numbers a model is read where the columns of models are named, and only then.
Further columns are kept, but for those of lists and objects: those with one value a prompt go to the
prompts, where they may be attributes. What a model answered is ``response``, or ``prediction`` where there
is no such column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from routoo.data.checks.came import came
from routoo.data.checks.outcome_checks import REPEATED, averaged
from routoo.data.errors import InputError
from routoo.data.formats.folders import ROUTELLM_FOLDER
from routoo.data.formats.format import Folder, Format, Frames, Source
from routoo.data.formats.pair import PAIR
from routoo.data.formats.tidy import TIDY
from routoo.data.formats.wide import ROUTELLM, ROUTERBENCH, table_of_scores
from routoo.data.tables.column_names import check_columns
from routoo.data.tables.columns import refuse
from routoo.data.tables.table import Table, open_table

FOLDER_FORMATS: tuple[Format[Folder], ...] = (PAIR, ROUTELLM_FOLDER)
"""What a folder may be, in the order in which it is tried."""

FILE_FORMATS: tuple[Format[Table], ...] = (TIDY, ROUTERBENCH, ROUTELLM)
"""What a file may be, in the order in which it is tried."""

_ANSWERS = {"response", "prediction"}
_TEXTS_ARE_IDS = (
    "; without a column prompt_id, texts are ids: add one that tells requests of the same text apart, or "
    "take the mean of repeated runs by --average"
)


@dataclass(frozen=True)
class Reading:
    """How outcomes are to be read.

    Args:
        columns: What a file calls its columns, by the names that they are to have.
        separator: What separates the fields of a CSV; looked for in its header when not given.
        score_columns: Columns that hold the scores of a model each, in a table with a row a prompt.
        average: Whether several outcomes of a model on a prompt are averaged.

    Raises:
        InputError: Columns are no names.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    separator: str | None = None
    score_columns: Sequence[str] = ()
    average: bool = False

    def __post_init__(self) -> None:
        check_columns(self.columns)
        models = self.score_columns
        if isinstance(models, str) or not all(isinstance(name, str) for name in models):
            raise InputError(f"score_columns must be a list of names, got {came(self.score_columns)}")


def read_frames(path: Path, how: Reading) -> Frames:
    """The prompts and outcomes in a folder or file of any known format, not yet checked as a whole.

    Args:
        path: A folder, or a file whose ending is known (`routoo.data.tables.table.KINDS`).
        how: What its columns are called, and what is done with repeated outcomes.

    Raises:
        InputError: Nothing is there, a row is broken, or no format fits; the message lists what was
            tried, and why each did not fit.
    """
    if path.is_dir():
        if how.score_columns:
            raise InputError(f"{path}: --score-columns names columns of a file, and this is a folder")
        frames = _read_first_fit(Folder(path, how.columns, how.separator), FOLDER_FORMATS, path, how)
        name = path.resolve().name
    elif path.exists():
        table = open_table(path, how.columns, how.separator)
        formats = (table_of_scores(how.score_columns),) if how.score_columns else FILE_FORMATS
        frames = _read_first_fit(table, formats, path, how)
        name = table.stem
    else:
        raise InputError(f"{path}: no such file or folder of outcomes")
    try:
        outcomes = _with_responses(_one_a_cell(frames, average=how.average))
        return replace(frames, outcomes=outcomes, name=name)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _one_a_cell(frames: Frames, *, average: bool) -> pl.DataFrame:
    """The outcomes, one a prompt and model."""
    if average:
        return averaged(frames.outcomes)
    if frames.ids_are_texts:
        refuse(frames.outcomes, REPEATED, "(prompt_id, model) is repeated", _TEXTS_ARE_IDS)
    return frames.outcomes


def _with_responses(outcomes: pl.DataFrame) -> pl.DataFrame:
    """The outcomes, where they call the answers of models by their other name by ours."""
    found = set(outcomes.columns)
    return outcomes.rename({"prediction": "response"}) if found & _ANSWERS == {"prediction"} else outcomes


def _read_first_fit(source: Source, formats: Sequence[Format[Source]], path: Path, how: Reading) -> Frames:
    misfits: list[str] = []
    for form in formats:
        why = form.misfit(source)
        if why is None:
            return form.read(source, how.average)
        misfits.append(f"- {form.name}: {why}")
    raise InputError("\n".join([f"{path}: no known format of outcomes fits; tried", *misfits]))
