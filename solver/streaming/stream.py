"""From a Parquet file of predictions to a Parquet file of choices, in memory that stays bounded."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from routoo.data.assignment import Assignment
from routoo.data.costs.nominal import NominalCosts
from routoo.data.errors import RoutooError
from routoo.data.pool import Pool
from routoo.data.progress import Stages
from routoo.data.storage.files import written_file
from routoo.data.storage.foreign import library_errors
from routoo.data.storage.locks import locked
from routoo.solver.backends.dual import NAME, solve_batch
from routoo.solver.results.answer import no_answer
from routoo.solver.search.assign import TOLERANCE
from routoo.solver.streaming.parquet_prompts import CHUNK, ParquetPrompts


def assign_parquet(
    predictions: Path,
    output: Path,
    *,
    pool: Pool | None = None,
    tolerance: float = TOLERANCE,
    time_limit_s: float = math.inf,
    progress: Stages | None = None,
    **limits: Any,  # the fields of Problem, checked there
) -> Assignment:
    """Writes a model for every prompt of a file of predictions, and answers with the totals.

    The file is read a few times from front to back, a chunk of prompts at a time. What stays in memory is
    a chunk, the core of undecided prompts (a few hundredths of the batch at most), and about ten bytes a
    prompt.

    Args:
        predictions: A row a prompt and model, the rows of a prompt together, its models always in one order
            (as `Scores.to_polars` writes them): `prompt_id`, `model`, `p_correct`, `cost_usd`, and where it
            is known `latency_s`; in `required_tags` the tags that each prompt needs, in one text with commas.
        output: File to write: `prompt_id`, `model`, `p_correct`, `cost_usd`, `latency_s` of each choice.
            It appears when all is done.
        pool: Prices, windows, tags and rates to choose by, and the models that may be chosen. Costs then
            follow from the tokens of the file; latencies stay, and where none is known they follow from the
            speeds of the pool.
        tolerance: Relative gap at which the answer counts as optimal.
        time_limit_s: Seconds that a try of branch and bound may take, where several limits bind;
            steps are counted, not seconds, unless it is given.
        progress: Called after each chunk.
        **limits: Fields of `Problem` that say one thing for all prompts: `budget_usd`, `model_limits`, ...

    Raises:
        InputError: The file is missing or not of that form, the pool has a model that it does not predict, or
            a limit cannot be used. An infeasible problem is an answer; nothing is written then.
        RoutooError: The output cannot be written, say since the disk is full; what was there before stands.
    """
    batch = ParquetPrompts(predictions, limits, progress, pool=pool)
    reason = batch.check()
    if reason is not None:
        return no_answer(batch.models, len(batch), reason, solver=NAME)
    plan = solve_batch(batch, batch.models, tolerance=tolerance, time_limit_s=time_limit_s)
    if plan.found:
        _write(batch, plan.choice, output)
    return plan


def nominal_costs_in(predictions: Path, pool: Pool | None = None) -> NominalCosts:
    """The models whose costs are nominal by a file of predictions, or by the prices of another pool.

    Raises:
        InputError: As `assign_parquet`.
    """
    return ParquetPrompts(predictions, {}, pool=pool).nominal_costs


def _write(batch: ParquetPrompts, choice: npt.NDArray[np.int32], output: Path) -> None:
    """Writes the choices in chunks, and puts them in place as one file when all are there.

    The chunks lie where the next writer of the same output waits for this one, and removes what it leaves.
    """
    output = written_file(output)
    with library_errors(RoutooError, f"{output} was not written"), _locked_beside(output) as folder:
        try:
            _clear(folder)
            parts = []
            for start in range(0, len(batch), CHUNK):
                parts.append(folder / f"{start:012d}.parquet")
                batch.chosen(start, choice[start : start + CHUNK]).write_parquet(parts[-1])
                batch.tell("writing", min(start + CHUNK, len(batch)))
            whole = folder / "whole.parquet"
            pl.scan_parquet(parts).sink_parquet(whole)
            whole.replace(output)
        finally:
            _clear(folder)


@contextmanager
def _locked_beside(output: Path) -> Iterator[Path]:
    """A folder for chunks, held against other writers of this output; where that is to lie must be there."""
    output.parent.stat()
    folder = output.with_name(f".{output.name[:48]}.chunks")
    with locked(folder, ".lock"):
        yield folder


def _clear(folder: Path) -> None:
    """Removes the chunks in a folder."""
    for chunk in folder.glob("*.parquet"):
        chunk.unlink()
