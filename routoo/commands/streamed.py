"""Batches of files: prompts to predictions, and predictions to choices, here or on a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from routoo.commands.terminal import progress, stages
from routoo.data.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routoo.data.assignment import Assignment
    from routoo.data.costs.nominal import NominalCosts
    from routoo.data.pool import Pool
    from routoo.router import Router

PANEL = "Batches of files"

Engine = Annotated[
    Literal["ray"] | None,
    typer.Option(
        help="Work on a cluster of Ray, whose machines all see the files.",
        show_default="this machine",
        rich_help_panel=PANEL,
    ),
]
Address = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Of the cluster, such as auto or ray://head:10001.",
        show_default="a cluster on this machine, for the time of the command",
        rich_help_panel=PANEL,
    ),
]


def check_engine(engine: str | None, address: str | None) -> None:
    """Refuses an address that no engine asks for."""
    if address is not None and engine is None:
        raise InputError("--address is of a cluster: give --engine ray too")


def is_many(prompts: Sequence[str], output: Path | None, engine: str | None) -> bool:
    """Whether prompts are a batch of files, which is never in memory as a whole.

    They are where there are several, a folder or a pattern, where a folder is written, and on a cluster.
    """
    if not prompts:
        return False
    to_folder = output is not None and not output.suffix
    return (
        len(prompts) > 1
        or to_folder
        or engine is not None
        or not (prompts[0] == "-" or Path(prompts[0]).is_file() or not is_files(prompts[0]))
    )


def is_files(source: str) -> bool:
    """Whether this names Parquet files."""
    from routoo.data.tables.parquet_sources import is_parquet_source

    return is_parquet_source(source)


def files_of(prompts: Sequence[str], what: str) -> tuple[Path, ...]:
    """The Parquet files that are named.

    Raises:
        InputError: One of them is no such file.
    """
    from routoo.data.tables.parquet_sources import parquet_files

    if other := [one for one in prompts if not is_files(one)]:
        raise InputError(f"{other[0]}: a batch of files is of Parquet files with {what}, folders or patterns")
    return parquet_files(prompts)


def check_choices(output: Path | None) -> Path:
    """Refuses a place to which choices of files cannot go, before any work is done for it."""
    if output is None or output.suffix.lower() not in ("", ".parquet"):
        raise InputError("files are assigned to files: give -o with a .parquet to write, or a folder")
    return output


@contextmanager
def predictions_beside(output: Path | None) -> Iterator[Path]:
    """A folder beside the output for predictions, which is removed once the choices are written.

    Where a run is broken off it stays, and the next run of the same goes on with it.
    """
    import shutil

    where = check_choices(output).resolve()
    folder = where.with_name(f".{where.name[:48]}.predictions")
    yield folder
    shutil.rmtree(folder)


def predicted(
    router: Router,
    bundle: str,
    files: Sequence[Path],
    folder: Path,
    *,
    engine: str | None,
    address: str | None,
    replaces: bool = False,
    quiet: bool,
) -> list[Path]:
    """Files of the predictions of all prompts, in a folder where finished ones stay."""
    from routoo.scored_parts import score_parts

    run = None
    if engine is not None:
        from routoo.ray.predicting import parts_by_workers

        run = parts_by_workers(bundle, router.pool, address=address)
    with progress("predicting", quiet=quiet) as tell:
        return score_parts(router, files, folder, replaces=replaces, progress=tell, run=run)


def assigned(
    predictions: Sequence[Path],
    output: Path | None,
    limits: dict[str, Any],  # Any: fields of Problem
    *,
    pool: Pool | None,
    stated: Pool | None = None,
    engine: str | None,
    address: str | None,
    quiet: bool,
) -> tuple[Assignment, NominalCosts]:
    """The choices, which are written, and models whose costs are nominal."""
    from routoo.solver.streaming.prediction_files import PredictionFiles
    from routoo.solver.streaming.stream import assign_parquet, write_choices

    output = check_choices(output)
    with stages(quiet=quiet) as tell:
        if engine is None:
            plan = assign_parquet(
                predictions, output, pool=pool, stated=stated, progress=tell, **limits
            ).or_raise()
        else:
            from routoo.ray import assign

            files = [str(path) for path in predictions]
            plan = assign(files, pool=pool, stated=stated, address=address, **limits).or_raise()
            write_choices(predictions, plan, output, pool=pool, progress=tell)
    return plan, PredictionFiles(predictions, pool).nominal_costs
