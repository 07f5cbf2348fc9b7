"""From Parquet files of predictions to Parquet files of choices, in memory that stays bounded."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from routoo.data.assignment import Assignment
from routoo.data.errors import InputError, RoutooError
from routoo.data.pool import Pool
from routoo.data.progress import Stages
from routoo.data.storage.files import names_folder, written_file, written_folder
from routoo.data.storage.foreign import library_errors
from routoo.data.storage.locks import locked
from routoo.data.tables.predictions import choices_of
from routoo.solver.backends.dual import NAME, solve_dual
from routoo.solver.problem import Problem
from routoo.solver.results.answer import no_answer
from routoo.solver.results.infeasible import closed_prompts, closed_words
from routoo.solver.search.assign import TOLERANCE
from routoo.solver.streaming.mapped import Mapped, needs_tokens
from routoo.solver.streaming.prediction_files import Chunk, PredictionFiles

_PARTS, _LOCK = "parts", ".lock"

_PART = 2**20
"""Prompts whose choices are written into one file of a folder."""

_PER_PROMPT = ("domains", "domain_limits", "weights")


def assign_parquet(
    predictions: Path | Sequence[Path],
    output: Path,
    *,
    pool: Pool | None = None,
    stated: Pool | None = None,
    tolerance: float = TOLERANCE,
    time_limit_s: float = math.inf,
    progress: Stages | None = None,
    **limits: Any,  # the fields of Problem, checked there
) -> Assignment:
    """Writes a model for every prompt of files of predictions, and answers with the totals.

    The files are read once, a chunk of prompts at a time, into files without a name beside the output, from
    which the problem is solved as in memory: 12 bytes a prompt and model of disk, 20 where tokens count. The
    system keeps of them in memory what there is room for. What the process itself holds is a fifth of
    the scores and costs at most, and 24 bytes a prompt.

    Args:
        predictions: A row a prompt and model, the rows of a prompt together, its models always in one order
            (as `Scores.to_polars` writes them): `prompt_id`, `model`, `p_correct`, `cost_usd`, and where it
            is known `latency_s`; in `required_tags` the tags that each prompt needs, in one text with
            commas, and in `max_latency_s` its deadline.
        output: File to write: `prompt_id`, `model`, and what is predicted of each choice.
            It appears when all is done. A name without an ending is a folder of files.
        pool: Prices, windows, tags and rates to choose by, and the models that may be chosen. Costs then
            follow from the tokens of the file; latencies stay, and where none is known they follow from the
            speeds of the pool.
        stated: In place of that, the pool that the files were predicted with: its windows, tags and rates
            are kept, and what is predicted stands.
        tolerance: Relative gap at which the answer counts as optimal.
        time_limit_s: Seconds that a try of branch and bound may take, where several limits bind;
            steps are counted, not seconds, unless it is given.
        progress: Called after each chunk.
        **limits: Fields of `Problem` that say one thing for all prompts: `budget_usd`, `model_limits`, ...

    Raises:
        InputError: A file is missing or not of that form, the pool has a model that it does not predict, or
            a limit cannot be used. An infeasible problem is an answer; nothing is written then.
        RoutooError: The output cannot be written, say since the disk is full; what was there before stands.
    """
    if given := [name for name in _PER_PROMPT if limits.get(name) is not None]:
        raise InputError(f"{', '.join(given)}: a file of predictions has no such columns; use solve")
    files = PredictionFiles([predictions] if isinstance(predictions, Path) else predictions, pool)
    models = files.models  # what is of another form is refused before anything is written
    output = written_folder(output) if names_folder(output) else written_file(output)
    unwritten = f"{output} was not written"
    with library_errors(RoutooError, unwritten), _locked_beside(output) as folder:
        fields = {**limits, "pool": stated or pool}
        mapped = Mapped.of(files, folder, tokens=needs_tokens(fields), progress=progress)
        problem = Problem(scores=mapped.scores, **mapped.needs.beside(fields))
        if closed := closed_prompts(problem):
            reason = closed_words(closed, files.called, for_all=limits)
            return no_answer(models, len(files), reason, solver=NAME)
        plan = solve_dual(problem, tolerance=tolerance, time_limit_s=time_limit_s)
        if plan.found:
            chosen = (_chosen(files, chunk, plan) for chunk in files.chunks)
            _write(chosen, len(files), output, folder, progress)
    return plan


def write_choices(
    choices: Iterable[pl.DataFrame], total: int, output: Path, *, progress: Stages | None = None
) -> None:
    """Writes choices that were made elsewhere, as `assign_parquet` does.

    Args:
        choices: A row a prompt, some prompts at a time, in their order.
        total: How many rows there are in all.
        output: File to write, or a folder of files.
        progress: Called after each of the tables.

    Raises:
        RoutooError: The output cannot be written.
    """
    output = written_folder(output) if names_folder(output) else written_file(output)
    with library_errors(RoutooError, f"{output} was not written"), _locked_beside(output) as folder:
        _write(choices, total, output, folder, progress)


def _write(
    choices: Iterable[pl.DataFrame], total: int, output: Path, folder: Path, progress: Stages | None
) -> None:
    """Writes the choices in parts, and puts them in place in one step when all are there.

    The parts lie where the next writer of the same output waits for this one, and removes what it leaves.
    """
    parts = folder / _PARTS
    parts.mkdir()
    held, rows, done = list[pl.DataFrame](), 0, 0
    for table in choices:
        held.append(table)
        rows, done = rows + len(table), done + len(table)
        if rows >= _PART or done == total:
            pl.concat(held).write_parquet(parts / f"part-{done:012d}.parquet")
            held, rows = [], 0
        if progress is not None:
            progress("writing", done, total)
    if names_folder(output):
        parts.replace(output)
    else:
        whole = folder / "whole.parquet"
        pl.scan_parquet(sorted(parts.iterdir())).sink_parquet(whole)
        whole.replace(output)


def _chosen(files: PredictionFiles, chunk: Chunk, plan: Assignment) -> pl.DataFrame:
    """A row for each prompt of a chunk: its name, and what is predicted of its model."""
    reader, own = files.reader, plan.choice[chunk.start : chunk.stop]
    frame = files.read(chunk, reader.columns)
    return choices_of(reader.ids(frame), reader.scores(frame), own)


@contextmanager
def _locked_beside(output: Path) -> Iterator[Path]:
    """A folder for parts, held against other writers of this output; where that is to lie must be there."""
    output.parent.stat()
    folder = output.with_name(f".{output.name[:48]}.chunks")
    with locked(folder, _LOCK):
        _clear(folder)
        try:
            yield folder
        finally:
            _clear(folder)


def _clear(folder: Path) -> None:
    """Removes whatever a writer left in its folder, but for the lock."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != _LOCK:
            path.unlink()
