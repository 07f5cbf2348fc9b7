"""From a plan to a folder of batch files."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from routoo.batch.folder import alone
from routoo.batch.manifest import NAME, Manifest
from routoo.batch.round import write_round
from routoo.collect.prompts import read_to_ask
from routoo.data.checks.arguments import number, path_of
from routoo.data.errors import InputError
from routoo.data.pool import Pool
from routoo.data.storage.files import followed, sha256_of, write_atomically
from routoo.data.storage.text_files import bare
from routoo.data.tables.table import open_table

_PLAN = ("prompt_id", "model")
_BEGUN = ".begun"  # lies in the folder from the first file to the manifest
_NUMBERS = ("cost_usd", "input_tokens", "output_tokens")


def write_batch(
    plan: str | Path | pl.DataFrame,
    prompts: str | Path,
    pool: Pool | str | Path,
    output: str | Path,
    *,
    period_s: float | None = None,
    columns: Mapping[str, str] | None = None,
    separator: str | None = None,
    now: Callable[[], float] = time.time,
) -> Manifest:
    """Writes what a plan gives to batch tiers as files that their providers take, with a manifest of them.

    Prompts of members that answer at once stand in the folder too, and are asked when files are submitted.

    Args:
        plan: A row a prompt with `prompt_id` and `model`, and where known `cost_usd`, `input_tokens` and
            `output_tokens` as predicted: what ``routoo assign -o`` writes, or `Assignment.to_polars`.
        prompts: The file of prompts that was assigned.
        pool: The members, with how each is called, or the file that says so.
        output: Folder to write: a new or an empty one.
        period_s: Seconds in which all is to be answered.
        columns: What the file of prompts calls its columns, by our names.
        separator: What separates its fields, where it is a CSV.
        now: Where the time comes from, in seconds since 1970.

    Raises:
        InputError: Something given cannot be used, no model of the plan is a batch tier, or what a day allows
            takes longer than the period.
    """
    folder, source = followed(path_of("output", output)), Path(path_of("prompts", prompts))
    pool = pool if isinstance(pool, Pool) else Pool.read(path_of("pool", pool))
    if period_s is not None:
        number("period_s", period_s, finite=True)
    rows = _rows(plan, pool)
    asked = read_to_ask(source, columns=columns, separator=separator)
    with alone(folder):
        _check_empty(folder)
        write_atomically(folder / _BEGUN, b"")
        copy = "prompts" + "".join(source.suffixes[-2:] if bare(source) != source else source.suffixes[-1:])
        write_atomically(folder / copy, source.read_bytes())
        manifest = Manifest(
            batch_id=secrets.token_hex(6),
            written_s=now(),
            prompts=copy,
            prompts_sha256=sha256_of(folder / copy),
            columns=dict(columns or {}),
            separator=separator,
            pool=pool,
            period_s=period_s,
            rounds=(),
        )
        manifest = write_round(folder, manifest, rows, {p.prompt_id: p.request for p in asked.prompts})
        manifest.write(folder)
        (folder / _BEGUN).unlink()
    return manifest


def _rows(plan: str | Path | pl.DataFrame, pool: Pool) -> pl.DataFrame:
    """The plan's columns that are read here, of members that the pool knows."""
    if isinstance(plan, pl.DataFrame):
        frame, source = plan, "plan"
    else:
        path = Path(path_of("plan", plan))
        if not path.is_file():
            raise InputError(f"{path}: no such plan; `routoo assign -o {path}` writes one")
        table = open_table(path)
        frame, source = (
            table.collect([name for name in table.columns if name in (*_PLAN, *_NUMBERS)]),
            str(path),
        )
    if missing := [name for name in _PLAN if name not in frame.columns]:
        raise InputError(f"{source}: a plan needs {', '.join(missing)}; `routoo assign -o FILE` writes one")
    known: dict[str, Any] = {name: frame[name] if name in frame.columns else None for name in _NUMBERS}
    rows = frame.select(
        pl.col(*_PLAN).cast(pl.String),
        *(
            pl.lit(values, pl.Float64).alias(name) if values is None else pl.col(name).cast(pl.Float64)
            for name, values in known.items()
        ),
    )
    if (
        rows.is_empty()
        or rows["prompt_id"].is_duplicated().any()
        or rows.select(_PLAN).null_count().sum_horizontal().item()
    ):
        raise InputError(f"{source}: expected a row for each prompt, with its prompt_id and a model")
    names = rows["model"].unique(maintain_order=True).to_list()
    if unknown := [name for name in names if name not in pool.names]:
        raise InputError(
            f"{source}: gives prompts to {', '.join(unknown)}, and the pool has {', '.join(pool.names)}: "
            "take the pool that it was assigned with"
        )
    if not any(pool[name].batch_window_s for name in names):
        raise InputError(
            f"{source}: gives no prompt to a batch tier, only to {', '.join(names)}, which answer at once: "
            "`routoo pool batch` adds tiers to a pool, and `routoo assign --pool` chooses among them"
        )
    return rows


def _check_empty(folder: Path) -> None:
    """Refuses a folder that holds anything but what a writer left that did not end."""
    if (folder / NAME).exists():
        raise InputError(f"{folder} holds batch files already: submit them, or choose a new folder")
    others = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    if others and not (folder / _BEGUN).exists():
        raise InputError(f"{folder} holds other files ({others[0]}): choose a new or empty folder")
