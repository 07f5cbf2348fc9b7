"""Wide tables: a row a prompt, and a column a model that holds its scores."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

import polars as pl
import polars.selectors as cs

from routoo.data.errors import InputError
from routoo.data.formats.format import Format, Frames
from routoo.data.formats.tidy import tidy_frames
from routoo.data.tables.column_names import lacking, listed
from routoo.data.tables.columns import COLUMNS, COST, SCORE
from routoo.data.tables.table import Table

_COST, _RESPONSE = "|total_cost", "|model_response"
_PARTS = {"score": "", "cost_usd": _COST, "response": _RESPONSE}
"""What outcomes have of a model, by how the names of its columns end."""

_BENCH_NAMES = {"sample_id": "prompt_id", "eval_name": "domain"}


def table_of_scores(models: Sequence[str]) -> Format[Table]:
    """A table whose columns of these names hold the scores of a model each."""
    models = list(dict.fromkeys(models))

    def misfit(table: Table) -> str | None:
        return lacking(table.columns, ["prompt", *models])

    def read(table: Table, average: bool) -> Frames:
        return _unpivoted(table, models, average=average)

    return Format("table of scores, a column a model", misfit, read)


def _bench_models(table: Table) -> list[str]:
    return [column for column in table.columns if f"{column}{_COST}" in table.columns]


def _bench_misfit(table: Table) -> str | None:
    if not _bench_models(table):
        return f"has no column <model> with a <model>{_COST} beside it"
    return lacking(table.columns, ["prompt"])


def _read_bench(table: Table, average: bool) -> Frames:
    return _unpivoted(table, _bench_models(table), average=average)


def _llm_models(table: Table) -> list[str]:
    return [column for column, dtype in table.schema.items() if dtype == pl.Boolean and column not in COLUMNS]


def llm_misfit(table: Table) -> str | None:
    """Why a table has no prompts with a column of true and false a model, in words."""
    if _llm_models(table) or "prompt" not in table.columns:
        return lacking(table.columns, ["prompt"])
    numbers = [name for name, dtype in table.schema.items() if dtype.is_numeric() and name not in COLUMNS]
    if not numbers:
        return "has no column of true and false"
    named = shlex.quote(",".join(numbers))
    return (
        f"has no column of true and false; if {listed(numbers)} hold the scores of a model each, say so by "
        f"--score-columns {named}, or unpivot it to a row an outcome, with prompt, model and score"
    )


def read_llm(table: Table, average: bool) -> Frames:
    """The prompts and outcomes of a table with a column of true and false a model."""
    return _unpivoted(table, _llm_models(table), average=average)


def _unpivoted(table: Table, models: Sequence[str], *, average: bool) -> Frames:
    """A row an outcome of a table with a row a prompt; an empty score is an outcome never recorded.

    Rows of one id, or of one text where there are no ids, are one prompt where outcomes are averaged.
    """
    names = {
        old: new for old, new in _BENCH_NAMES.items() if old in table.columns and new not in table.columns
    }
    beside = [name for name in table.columns if name.endswith((_COST, _RESPONSE))]
    about = [name for name in table.flat if name not in {*models, *beside}]
    kept = [f"{model}{part}" for model in models for part in (_COST, _RESPONSE) if f"{model}{part}" in beside]
    kinds = dict.fromkeys(models, SCORE) | {name: COST for name in kept if name.endswith(_COST)}
    known = {old: COLUMNS[new] for old, new in names.items()}
    frame = table.collect([*about, *models, *kept], kinds | known).rename(names)
    about = [names.get(name, name) for name in about]
    others = ", ".join(name for name in table.columns if name not in {*models, *beside})
    remark = f"{table.path}: a column a model; models: {', '.join(models)}; not models: {others}"
    if average:
        if "prompt" not in about:
            raise InputError(f"{table.path}: {lacking(about, ['prompt'])}, beside the columns of models")
        own = [name for name in about if name not in {"model", *_PARTS}]
        runs = pl.concat([_outcomes(frame, model, own) for model in models], how="diagonal_relaxed")
        return replace(tidy_frames(runs.filter(pl.col("score").is_not_null()), table), remark=remark)
    if "prompt_id" not in frame.columns:
        ids = [f"{table.stem}/{row:06d}" for row in range(len(frame))]
        frame = frame.with_columns(pl.Series("prompt_id", ids, dtype=pl.String))
        about = [*about, "prompt_id"]
    tidy = pl.concat([_outcomes(frame, model, ["prompt_id"]) for model in models], how="diagonal_relaxed")
    return Frames(frame.select(cs.by_name(*about)), tidy.filter(pl.col("score").is_not_null()), remark)


def _outcomes(frame: pl.DataFrame, model: str, about: Sequence[str]) -> pl.DataFrame:
    """The outcomes of one model, with these columns about their prompts."""
    parts = {name: f"{model}{end}" for name, end in _PARTS.items()}
    columns = [frame[old].alias(new) for new, old in parts.items() if old in frame.columns]
    named = pl.DataFrame([*(frame[name] for name in about), *columns])
    return named.with_columns(pl.lit(model).alias("model"))


ROUTERBENCH = Format("RouterBench table", _bench_misfit, _read_bench)
ROUTELLM = Format("RouteLLM table", llm_misfit, read_llm)
