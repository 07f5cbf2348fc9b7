"""`routoo predict`: what each model would achieve, cost and take on each prompt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from routoo.commands.arguments import AsJson, Bundle, PoolFile, PromptsFiles, Quiet, TableFile, Threads
from routoo.commands.fields import options_of
from routoo.commands.output import check_output, write_table
from routoo.commands.pools import say_nominal
from routoo.commands.reading import PromptsReading
from routoo.commands.requests import requests_of
from routoo.commands.streamed import (
    Address,
    Engine,
    check_engine,
    files_of,
    is_many,
    predicted,
    written_to,
)
from routoo.commands.terminal import counted, percent, progress, seconds, show, show_json, table_of_known, usd
from routoo.data.errors import InputError
from routoo.data.storage.addresses import local_path
from routoo.data.storage.files import names_folder

if TYPE_CHECKING:
    from rich.table import Table

    from routoo.data.scores import Scores


@options_of(PromptsReading, into="reading")
def predict(
    bundle: Bundle,
    reading: PromptsReading,
    prompts: PromptsFiles = None,
    output: TableFile = None,
    pool: PoolFile = None,
    threads: Threads = None,
    engine: Engine = None,
    address: Address = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Predict the score, cost and latency of each model on each prompt.

    The table that -o writes has a row a prompt and model; without it, means are shown. Tags in a column
    required_tags and seconds in max_latency_s are written too, and heeded when the table is assigned. Of many
    files of prompts -o names a folder of tables: parts that are there already are not predicted again, so
    that a run goes on where it was killed.
    """
    from routoo.router import Router

    given = prompts or []
    check_engine(engine, address)
    if not given:
        raise InputError("give PROMPTS: a file, or - for standard input")
    if is_many(given, output, engine):
        if output is None or not names_folder(Path(output)) or as_json or reading.given:
            raise InputError(
                "many files are predicted into a folder: give -o FOLDER, and neither --json, --columns nor "
                "--separator"
            )
        with (
            written_to(output, keeps=True) as folder,
            files_of(given, "a column prompt", folder, quiet=quiet) as files,
        ):
            router = Router.from_pretrained(bundle, pool=pool, threads=threads)
            parts = predicted(router, bundle, files, folder, engine=engine, address=address, quiet=quiet)
        say_nominal(router.nominal_costs, quiet=quiet)
        show(f"{output}: {counted(len(parts), 'table')} of predictions")
        return
    table = None if output is None else local_path(output)
    if table is not None:
        check_output(table)
    router = Router.from_pretrained(bundle, pool=pool, threads=threads)
    asked = requests_of(given[0], router, reading, quiet=quiet)
    with progress("predicting", quiet=quiet) as tell:
        scores = asked.predicted(router, tell)
    say_nominal(scores.nominal_costs, quiet=quiet)
    if table is not None:
        write_table(asked.table(scores), table)
    if as_json:
        _show_json(scores, output)
    elif output is None:
        hint = "; -o FILE or --json gives each" if len(scores) > 1 else ""
        show(_by_model(scores), f"means over {counted(len(scores), 'prompt')}{hint}")
    else:
        show(f"{output}: {counted(len(scores), 'prompt')} x {counted(len(scores.models), 'model')}")


def _show_json(scores: Scores, output: str | None) -> None:
    """The predictions themselves, or where they were written."""
    counts = {
        "prompts": len(scores),
        "models": list(scores.models),
        "nominal_costs": dict(scores.nominal_costs),
    }
    if output is None:
        show_json({**counts, "predictions": scores.to_polars().to_dicts()})
    else:
        show_json({**counts, "written": output})


def _by_model(scores: Scores) -> Table:
    """Means over the prompts, and how often each model is the best one."""
    import numpy as np

    best = np.bincount(scores.p_correct.argmax(1), minlength=len(scores.models)) / len(scores)
    latency = [None if np.isnan(column).all() else float(np.nanmean(column)) for column in scores.latency.T]
    return table_of_known(
        ("model", scores.models),
        ("predicted score", [f"{p:.4f}" for p in scores.p_correct.mean(0)]),
        ("USD a call", [usd(cost) for cost in scores.cost_usd.mean(0).tolist()]),
        ("seconds", [seconds(mean) for mean in latency]),
        ("best for", [percent(share) for share in best]),
    )
