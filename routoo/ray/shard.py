"""A worker that holds a share of the prompts of a batch: work comes to it, and sums leave it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from routoo.data.domains import domain_names
from routoo.data.scores import Scores, joined
from routoo.data.storage.foreign import in_our_words
from routoo.data.storage.parquet_files import DAMAGED
from routoo.data.tables.predicted_rows import Needs, PredictedRows
from routoo.data.tables.predictions import choices_of
from routoo.ray.shipping import Array, Named, Part, unpacked
from routoo.solver.problem import Problem
from routoo.solver.results.infeasible import ClosedPrompt, closed_prompts
from routoo.solver.streaming.prediction_files import CHUNK
from routoo.solver.sums.passes import InMemory
from routoo.solver.sums.rows import Rows, Tables
from routoo.solver.sums.sources import At, Branch, Work, block_size, branches, positions, region_size


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


@dataclass(frozen=True, eq=False)
class _Own(InMemory):
    """The prompts of a share under the positions of the batch, with its codes of their domains.

    Args:
        domain: Those codes, ``(n_prompts,)``, where a limit tells domains apart.
    """

    domain: npt.NDArray[np.intp] | None = None

    def rows(self, at: At) -> Rows:
        """These prompts of the share, by their places in it."""
        rows = super().rows(at)
        return rows if self.domain is None else replace(rows, domain=self.domain[at])


class Held:
    """The prompts of a share in the memory of a worker, and what is kept of them.

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
        self.kept: dict[Named, Array] = {}
        self.done = 0  # operations that made them what they are

    def catch_up(self, done: int, operations: Callable[[], Sequence[tuple[Any, ...]]]) -> None:
        """Makes of what is kept what so many operations do, in their order."""
        if self.done > done:  # the answer to the last one did not arrive
            self.kept, self.done = {}, 0
        if self.done < done:
            for what, *given in operations()[self.done : done]:
                getattr(self, what)(*given)
        self.done = done

    def drop(self, named: Named) -> None:
        """Keeps these numbers no longer."""
        self.kept.pop(named, None)

    def fill(self, named: Named, at: At, values: Array) -> None:
        """Sets numbers of prompts of the batch, as far as these are here."""
        at = positions(at)
        here = np.flatnonzero((at >= self.start) & (at < self.start + len(self.ids)))
        self._part(named)[at[here]] = values[here]

    def numbers(self, at: npt.NDArray[np.intp], named: Named) -> Array:
        """The numbers kept of these prompts, by their positions in the batch."""
        return self._part(named)[at]

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

    def map(self, work: bytes, seen: Seen) -> list[Any]:
        """What the work answers for each block of prompts."""
        return list(self._seen(seen).map(self._here(unpacked(work, self._part))))

    def branches(self, work: bytes, seen: Seen, marks: Named | None) -> tuple[list[Branch[Any]], bool]:
        """Sums of what the work answers, as few as its blocks make; whether it filled what is kept."""
        filled = list[bool]()

        def part(named: Named) -> Part:
            return Part(self.start, self._array(named), lambda: filled.append(True))

        own, run = self._seen(seen), self._here(unpacked(work, part))
        n_models = len(self.problem.scores.models)
        if marks is None:
            first = self.start // block_size(n_models)
            found = branches(Branch(0, at, answer) for at, answer in enumerate(own.map(run), first))
        else:
            first = self.start // region_size(n_models)
            found = branches(own.branches(run, self._array(marks), first=first))
        self.done += bool(filled)
        return found, bool(filled)

    def rows(self, at: npt.NDArray[np.intp], seen: Seen) -> Rows:
        """These prompts, by their positions in the batch."""
        return self._seen(seen).rows(at - self.start)

    def chosen(self, choice: bytes, first: int, last: int) -> Any:  # a table of Arrow
        """A row for each prompt between two positions: its name, its model, what is predicted of it."""
        own, here = unpacked(choice, self._part)[slice(first, last)], np.arange(first, last) - self.start
        table = choices_of(self.ids[here], self.problem.scores.rows(here), own)
        return table.to_arrow(compat_level=pl.CompatLevel.oldest())

    def _seen(self, seen: Seen) -> _Own:
        codes = None
        if seen.domains is not None:
            code = {name: at for at, name in enumerate(seen.domains)}
            codes = np.array([code[name] for name in self.domains], np.intp)[self.codes]
        return _Own(self.problem, 1, (), seen.aim, seen.spare, codes)

    def _here(self, work: Work[Any]) -> Work[Any]:
        """The work, given positions in the batch."""

        def run(at: At, rows: Rows) -> Any:
            return work(_moved(at, self.start), rows)

        return run

    def _array(self, named: Named) -> Array:
        return self.kept.setdefault(named, np.zeros(len(self.ids), named.kind))

    def _part(self, named: Named) -> Part:
        return Part(self.start, self._array(named))


def _moved(at: At, by: int) -> At:
    return slice(at.start + by, at.stop + by) if isinstance(at, slice) else at + by


class Worker:
    """A process of Ray that holds one share at a time, which comes with every call by reference.

    It reads the share when it is first asked about it, and goes through what was done to what is kept of it,
    so that one that was started again after a failure answers like the one that died.
    """

    def __init__(self) -> None:
        self._of: Any = None  # a reference
        self._held: Held | None = None

    def ask(self, of: Sequence[Any], done: int, question: str, *given: Any) -> Any:  # an answer of `Held`
        """What the prompts of a share answer to a method of `Held`.

        Args:
            of: References to the share, and to what was done to what is kept of its prompts.
            done: How much of that was done before this question.
            question: The method.
            *given: What it is given.
        """
        import ray

        share, operations = of
        if self._held is None or self._of != share:
            own = ray.get(share)
            self._of, self._held = share, None  # one at a time
            self._held = Held(own, own.frames(ray))
        self._held.catch_up(done, lambda: ray.get(operations))
        return getattr(self._held, question)(*given)
