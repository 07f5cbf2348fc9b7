"""Recorded outcomes read from any of the formats that people keep them in.

The first format that fits reads the data. Of a folder these are tried, in this order (`FOLDER_FORMATS`):

1. *folder of two Parquets*: ``prompts.parquet`` and ``outcomes.parquet``, as `Outcomes.write` makes it.
2. *folder of RouteLLM CSVs*: RouteLLM tables, one a domain, named after it.

Of a file these (`FILE_FORMATS`):

1. *tidy file*: Parquet, CSV or JSON lines, a row an outcome, with `prompt`, `model`, `score`.
2. *RouterBench table*: a row a prompt, with a score column ``<model>`` and ``<model>|total_cost`` a model.
3. *RouteLLM table*: a row a prompt, with `prompt` and one column of true and false a model.

Further columns are kept: those with one value a prompt go to the prompts, where they may be labels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import polars as pl

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.tables import Table, as_numbers, open_table

Source = TypeVar("Source", Path, Table)

_ABOUT_OUTCOMES = ("model", "score", "input_tokens", "output_tokens", "cost_usd", "latency_s", "confidence")
_NUMBERS = _ABOUT_OUTCOMES[1:]
_ABOUT_PROMPTS = ("prompt_id", "prompt", "domain", "split", "answer")
_TIDY = ("prompt", "model", "score")
_COST, _RESPONSE = "|total_cost", "|model_response"


@dataclass(frozen=True)
class Frames:
    """What a reader gives: prompts, and outcomes on them."""

    prompts: pl.DataFrame
    outcomes: pl.DataFrame


@dataclass(frozen=True)
class Format(Generic[Source]):
    """A way in which outcomes are kept, in a folder (a `Path`) or in a file (a `Table`).

    Args:
        name: What to call it.
        misfit: Why a source is not of this format, in words; none where it is. Looks at schemas only.
        read: The prompts and outcomes of a source that fits.
    """

    name: str
    misfit: Callable[[Source], str | None]
    read: Callable[[Source], Frames]


def read_outcomes(path: Path, *, name: str | None = None) -> Outcomes:
    """The outcomes in a folder or file of any known format.

    Args:
        path: A folder, or a file that ends in ``.parquet``, ``.csv``, ``.jsonl`` or ``.ndjson``.
        name: What to call the data; the name of the folder or file when not given.

    Raises:
        InputError: Nothing is there, a row is broken, or no format fits; the message lists what was
            tried, and why each did not fit.
    """
    if path.is_dir():
        return _record(_read_first_fit(path, FOLDER_FORMATS, path), path, name or path.resolve().name)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder of outcomes")
    return _record(_read_first_fit(open_table(path), FILE_FORMATS, path), path, name or path.stem)


def _read_first_fit(source: Source, formats: Sequence[Format[Source]], path: Path) -> Frames:
    misfits: list[str] = []
    for form in formats:
        why = form.misfit(source)
        if why is None:
            return form.read(source)
        misfits.append(f"- {form.name}: {why}")
    raise InputError("\n".join([f"{path}: no known format of outcomes fits; tried", *misfits]))


def _record(frames: Frames, path: Path, name: str) -> Outcomes:
    """The record, with the path put before whatever it refuses."""
    try:
        return Outcomes(frames.prompts, frames.outcomes, name)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _lacks(table: Table, needed: Sequence[str]) -> str | None:
    missing = [column for column in needed if column not in table.columns]
    if not missing:
        return None
    found = ", ".join(table.columns[:8]) + (", ..." if len(table.columns) > 8 else "")
    return f"lacks {', '.join(missing)}; it has {found}"


def _pair_misfit(folder: Path) -> str | None:
    missing = [name for name in ("prompts.parquet", "outcomes.parquet") if not (folder / name).is_file()]
    return f"lacks {', '.join(missing)}" if missing else None


def _read_pair(folder: Path) -> Frames:
    prompts, outcomes = (open_table(folder / f"{name}.parquet") for name in ("prompts", "outcomes"))
    return Frames(prompts.collect(prompts.columns), outcomes.collect(outcomes.columns))


def _tidy_misfit(table: Table) -> str | None:
    return _lacks(table, _TIDY)


def _read_tidy(table: Table) -> Frames:
    frame = table.collect(table.columns)
    frame = as_numbers(frame, [column for column in _NUMBERS if column in frame.columns], source=table.path)
    if "prompt_id" not in frame.columns:
        frame = _with_ids_of_texts(frame, table.path)
        _refuse_repeated_texts(frame, table.path)
    return _split_tidy(frame, table.path)


def _with_ids_of_texts(frame: pl.DataFrame, path: Path) -> pl.DataFrame:
    """The frame with a `prompt_id` made of the SHA-256 of the prompt: the same text, the same prompt."""
    missing = frame["prompt"].is_null().arg_true()
    if len(missing):
        raise InputError(
            f"{path}: prompt is null in {len(missing)} of {len(frame)} rows, such as row {missing[0]}"
        )
    frame = frame.with_columns(pl.col("prompt").cast(pl.String))
    texts = frame["prompt"].unique(maintain_order=True)
    ids = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts]
    return frame.join(pl.DataFrame({"prompt": texts, "prompt_id": ids}), on="prompt", maintain_order="left")


def _refuse_repeated_texts(frame: pl.DataFrame, path: Path) -> None:
    """Refuses two outcomes of a model on one text: they may be of requests that only an id tells apart."""
    repeated = frame.select(pl.struct("prompt_id", "model").is_duplicated()).to_series().arg_true()
    if len(repeated):
        raise InputError(
            f"{path}: (prompt_id, model) is repeated in {len(repeated)} of {len(frame)} rows, such as row "
            f"{repeated[0]}; without a column prompt_id, texts were taken as ids: add one that tells "
            "requests of the same text apart, or average repeated runs first"
        )


def _split_tidy(frame: pl.DataFrame, path: Path) -> Frames:
    """Prompts and outcomes of a tidy frame: what is one value a prompt goes to the prompts."""
    candidates = [
        column
        for column, dtype in frame.schema.items()
        if column not in ("prompt_id", *_ABOUT_OUTCOMES, "response") and not dtype.is_nested()
    ]
    values = frame.group_by("prompt_id", maintain_order=True).agg(pl.col(candidates).drop_nulls().n_unique())
    varies = [column for column in candidates if values[column].max() not in (None, 0, 1)]
    for column in varies:
        if column in _ABOUT_PROMPTS:
            raise InputError(_conflict(values, column, path))
    about = [column for column in candidates if column not in varies]
    first = frame.group_by("prompt_id", maintain_order=True).agg(pl.col(about).drop_nulls().first())
    return Frames(first, frame.drop(about))


def _conflict(values: pl.DataFrame, column: str, path: Path) -> str:
    bad = values.filter(pl.col(column) > 1)
    hint = "; a model's own answer is called response" if column == "answer" else ""
    return (
        f"{path}: {column} must be the same in all rows of a prompt, but {len(bad)} of {len(values)} "
        f"prompt_ids have several, such as prompt_id={bad['prompt_id'][0]!r}{hint}"
    )


def _routerbench_models(table: Table) -> list[str]:
    return [column for column in table.columns if f"{column}{_COST}" in table.columns]


def _routerbench_misfit(table: Table) -> str | None:
    if not _routerbench_models(table):
        return f"has no column <model> with a <model>{_COST} beside it"
    return _lacks(table, ["prompt"])


def _read_routerbench(table: Table) -> Frames:
    models = _routerbench_models(table)
    renamed = {"sample_id": "prompt_id", "eval_name": "domain"}
    renamed = {old: new for old, new in renamed.items() if old in table.columns and new not in table.columns}
    parts = [f"{model}{part}" for model in models for part in ("", _COST, _RESPONSE)]
    about = [
        column
        for column, dtype in table.schema.items()
        if column not in parts and not column.endswith((_COST, _RESPONSE)) and not dtype.is_nested()
    ]
    frame = table.collect([*about, *(part for part in parts if part in table.columns)]).rename(renamed)
    numbers = [f"{model}{part}" for model in models for part in ("", _COST)]
    about = [renamed.get(column, column) for column in about]
    return _unpivoted(as_numbers(frame, numbers, source=table.path), models, about, table.path)


def _routellm_models(table: Table) -> list[str]:
    return [column for column, dtype in table.schema.items() if dtype == pl.Boolean]


def _routellm_misfit(table: Table) -> str | None:
    return _lacks(table, ["prompt"]) or (
        None if _routellm_models(table) else "has no column of true and false"
    )


def _read_routellm(table: Table) -> Frames:
    models = _routellm_models(table)
    about = [
        column for column, dtype in table.schema.items() if column not in models and not dtype.is_nested()
    ]
    frame = as_numbers(table.collect([*about, *models]), models, source=table.path)
    return _unpivoted(frame, models, about, table.path)


def _csvs(folder: Path) -> list[Table]:
    return [open_table(path) for path in sorted(folder.glob("*.csv"))]


def _csvs_misfit(folder: Path) -> str | None:
    misfits = {table.path.name: _routellm_misfit(table) for table in _csvs(folder)}
    if not misfits:
        return "holds no CSV"
    return next((f"{name} {why}" for name, why in misfits.items() if why is not None), None)


def _read_csvs(folder: Path) -> Frames:
    each = []
    for table in _csvs(folder):
        frames = _read_routellm(table)
        if "domain" not in frames.prompts.columns:
            domain = pl.lit(table.path.stem).alias("domain")
            frames = Frames(frames.prompts.with_columns(domain), frames.outcomes)
        each.append(frames)
    return Frames(
        pl.concat([frames.prompts for frames in each], how="diagonal_relaxed"),
        pl.concat([frames.outcomes for frames in each], how="diagonal_relaxed"),
    )


def _unpivoted(frame: pl.DataFrame, models: list[str], about: list[str], path: Path) -> Frames:
    """Prompts and outcomes of a frame with a row a prompt; an empty score is an outcome never recorded.

    `about` names the columns of the prompts.
    """
    if "prompt_id" not in frame.columns:
        ids = [f"{path.stem}/{row:06d}" for row in range(len(frame))]
        frame = frame.with_columns(pl.Series("prompt_id", ids, dtype=pl.String))
        about = [*about, "prompt_id"]
    outcomes = []
    for model in models:
        beside = {"cost_usd": f"{model}{_COST}", "response": f"{model}{_RESPONSE}"}
        columns = [pl.col(old).alias(new) for new, old in beside.items() if old in frame.columns]
        score = pl.col(model).cast(pl.Float64).alias("score")
        outcomes.append(frame.select("prompt_id", pl.lit(model).alias("model"), score, *columns))
    tidy = pl.concat(outcomes, how="diagonal_relaxed").filter(pl.col("score").is_not_null())
    return Frames(frame.select(about), tidy)


FOLDER_FORMATS: tuple[Format[Path], ...] = (
    Format("folder of two Parquets", _pair_misfit, _read_pair),
    Format("folder of RouteLLM CSVs", _csvs_misfit, _read_csvs),
)
"""What a folder may be, in the order in which it is tried."""

FILE_FORMATS: tuple[Format[Table], ...] = (
    Format("tidy file", _tidy_misfit, _read_tidy),
    Format("RouterBench table", _routerbench_misfit, _read_routerbench),
    Format("RouteLLM table", _routellm_misfit, _read_routellm),
)
"""What a file may be, in the order in which it is tried."""
