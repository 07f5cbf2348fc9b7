"""Folders of outcomes as routoo writes them: a table of prompts, one of outcomes, and often their pool."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from routoo.data.errors import InputError
from routoo.data.formats.format import Folder, Format, Frames
from routoo.data.storage.file_set import FileRecord, FileSet
from routoo.data.storage.files import followed
from routoo.data.tables.parquet_bytes import parquet_bytes
from routoo.data.tables.table import named, parquet_table

if TYPE_CHECKING:
    from routoo.data.pool import Pool

POOL_NAME = "pool.toml"
PROMPTS_NAME, OUTCOMES_NAME = "prompts.parquet", "outcomes.parquet"

FILES = FileSet(OUTCOMES_NAME, (PROMPTS_NAME, POOL_NAME))
"""The metadata of the outcomes name the other files by their hashes."""


def write_pair(folder: Path, prompts: pl.DataFrame, outcomes: pl.DataFrame, pool: Pool | None) -> None:
    """Writes both tables, and the pool where there is one, in one step.

    Raises:
        InputError: The folder is a file, or holds something that would be lost.
        OSError: The disk is full or cannot be written; what was there before stands.
    """
    folder = followed(folder)
    if pool is None and FILES.at(folder, POOL_NAME).exists():
        raise InputError(
            f"{folder} holds a {POOL_NAME}, which would be lost: move it, or choose a new or empty folder"
        )
    contents = {} if pool is None else {POOL_NAME: pool.to_toml().encode()}
    replace_outcomes(FILES, folder, prompts, outcomes, contents)


def replace_outcomes(
    files: FileSet,
    folder: Path,
    prompts: pl.DataFrame,
    outcomes: pl.DataFrame,
    contents: Mapping[str, bytes],
) -> None:
    """Writes both tables, and these other files of the set, in one step; the outcomes are its head.

    Raises:
        InputError: The folder is a file, or holds something that would be lost.
        OSError: The disk is full or cannot be written; what was there before stands.
    """
    contents = {PROMPTS_NAME: parquet_bytes(prompts), **contents}
    records = {name: FileRecord.of(content) for name, content in contents.items()}
    head = parquet_bytes(outcomes, {name: record.sha256 for name, record in records.items()})
    files.replace(folder, head, contents, records)


def _misfit(folder: Folder) -> str | None:
    def lacking(paths: Mapping[str, Path]) -> list[str]:
        return [name for name in (PROMPTS_NAME, OUTCOMES_NAME) if not paths[name].is_file()]

    if missing := FILES.read(folder.path, lacking):
        return f"lacks {', '.join(missing)}"
    if folder.columns or folder.separator is not None:
        return "has columns of known names; --columns and --separator are of other files"
    return None


def _read(folder: Folder, average: bool) -> Frames:
    def frames(paths: Mapping[str, Path]) -> Frames:
        prompts, outcomes = (named(parquet_table(paths[name]), {}) for name in (PROMPTS_NAME, OUTCOMES_NAME))
        return Frames(prompts.collect(prompts.columns), outcomes.collect(outcomes.columns))

    return FILES.read(folder.path, frames)


PAIR = Format("folder of two Parquets", _misfit, _read)
