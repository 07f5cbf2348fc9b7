"""A model for every prompt of a dataset, by workers that hold the scores: the answer that memory gives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from routoo.data.domains import domain_names
from routoo.data.errors import InputError
from routoo.data.pool import Pool
from routoo.data.tables.predicted_rows import MOST_MODELS, PredictedRows
from routoo.data.tables.predictions import NEEDED
from routoo.ray.answer import RayAssignment
from routoo.ray.cluster import Ray, came, connected, started, worker_count
from routoo.ray.crew import Crew
from routoo.ray.datasets import blocks_of
from routoo.ray.prompts import RayPrompts
from routoo.ray.shard import Piece, Seen, Share, Worker, pieces_between, rows_of
from routoo.ray.shipping import packed
from routoo.solver.backends.dual import NAME, UNSOLVED, solve_batch
from routoo.solver.problem import Problem
from routoo.solver.results.answer import said_of, said_of_none
from routoo.solver.results.infeasible import closed_words
from routoo.solver.search.assign import TOLERANCE
from routoo.solver.streaming.prediction_files import CHUNK
from routoo.solver.sums.sources import Kept, region_size

if TYPE_CHECKING:
    from pathlib import Path

_PER_PROMPT = ("domains", "weights", "max_cost_usd", "max_latency_s", "allowed", "tags")
"""Fields of `Problem` that may say another thing for each prompt."""


def assign(
    dataset: Any,  # whatever `blocks_of` takes
    *,
    bundle: str | Path | None = None,
    pool: Pool | None = None,
    stated: Pool | None = None,
    workers: int | Sequence[Any] | None = None,
    address: str | None = None,
    tolerance: float = TOLERANCE,
    time_limit_s: float = math.inf,
    **limits: Any,  # the fields of Problem, checked there
) -> RayAssignment:
    """A model for every prompt of a dataset, under limits for all of them: as `routoo.solve` does in memory.

    Choices, bound and prices are those that `solve` finds for the same predictions in the same order, to the
    last bit, however the rows lie in blocks and however many workers there are. Each worker holds the
    scores of its prompts and what was chosen for them; what travels are sums, prices, and the few prompts
    that are settled in the end. The choices become blocks of a dataset where they are.

    A worker that dies is started again by Ray, reads its prompts again and repeats what it was asked.

    Args:
        dataset: Predictions, a row a prompt and model, the rows of a prompt together and its models in one
            order, as `predict` makes them: a dataset of Ray, a table of Arrow, polars or pandas, or paths of
            Parquet files. With a bundle: prompts, as `predict` takes them.
        bundle: Predicts, where prompts are given.
        pool: Prices, windows, tags and rates to choose by, as in `assign_parquet`; that of the bundle where
            prompts are given.
        stated: As in `assign_parquet`.
        workers: How many hold the prompts, one a core of the cluster when None; or those that
            `start_workers` started, which may be used again.
        address: Of the cluster, where Ray is not connected to one.
        tolerance: Relative gap at which the answer counts as optimal.
        time_limit_s: Seconds that a try of branch and bound may take, as in `solve_dual`.
        **limits: Fields of `Problem`. Those that say another thing for each prompt (`domains`, `weights`,
            `max_cost_usd`, `max_latency_s`) may also be the name of a column of the dataset.

    Raises:
        MissingExtraError: Extra `ray` is not installed.
        InputError: The rows are of another form, or a limit cannot be used.
    """
    ray = connected(address)
    if bundle is None:
        blocks = blocks_of(ray, dataset)
    else:
        from routoo.export.bundle import Bundle
        from routoo.ray.predicting import predicted_blocks

        count = workers if workers is None or isinstance(workers, int) else len(workers)
        blocks = predicted_blocks(ray, dataset, bundle, pool, count)
        pool, stated = None, pool or Bundle.open(bundle).description.pool
    batch = _Batch(ray, blocks, pool, {**limits, "pool": stated or pool})
    held = batch.held(start_workers(workers) if workers is None or isinstance(workers, int) else workers)
    closed = [prompt for own in held.crew.ask_all("closed") for prompt in own]
    models = batch.reader.models
    if closed:
        reason = closed_words(closed, lambda row: _called(held.crew, row), for_all=batch.for_all)
        return RayAssignment(ray=ray, n_prompts=len(held), **said_of_none(models, reason, solver=NAME))
    found = solve_batch(held, tolerance=tolerance, time_limit_s=time_limit_s)
    said = said_of(held, models, found, solver=NAME, unsolved=UNSOLVED, tolerance=tolerance)
    if found.status != "solved":
        return RayAssignment(ray=ray, n_prompts=len(held), **said)
    counts, blocks = _counted(held, found.choice), _chosen(held.crew, found.choice)
    return RayAssignment(ray=ray, n_prompts=len(held), counts=counts, blocks=blocks, **said)


def start_workers(count: int | None = None, *, address: str | None = None) -> list[Any]:
    """Workers for one `assign` after the other: to start them takes longer than to assign a million prompts.

    Args:
        count: How many; one a core of the cluster, when None.
        address: Of the cluster, where Ray is not connected to one.

    Raises:
        MissingExtraError: Extra `ray` is not installed.
    """
    ray = connected(address)
    return started(ray, Worker, worker_count(ray, count), cores=0)


def _called(crew: Crew, row: int) -> str:
    at = int(np.searchsorted(crew.starts, row, side="right")) - 1
    return str(came(crew.ray, crew.ask(at, "called", row)))


def _counted(held: RayPrompts, choice: Kept) -> list[int]:
    """How many prompts each model gets."""
    n_models = held.n_models
    counts: list[int] = held.summed(lambda at, rows: np.bincount(choice[at], minlength=n_models)).tolist()
    return counts


def _chosen(crew: Crew, choice: Kept) -> list[Any]:  # references to tables
    """The choices, with names of prompts and what is predicted of them, in the store of the cluster."""
    shipped = packed(crew.ray, choice)
    blocks = [
        crew.ask(worker, "chosen", shipped, first, min(first + CHUNK, end))
        for worker, (start, end) in enumerate(pairwise(crew.starts.tolist()))
        for first in range(start, end, CHUNK)
    ]
    crew.ray.wait(blocks, num_returns=len(blocks), fetch_local=False)
    return blocks


class _Batch:
    """Blocks of predictions and limits, on their way to be held by workers."""

    def __init__(
        self,
        ray: Ray,
        blocks: Sequence[Piece],
        pool: Pool | None,
        limits: Mapping[str, Any],
    ) -> None:
        self.ray, self.blocks = ray, blocks
        if not sum(block.count for block in blocks):
            raise InputError("the dataset: expected a row for each prompt and model, found none")
        head = rows_of(ray, pieces_between(blocks, 0, MOST_MODELS))
        if not set(NEEDED) <= set(head.columns):
            raise InputError(f"the dataset: expected columns {', '.join(NEEDED)}")
        self.reader = PredictedRows.of(head, "the dataset", pool)
        self.first = self.reader.scores(head.head(len(self.reader.listed)))
        self.n = self._n_prompts()
        self.columns = {name: value for name in _PER_PROMPT if isinstance(value := limits.get(name), str)}
        if lacking := [column for column in self.columns.values() if column not in head.columns]:
            raise InputError(f"the dataset has no column {', '.join(lacking)}")
        given = {name: value for name, value in limits.items() if name not in self.columns}
        self.own = {name: given[name] for name in _PER_PROMPT if _varies(name, given.get(name))}
        for name, values in self.own.items():
            if len(values) != self.n:
                raise InputError(f"{name} must have a value for each prompt: got {len(values)} for {self.n}")
        if "domains" in self.own:
            self.own["domains"] = domain_names(self.own["domains"], self.n)
        self.shared = {name: of for name, of in given.items() if name not in self.own}

    def _n_prompts(self) -> int:
        rows, m = sum(block.count for block in self.blocks), len(self.reader.listed)
        if rows % m:
            raise InputError(
                f"the dataset: expected a row for each prompt and model, found {rows} rows for {m} models "
                "a prompt"
            )
        return rows // m

    @property
    def for_all(self) -> list[str]:
        """Limits on single prompts that are the same for all of several."""
        alike = [name for name, own in self.own.items() if (np.asarray(own == own[0])).all()]
        return [] if self.n == 1 else [*self.shared, *alike]

    def held(self, workers: Sequence[Any]) -> RayPrompts:
        """The batch with its prompts shared out among workers."""
        size, m = region_size(len(self.reader.models)), len(self.reader.listed)
        whole = math.ceil(self.n / size)
        count = min(len(workers), whole)
        starts = np.minimum(np.arange(count + 1) * whole // count * size, self.n)
        ends = (starts * m).tolist()
        pieces = [pieces_between(self.blocks, first, last) for first, last in pairwise(ends)]
        fields = {name: of for name, of in self.shared.items() if name != "domain_limits"}
        shares = [
            Share(
                self.reader,
                own,
                int(first),
                {**fields, **{name: of[first:last] for name, of in self.own.items()}},
                self.columns,
            )
            for own, first, last in zip(pieces, starts[:-1], starts[1:], strict=True)
        ]
        stored = [self.ray.put(share) for share in shares]
        held = RayPrompts(Crew(self.ray, workers[: len(shares)], stored, starts), (), len(self.reader.models))
        if not self.shared.get("domain_limits"):
            return replace(held, limits=self._stub((None,)).limits_for(self.n))
        if "domains" not in {**self.own, **self.columns}:
            raise InputError("domain_limits need the domain of each prompt: give domains")
        counted = held.crew.ask_all("domain_sizes")
        names = tuple(dict.fromkeys(name for own in counted for name in own))
        sizes = np.array([sum(own.get(name, 0) for own in counted) for name in names], np.intp)
        limits = self._stub(names, domains=names).limits_for(self.n, sizes)
        return replace(held, limits=limits, seen=Seen(domains=names))

    def _stub(self, names: Sequence[str | None], **own: Sequence[str | None]) -> Problem:
        """The first prompt, once for each domain, under what is the same for all: it states the limits."""
        return Problem(scores=self.first.rows(np.zeros(len(names), np.intp)), **{**self.shared, **own})


def _varies(name: str, value: Any) -> bool:
    """Whether a field says another thing for each prompt."""
    match name:
        case "domains" | "weights":
            return value is not None
        case "allowed":
            return isinstance(value, np.ndarray) and value.dtype == np.bool_ and len(value) > 1
        case "tags":
            return value is not None and not all(isinstance(tag, str) for tag in value)
    return value is not None and np.ndim(value) > 0
