"""Prompts of many files, scored part by part: what is finished stays, and a killed run goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from routoo.data.errors import InputError
from routoo.data.storage.files import write_atomically
from routoo.data.storage.locks import locked
from routoo.data.tables.columns import TEXT
from routoo.data.tables.parquet_bytes import parquet_bytes
from routoo.data.tables.predictions import collected
from routoo.data.tables.prompts import Prompts, prompts_in
from routoo.data.tables.required_tags import TAGS, TAGS_COLUMN
from routoo.data.tables.table import open_table
from routoo.policies.contracts.fingerprints import of_bundle, of_json
from routoo.requests import Requests, columns_read

if TYPE_CHECKING:
    from routoo.data.progress import Progress
    from routoo.router import Router

PART = 16384
"""Prompts of a part: few enough that a kill loses seconds, and that their predictions fit in memory."""

_OF = "_of"
"""File that says what the predictions of a folder are of."""

_LOCK = ".lock"


@dataclass(frozen=True)
class Part:
    """Some prompts that stand together in a file, whose predictions are one file.

    Args:
        source: File of the prompts.
        at: Their first row there.
        count: How many.
        first: Place of the first among all prompts.
        target: File of their predictions.
    """

    source: Path
    at: int
    count: int
    first: int
    target: Path

    def written(self, router: Router) -> Part:
        """The part itself, once its predictions are on disk."""
        requests = Requests.of(self._prompts(columns_read(router)), router)
        write_atomically(self.target, parquet_bytes(requests.table(requests.predicted(router))))
        return self

    def _prompts(self, further: Sequence[str]) -> Prompts:
        """The prompts; where the file names none, their places among all are their names, from 1 on."""
        known = {**dict.fromkeys(further, TEXT), TAGS: TAGS_COLUMN}
        table = open_table(self.source, known=known)
        prompts = prompts_in(replace(table, rows=table.rows.slice(self.at, self.count)), further)
        if "prompt_id" in table.columns:
            return prompts
        places = pl.int_range(self.first + 1, self.first + 1 + len(prompts), eager=True)
        return replace(prompts, frame=prompts.frame.with_columns(prompt_id=places.cast(pl.String)))


Run = Callable[[Sequence[Part]], Iterable[Part]]
"""Has parts written, in any order, and says which are."""


def score_parts(
    router: Router,
    sources: Sequence[Path],
    folder: Path,
    *,
    replaces: bool = False,
    progress: Progress | None = None,
    run: Run | None = None,
) -> list[Path]:
    """Files of the predictions of all prompts in these files, in their order.

    A part that is there is not predicted again, where the same router once began with the same files: so a
    run that was killed goes on.

    Args:
        router: Predicts.
        sources: Parquet files of prompts, with a column `prompt`.
        folder: Where the predictions go; made where it is missing. One writer at a time has it.
        replaces: Whether what other prompts or another router left there is removed, and not refused.
        progress: Called after each part.
        run: Has parts written, in any order, and says which are; one after the other here, when None.

    Raises:
        InputError: A file is no file of prompts, or the folder holds something else.
        OSError: The folder cannot be written.
    """
    with locked(folder, _LOCK):
        _claim(folder, _whose(router, sources), replaces=replaces)
        parts = _parts(sources, folder)
        missing = [part for part in parts if not part.target.exists()]
        whole = sum(part.count for part in parts)
        done = whole - sum(part.count for part in missing)
        for part in (part.written(router) for part in missing) if run is None else run(missing):
            done += part.count
            if progress is not None:
                progress(done, whole)
    return [part.target for part in parts]


def _parts(sources: Sequence[Path], folder: Path) -> list[Part]:
    """All prompts in parts; none goes beyond its file."""
    parts, first = list[Part](), 0
    for number, source in enumerate(sources):
        rows = int(collected(open_table(source).rows.select(pl.len()), source).item())
        for at in range(0, rows, PART):
            target = folder / f"part-{number:06d}-{at:012d}.parquet"
            parts.append(Part(source, at, min(PART, rows - at), first + at, target))
        first += rows
    if not parts:
        raise InputError(f"{sources[0]}: expected at least one prompt, got none")
    return parts


def _whose(router: Router, sources: Sequence[Path]) -> str:
    """A hash of all that the predictions depend on: router, pool, and the files as they are now."""
    files = [
        (str(path.resolve()), known.st_size, known.st_mtime_ns) for path in sources for known in [path.stat()]
    ]
    return of_json([of_bundle(router.runtime), router.pool.to_records(), files, PART])


def _claim(folder: Path, whose: str, *, replaces: bool) -> None:
    """Makes the folder one of these predictions, where it is not yet."""
    known = folder / _OF
    if known.is_file() and known.read_text() == whose:
        return
    held = [path for path in folder.iterdir() if path.name != _LOCK]
    if held and not replaces:
        raise InputError(
            f"{folder} holds something else than the predictions of these files by this router: name another "
            "folder, or remove it"
        )
    for path in held:
        path.unlink()
    write_atomically(known, whose.encode())
