"""Batches of files: prompts to predictions, and predictions to choices, here or on a cluster."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from routoo.commands.output import check_output
from routoo.commands.terminal import progress, stages
from routoo.data.errors import InputError
from routoo.data.storage.addresses import check_free, fetched, is_address, local_path, sent
from routoo.data.storage.files import names_folder
from routoo.data.storage.locks import locked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routoo.data.assignment import Solution
    from routoo.data.costs.nominal import NominalCosts
    from routoo.data.pool import Pool
    from routoo.router import Router

PANEL = "Batches of files"

_LOCK = ".lock"

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


def is_many(prompts: Sequence[str], output: str | None, engine: str | None) -> bool:
    """Whether prompts are a batch of files, which is never in memory as a whole.

    They are where there are several, a folder, a pattern or an address, where a folder or an address is
    written, and on a cluster.
    """
    if not prompts:
        return False
    first = prompts[0]
    return (
        len(prompts) > 1
        or (output is not None and (names_folder(Path(output)) or is_address(output)))
        or engine is not None
        or is_address(first)
        or not (first == "-" or local_path(first).is_file() or not is_files(first))
    )


def is_files(source: str) -> bool:
    """Whether this names Parquet files."""
    from routoo.data.tables.parquet_sources import is_parquet_source

    return is_parquet_source(source)


def check_choices(output: str | None) -> str:
    """Refuses a place to which choices of files cannot go, before any work is done for it."""
    if output is None or Path(output).suffix.lower() not in ("", ".parquet"):
        raise InputError("files are assigned to files: give -o with a .parquet to write, or a folder")
    if not (names_folder(Path(output)) or is_address(output)):
        check_output(local_path(output))
    return output


@contextmanager
def files_of(prompts: Sequence[str], what: str, output: Path, *, quiet: bool) -> Iterator[tuple[Path, ...]]:
    """The Parquet files that are named; those at addresses are copied to beside the output meanwhile.

    Raises:
        InputError: One of them is no such file.
    """
    from routoo.data.tables.parquet_sources import parquet_files

    if other := [one for one in prompts if not is_files(one)]:
        raise InputError(f"{other[0]}: a batch of files is of Parquet files with {what}, folders or patterns")
    with kept_beside(output, "copies") as folder:
        here = list[str | Path]()
        with progress("fetching", quiet=quiet) as tell:
            for one in prompts:
                here += fetched(one, folder, tell) if is_address(one) else [one]
        yield parquet_files(here)


@contextmanager
def kept_beside(output: Path, what: str) -> Iterator[Path]:
    """A folder beside the output, which may be made, and is removed once the block has ended well.

    Where a run is broken off it stays, and the next run of the same goes on with it.
    """
    where = output.resolve()
    folder = where.with_name(f".{where.name[:48]}.{what}")
    yield folder
    if folder.exists():
        shutil.rmtree(folder)


@contextmanager
def written_to(output: str, *, keeps: bool = False) -> Iterator[Path]:
    """Where to write here; what is written goes to its address once the block has ended well.

    Args:
        output: The path or address.
        keeps: Whether a run goes on with what one that was broken off has written.
    """
    if not is_address(output):
        yield local_path(output)
        return
    folder = _waiting() / hashlib.sha256(output.encode()).hexdigest()[:16]
    place, sending = folder / (PurePosixPath(output).name or "output"), folder / "sending"
    with locked(folder, _LOCK):
        if names_folder(Path(output)) and not sending.exists():
            check_free(output)
        if not keeps and place.is_dir():
            shutil.rmtree(place)
        yield place
        sending.touch()
        sent(place, output)
        sending.unlink()
        shutil.rmtree(place) if place.is_dir() else place.unlink()


def _waiting() -> Path:
    """Where lies what has not been sent to its address."""
    return Path.home() / ".cache" / "routoo" / "batches"


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
    output: Path,
    limits: dict[str, Any],  # Any: fields of Problem
    *,
    pool: Pool | None,
    stated: Pool | None = None,
    engine: str | None,
    address: str | None,
    quiet: bool,
) -> tuple[Solution, NominalCosts]:
    """What was found, the choices being written, and models whose costs are nominal."""
    from routoo.solver.streaming.prediction_files import PredictionFiles
    from routoo.solver.streaming.stream import assign_parquet, write_choices

    with stages(quiet=quiet) as tell:
        plan: Solution
        if engine is None:
            plan = assign_parquet(
                predictions, output, pool=pool, stated=stated, progress=tell, **limits
            ).or_raise()
        else:
            from routoo.ray import assign

            files = [str(path) for path in predictions]
            plan = assign(files, pool=pool, stated=stated, address=address, **limits).or_raise()
            write_choices(plan.tables(), len(plan), output, progress=tell)
    return plan, PredictionFiles(predictions[:1], pool).nominal_costs  # the first row says it
