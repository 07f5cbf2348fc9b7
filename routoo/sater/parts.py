"""Tables that are made part by part, so that a kill loses one part at most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import polars as pl

from routoo.data.progress import Progress
from routoo.data.storage.files import write_atomically
from routoo.data.tables.parquet_bytes import parquet_bytes

T = TypeVar("T")


def made_in_parts(
    folder: Path,
    items: Sequence[T],
    make: Callable[[Sequence[T]], pl.DataFrame],
    *,
    size: int,
    on_done: Progress | None = None,
) -> pl.DataFrame:
    """The rows that `make` gives for all items, some at a time; parts that are there already are read.

    Args:
        folder: Where the parts are kept, as Parquet, each written in one step.
        items: What rows are made of; the same ones in the same order whenever this is called on a folder.
        make: The rows of some items.
        size: Items a part.
        on_done: Called with the items that are done and all that there are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for start in range(0, len(items), size):
        path = folder / f"part-{start // size:05d}.parquet"
        if not path.is_file():
            write_atomically(path, parquet_bytes(make(items[start : start + size])))
        found.append(pl.read_parquet(path))
        if on_done is not None:
            on_done(min(start + size, len(items)), len(items))
    return pl.concat(found)
