"""A worker that holds a share of the prompts of a batch: work comes to it, and sums leave it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from routoo.data.domains import domain_names
from routoo.data.scores import Matrix, Scores, joined
from routoo.data.storage.foreign import in_our_words
from routoo.data.storage.parquet_files import DAMAGED
from routoo.data.tables.predicted_rows import Needs, PredictedRows
from routoo.data.tables.predictions import NUMBERS
from routoo.ray.shipping import Array, Part, unpacked
from routoo.solver.problem import Problem
from routoo.solver.results.infeasible import ClosedPrompt, closed_prompts
from routoo.solver.streaming.prediction_files import CHUNK
from routoo.solver.sums.passes import InMemory, block_size
from routoo.solver.sums.rows import Rows, Tables


@dataclass(frozen=True)
class Piece:
    """Rows of a block that belong to one worker.

    Args:
        block: Reference to the block, an Arrow table; or the path or address of a Parquet file.
        at: The first row.
        count: How many.
    """

    block: Any
    at: int
    count: int

    def read(self, ray: Any, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """The rows, with these columns or all."""
        if isinstance(self.block, str):
            rows = pl.scan_parquet(self.block).slice(self.at, self.count)
            with in_our_words(f"{self.block}: cannot be read as Parquet: {DAMAGED}"):
                return (rows if columns is None else rows.select(columns)).collect()
        block = ray.get(self.block)
        block = (block if columns is None else block.select(columns)).slice(self.at, self.count)
        return pl.DataFrame(pl.from_arrow(block))


def pieces_between(pieces: Sequence[Piece], first: int, last: int) -> list[Piece]:
    """The rows from one to another of those that these pieces hold one after the other."""
    found, begin = list[Piece](), 0
    for piece in pieces:
        low, high = max(first - begin, 0), min(last - begin, piece.count)
        if low < high:
            found.append(Piece(piece.block, piece.at + low, high - low))
        begin += piece.count
    return found


def rows_of(ray: Any, pieces: Sequence[Piece], columns: Sequence[str] | None = None) -> pl.DataFrame:
    """The rows of these pieces, with these columns or all."""
    return pl.concat([piece.read(ray, columns) for piece in pieces], how="vertical_relaxed")


@dataclass(frozen=True)
class Seen:
    """How a batch is looked at.

    Args:
        aim: What is to be least instead of what the problem says, as prices of quantities.
        spare: Whether a prompt may be left to no model.
        domains: Domains of the batch, by code, where a limit tells them apart.
    """

    aim: Tables | None = None
    spare: bool = False
    domains: tuple[str | None, ...] | None = None


@dataclass(frozen=True, eq=False)
class Share:
    """Prompts of a batch that stand together: all that a worker has to know of them.

    Args:
        reader: How rows are read.
        pieces: Where its rows are.
        start: Position of its first prompt in the batch.
        fields: Fields of `Problem`, those of single prompts for its own.
        columns: Of these fields the ones that are columns of the table, by field.
    """

    reader: PredictedRows
    pieces: Sequence[Piece]
    start: int
    fields: Mapping[str, Any]
    columns: Mapping[str, str]

    def frames(self, ray: Any) -> Iterator[pl.DataFrame]:
        """Its rows, some whole prompts at a time."""
        columns = list(dict.fromkeys([*self.reader.columns, *self.columns.values()]))
        rows, step = sum(piece.count for piece in self.pieces), CHUNK * len(self.reader.listed)
        for first in range(0, rows, step):
            yield rows_of(ray, pieces_between(self.pieces, first, first + step), columns)


class Held:
    """The prompts of a share in the memory of a worker.

    Args:
        share: Which.
        frames: Their rows, some whole prompts at a time.
    """

    def __init__(self, share: Share, frames: Iterable[pl.DataFrame]) -> None:
        reader, m = share.reader, len(share.reader.listed)
        ids, needs, scores = list[pl.Series](), Needs(reader), list[Scores]()
        columns: dict[str, list[Any]] = {name: [] for name in share.columns}
        for frame in frames:
            reader.check(frame, reader.source)
            ids.append(reader.ids(frame).cast(pl.String))
            needs.add(frame)
            scores.append(reader.scores(frame))
            for name, column in share.columns.items():
                columns[name] += frame[column].gather_every(m).to_list()
        self.start, self.ids = share.start, pl.concat(ids)
        fields = needs.beside({**share.fields, **columns})
        self.domains: tuple[str | None, ...] = ()
        if (named := fields.pop("domains", None)) is not None:
            named = domain_names(named, len(self.ids))
            self.domains = tuple(dict.fromkeys(named))
            code = {name: at for at, name in enumerate(self.domains)}
            self.codes = np.fromiter(map(code.__getitem__, named), np.intp, len(named))
        self.problem = Problem(scores=joined(scores), **fields)

    def domain_sizes(self) -> dict[str | None, int]:
        """How many prompts each domain has, in the order of their first ones."""
        sizes = np.bincount(self.codes, minlength=len(self.domains)).tolist()
        return dict(zip(self.domains, sizes, strict=True))

    def closed(self) -> list[ClosedPrompt]:
        """Prompts that no model is open to, as far as they may be named."""
        return closed_prompts(self.problem, first=self.start)

    def called(self, row: int) -> str:
        """What a message calls the prompt of this row of the batch."""
        return f"prompt {self.ids[row - self.start]!r}"

    def map(self, work: bytes, arrays: Sequence[Array], seen: Seen) -> tuple[list[Any], dict[int, Array]]:
        """What the work answers for each block of prompts, and those arrays that it changed."""
        parts = [Part(self.start, array.copy()) for array in arrays]
        run, size = unpacked(work, parts), block_size(len(self.problem.scores.models))
        answers = [
            run(self.start + at, self._rows(slice(at, at + size), seen))
            for at in range(0, len(self.problem), size)
        ]
        changed = {
            at: part.values
            for at, (part, array) in enumerate(zip(parts, arrays, strict=True))
            if not np.array_equal(part.values, array)
        }
        return answers, changed

    def rows(self, at: npt.NDArray[np.intp], seen: Seen) -> Rows:
        """These prompts, by their positions in the share."""
        return self._rows(at, seen)

    def _rows(self, at: slice | npt.NDArray[np.intp], seen: Seen) -> Rows:
        rows = InMemory(self.problem, aim=seen.aim, spare=seen.spare).rows(at)
        if seen.domains is None:
            return rows
        codes = np.array([seen.domains.index(name) for name in self.domains], np.intp)
        return replace(rows, domain=codes[self.codes[at]])

    def chosen(self, choice: npt.NDArray[np.int32]) -> tuple[pl.Series, dict[str, Matrix]]:
        """Names of the prompts, and what is predicted of these choices, by the name of the number."""
        scores, at = self.problem.scores, np.arange(len(choice))
        known = {name: of for name in NUMBERS if (of := getattr(scores, name)) is not None}
        return self.ids, {name: of[at, choice] for name, of in known.items()}


class Worker:
    """A process of Ray that holds one share at a time, which comes with every call by reference.

    It reads the share when it is first asked about it, so that one that was started again after a failure
    answers like the one that died.
    """

    def __init__(self) -> None:
        self._of: Any = None  # a reference
        self._held: Held | None = None

    def ask(self, share: Sequence[Any], question: str, *given: Any) -> Any:  # an answer of `Held`
        """What the prompts of the share answer to a method of `Held`; the reference is the one of a list."""
        import ray

        if self._held is None or self._of != share[0]:
            own = ray.get(share[0])
            self._of, self._held = share[0], None  # one at a time
            self._held = Held(own, own.frames(ray))
        return getattr(self._held, question)(*given)
