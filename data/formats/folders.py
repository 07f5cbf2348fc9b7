"""Folders of outcomes with a RouteLLM table a domain."""

from __future__ import annotations

import polars as pl

from routoo.data.formats.format import Folder, Format, Frames
from routoo.data.formats.wide import llm_misfit, read_llm
from routoo.data.tables.table import Table


def _csvs(folder: Folder) -> list[Table]:
    return [folder.open(path.name) for path in sorted(folder.path.glob("*.csv"))]


def _csvs_misfit(folder: Folder) -> str | None:
    misfits = {table.path.name: llm_misfit(table) for table in _csvs(folder)}
    if not misfits:
        return "holds no CSV"
    return next((f"{name} {why}" for name, why in misfits.items() if why is not None), None)


def _read_csvs(folder: Folder, average: bool) -> Frames:
    each = []
    for table in _csvs(folder):
        frames = read_llm(table, average)
        if "domain" not in frames.prompts.columns:
            domain = pl.lit(table.stem).alias("domain")
            frames = Frames(frames.prompts.with_columns(domain), frames.outcomes, frames.remark)
        each.append(frames)
    return Frames(
        pl.concat([frames.prompts for frames in each], how="diagonal_relaxed"),
        pl.concat([frames.outcomes for frames in each], how="diagonal_relaxed"),
        "\n".join(frames.remark for frames in each),
    )


ROUTELLM_FOLDER = Format("folder of RouteLLM CSVs", _csvs_misfit, _read_csvs)
