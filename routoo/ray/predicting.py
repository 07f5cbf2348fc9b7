"""Predictions of a dataset of prompts, by workers that each have the graph loaded once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from routoo.ray.cluster import Ray, came, connected, started, worker_count, worker_errors
from routoo.ray.datasets import blocks_of
from routoo.ray.shard import Piece

if TYPE_CHECKING:
    from pathlib import Path

    from routoo.data.pool import Pool
    from routoo.scored_parts import Part, Run

_PROMPTS = 1024
"""Prompts that a worker is given at a time."""


def predict(
    dataset: Any,  # whatever `blocks_of` takes
    bundle: str | Path,
    *,
    pool: Pool | None = None,
    workers: int | None = None,
    address: str | None = None,
) -> Any:  # a dataset of Ray, which does not type it
    """Predicted score, cost and latency of each model on each prompt, as a dataset of Ray.

    Rows come in the order of the prompts; the blocks stay where they were computed. A worker that dies is
    started again, and what it was at is predicted again.

    Args:
        dataset: Prompts with columns `prompt_id` and `prompt`, and where known `domain`, `required_tags` and
            the attributes that the router learned: a dataset of Ray, a table of Arrow, polars or pandas,
            Parquet files; or a list of texts, which are named by their row.
        bundle: A folder that every worker can read, or an id at the Hugging Face hub.
        pool: Other prices, or fewer models.
        workers: How many predict, with a session of ONNX Runtime each; as many as cores, when None.
        address: Of the cluster, where Ray is not connected to one.

    Returns:
        A row a prompt and model, as `Scores.to_polars` makes them.

    Raises:
        MissingExtraError: Extra `ray` is not installed.
        InputError: The dataset is no such thing, or lacks a column.
    """
    ray = connected(address)
    predicted = predicted_blocks(ray, dataset, bundle, pool, workers)
    import ray.data as datasets

    return datasets.from_arrow_refs([piece.block for piece in predicted])


def predicted_blocks(
    ray: Ray, dataset: Any, bundle: str | Path, pool: Pool | None, workers: int | None
) -> list[Piece]:
    """The same as blocks, in the order of the prompts."""
    # `map_batches` of Ray Data gives the same numbers and survives the same deaths, but hands out whole
    # blocks (one worker had all of a table), hides errors of ours, and reads files otherwise than `assign`.
    blocks = blocks_of(ray, dataset)
    pieces = [
        Piece(block.block, at, min(_PROMPTS, block.count - at))
        for block in blocks
        for at in range(0, block.count, _PROMPTS)
    ]
    scorers = started(ray, Scorer, min(worker_count(ray, workers), len(pieces)), str(bundle), pool)
    tables, counts, busy = list[Any](), list[Any](), dict[Any, Any]()
    for piece in pieces:
        if not scorers:
            (done,), _ = ray.wait(list(busy))
            scorers.append(busy.pop(done))
        scorer = scorers.pop()
        table, count = scorer.predicted.options(num_returns=2).remote(piece)
        tables.append(table)
        counts.append(count)
        busy[count] = scorer
    return [Piece(table, 0, rows) for table, rows in zip(tables, came(ray, counts), strict=True)]


def parts_by_workers(
    bundle: str | Path, pool: Pool | None, *, workers: int | None = None, address: str | None = None
) -> Run:
    """Has parts of files written by workers of a cluster, all of which see these files (`score_parts`).

    Raises:
        MissingExtraError: Extra `ray` is not installed.
    """
    ray = connected(address)

    def run(parts: Sequence[Part]) -> Iterator[Part]:
        scorers = started(ray, Scorer, min(worker_count(ray, workers), len(parts)), str(bundle), pool)
        with worker_errors(ray):
            yield from ray.util.ActorPool(scorers).map_unordered(
                lambda scorer, part: scorer.written.remote(part), parts
            )

    return run


class Scorer:
    """A router that lives in a worker, with its graph loaded once.

    Args:
        bundle: Its bundle.
        pool: Other prices, or fewer models.
    """

    def __init__(self, bundle: str, pool: Pool | None) -> None:
        from routoo.router import Router

        self.router = Router.from_pretrained(bundle, pool=pool)

    def written(self, part: Part) -> Part:
        """The part of a file, once its predictions are on disk."""
        return part.written(self.router)

    def predicted(self, piece: Piece) -> tuple[Any, int]:  # a table of Arrow
        """The predictions of some prompts, and how many rows they are."""
        import polars as pl
        import ray

        from routoo.data.errors import InputError
        from routoo.data.tables.prompts import Prompts
        from routoo.requests import Requests, columns_read

        frame = piece.read(ray)
        if lacking := [name for name in ("prompt_id", "prompt") if name not in frame.columns]:
            raise InputError(f"the dataset has no column {', '.join(lacking)}")
        known = ("prompt_id", "prompt", "domain", *columns_read(self.router))
        texts = frame.select(list(dict.fromkeys(name for name in known if name in frame.columns)))
        texts = texts.with_columns(pl.col("prompt_id", "prompt").cast(pl.String))
        requests = Requests.of(Prompts(texts, "the dataset"), self.router)
        found = requests.table(requests.predicted(self.router))
        return found.to_arrow(compat_level=pl.CompatLevel.oldest()), len(found)
