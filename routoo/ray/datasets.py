"""Whatever holds rows as blocks, in the order of the rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from routoo.data.checks.came import came as came_in_words
from routoo.data.errors import InputError
from routoo.data.storage.addresses import found, is_address
from routoo.data.storage.foreign import in_our_words
from routoo.data.storage.parquet_files import DAMAGED
from routoo.data.tables.parquet_sources import parquet_files
from routoo.ray.cluster import Ray, worker_errors
from routoo.ray.shard import Piece


def blocks_of(ray: Ray, source: Any) -> list[Piece]:  # any holder of rows
    """These rows in their order: whole files, or blocks in the store of the cluster.

    Args:
        ray: Ray.
        source: A dataset of Ray; a table of Arrow, polars or pandas; Parquet files by path, address (as
            fsspec knows it), folder or pattern, or a list of files; a list of texts, which are prompts named
            by their row.

    Raises:
        InputError: It is none of these, or a list that holds nothing.
    """
    match type(source).__module__.partition(".")[0]:
        case "ray":
            return _blocks_of_dataset(ray, source)
        case "pyarrow":
            return [Piece(ray.put(source), 0, source.num_rows)]
        case "polars":
            return [Piece(ray.put(source.to_arrow()), 0, len(source))]
        case "pandas":
            return blocks_of(ray, pl.from_pandas(source))
    if (files := files_in(source)) is not None:
        return [Piece(file, 0, _rows_in(file)) for file in files]
    if isinstance(source, list | tuple) and source and all(isinstance(one, str) for one in source):
        names = pl.int_range(len(source), eager=True).cast(pl.String)
        return blocks_of(ray, pl.DataFrame({"prompt_id": names, "prompt": source}))
    raise InputError(
        "expected a dataset of Ray, a table of Arrow, polars or pandas, Parquet files, or a list of texts, "
        f"got {came_in_words(source)}"
    )


def _blocks_of_dataset(ray: Ray, dataset: Any) -> list[Piece]:  # a dataset of Ray, which does not type it
    dataset.context.execution_options.preserve_order = True
    with worker_errors(ray):
        held = dataset.materialize()
        counts = [part.num_rows for bundle in held.iter_internal_ref_bundles() for part in bundle.metadata]
        return [Piece(block, 0, n) for block, n in zip(held.to_arrow_refs(), counts, strict=True)]


def files_in(source: Any) -> list[str] | None:  # what `blocks_of` takes
    """Parquet files that a path, an address, a folder or pattern of them, or a list of paths stands for.

    None where the source is something else, such as a list of texts.

    Raises:
        InputError: A folder or a pattern has no Parquet file.
    """
    given = [source] if isinstance(source, str | Path) else source
    if not isinstance(given, list | tuple) or not given:
        return None
    if given is source and not all(isinstance(one, Path) or _ends_as_file(one) for one in given):
        return None
    return [file for one in given for file in _expanded(str(one))]


def _ends_as_file(one: object) -> bool:
    return isinstance(one, str) and one.endswith(".parquet") and "\n" not in one


def _expanded(source: str) -> list[str]:
    """The files of one path or address."""
    return found(source) if is_address(source) else [str(path.resolve()) for path in parquet_files([source])]


def _rows_in(file: str) -> int:
    with in_our_words(f"{file}: cannot be read as Parquet: {DAMAGED}"):
        return int(pl.scan_parquet(file).select(pl.len()).collect().item())
