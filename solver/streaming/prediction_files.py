"""Files of predictions that are one batch, read from front to back a chunk of prompts at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from routoo.data.costs.nominal import NominalCosts
from routoo.data.errors import InputError
from routoo.data.pool import Pool
from routoo.data.tables.predicted_rows import MOST_MODELS, PredictedRows
from routoo.data.tables.predictions import NAMES, collected, open_predictions
from routoo.data.tables.table import Table
from routoo.solver.eligibility import check_pool

CHUNK = 131072
"""Prompts that are read or written at a time."""


@dataclass(frozen=True)
class Chunk:
    """Some prompts of a batch that stand together in one file.

    Args:
        file: Which of the files.
        at: Their first row among the prompts of the file.
        start: The same among those of the batch.
        stop: The first row of the batch behind them.
    """

    file: int
    at: int
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class PredictionFiles:
    """The predictions of a batch.

    Args:
        paths: The files, in the order of the batch.
        pool: Other prices, and the models that may be chosen.

    Raises:
        InputError: A file is missing, or of another form; the pool does not fit.
    """

    paths: Sequence[Path]
    pool: Pool | None = None

    @cached_property
    def _tables(self) -> list[Table]:
        return [open_predictions(path) for path in self.paths]

    @cached_property
    def reader(self) -> PredictedRows:
        """How the rows are read."""
        check_pool(self.pool)
        head = collected(self._tables[0].rows.head(MOST_MODELS), self.paths[0])
        reader = PredictedRows.of(head, str(self.paths[0]), self.pool)
        for table in self._tables[1:]:
            if lacking := [name for name in reader.columns if name not in table.columns]:
                raise InputError(
                    f"{table.path} has no {', '.join(lacking)}, and {self.paths[0]} has: "
                    "files of one batch have the same columns"
                )
        return reader

    @property
    def models(self) -> tuple[str, ...]:
        """The models that may be chosen."""
        return self.reader.models

    @cached_property
    def nominal_costs(self) -> NominalCosts:
        """Models whose costs are nominal, as far as the files say so."""
        return self.reader.scores(self.read(self.chunks[0], self.reader.columns, most=1)).nominal_costs

    @cached_property
    def chunks(self) -> list[Chunk]:
        """All prompts, in their order."""
        found, start, m = list[Chunk](), 0, len(self.reader.listed)
        for file, table in enumerate(self._tables):
            count = int(collected(table.rows.select(pl.len()), table.path).item())
            if count == 0 or count % m:
                raise InputError(
                    f"{table.path}: expected a row for each prompt and model, "
                    f"found {count} rows for {m} models a prompt"
                )
            for at in range(0, count // m, CHUNK):
                found.append(Chunk(file, at, start + at, start + min(at + CHUNK, count // m)))
            start += count // m
        return found

    def __len__(self) -> int:
        return self.chunks[-1].stop

    def read(self, chunk: Chunk, columns: Sequence[str], *, most: int | None = None) -> pl.DataFrame:
        """The rows of the prompts of a chunk, or of so many of them at most."""
        m, size = len(self.reader.listed), chunk.stop - chunk.start if most is None else most
        rows = self._tables[chunk.file].rows.select(columns).slice(chunk.at * m, size * m)
        return collected(rows, self.paths[chunk.file])

    def checked(self) -> Iterator[tuple[Chunk, pl.DataFrame]]:
        """Every chunk with its rows, whose form has been checked; at its end no id came twice."""
        hashes = np.empty(len(self), np.uint64)
        for chunk in self.chunks:
            frame = self.read(chunk, self.reader.columns)
            hashes[chunk.start : chunk.stop] = self.reader.check(frame, str(self.paths[chunk.file]))
            yield chunk, frame
        self._refuse_repeated(hashes)

    def called(self, row: int) -> str:
        """What a message calls the prompt of this row."""
        chunk = next(chunk for chunk in self.chunks if row < chunk.stop)
        one = Chunk(chunk.file, chunk.at + row - chunk.start, row, row + 1)
        return f"prompt {str(self.read(one, NAMES[:1])['prompt_id'][0])!r}"

    def _refuse_repeated(self, hashes: npt.NDArray[np.uint64]) -> None:
        """Refuses two prompts of one id, given the hashes of all ids, which are sorted here."""
        hashes.sort()
        twice = hashes[1:][hashes[1:] == hashes[:-1]]
        if not len(twice):
            return
        hashed = pl.col("prompt_id").hash().is_in(pl.Series(twice).implode())
        own = [
            self.reader.ids(self.read(chunk, NAMES[:1])).to_frame().filter(hashed)["prompt_id"]
            for chunk in self.chunks
        ]
        again = pl.concat(own)
        repeated = again.filter(again.is_duplicated())
        if len(repeated):  # and no mere coincidence of hashes
            raise InputError(
                f"{self._named}: {repeated.n_unique()} of {len(self)} ids name several prompts, such as "
                f"{repeated[0]!r}; give each prompt an id of its own"
            )

    @property
    def _named(self) -> str:
        more = len(self.paths) - 1
        return f"{self.paths[0]}{f' and {more} more' if more else ''}"
