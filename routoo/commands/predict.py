"""`routoo predict`: what each model would achieve, cost and take on each prompt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from routoo.commands.arguments import AsJson, Bundle, PoolFile, PromptsFile, Quiet, TableFile, Threads
from routoo.commands.fields import options_of
from routoo.commands.output import check_output, write_table
from routoo.commands.pools import say_nominal
from routoo.commands.reading import PromptsReading
from routoo.commands.requests import Requests, requests_of
from routoo.commands.terminal import counted, percent, progress, seconds, show, show_json, table_of_known, usd

if TYPE_CHECKING:
    import polars as pl
    from rich.table import Table

    from routoo.data.scores import Scores


@options_of(PromptsReading, into="reading")
def predict(
    bundle: Bundle,
    prompts: PromptsFile,
    reading: PromptsReading,
    output: TableFile = None,
    pool: PoolFile = None,
    threads: Threads = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Predict the score, cost and latency of each model on each prompt.

    The table that -o writes has a row a prompt and model; without it, means are shown. Tags in a column
    required_tags and seconds in max_latency_s are written too, and heeded when the table is assigned.
    """
    from routoo.router import Router

    if output is not None:
        check_output(output)
    router = Router.from_pretrained(bundle, pool=pool, threads=threads)
    asked = requests_of(prompts, router, reading, quiet=quiet)
    with progress("predicting", quiet=quiet) as tell:
        scores = asked.predicted(router, tell)
    say_nominal(scores.nominal_costs, quiet=quiet)
    if output is not None:
        write_table(_with_needs(scores.to_polars(), asked), output)
    if as_json:
        _show_json(scores, output)
    elif output is None:
        hint = "; -o FILE or --json gives each" if len(scores) > 1 else ""
        show(_by_model(scores), f"means over {counted(len(scores), 'prompt')}{hint}")
    else:
        show(f"{output}: {counted(len(scores), 'prompt')} x {counted(len(scores.models), 'model')}")


def _with_needs(frame: pl.DataFrame, asked: Requests) -> pl.DataFrame:
    """The predictions with tags and deadlines of their prompts, so that a choice from the file heeds them."""
    import polars as pl

    from routoo.data.tables.deadlines import DEADLINE, deadlines_beside
    from routoo.data.tables.required_tags import TAGS

    needs: dict[str, object] = {}
    if asked.tags is not None and any(asked.tags):
        needs[TAGS] = [",".join(tags) for tags in asked.tags]
    if (deadlines_s := deadlines_beside(asked.deadlines_s, None)) is not None:
        needs[DEADLINE] = deadlines_s
    if not needs:
        return frame
    needed = pl.DataFrame({"prompt_id": asked.prompts.ids, **needs})
    return frame.join(needed, on="prompt_id", how="left", maintain_order="left")


def _show_json(scores: Scores, output: Path | None) -> None:
    """The predictions themselves, or where they were written."""
    counts = {
        "prompts": len(scores),
        "models": list(scores.models),
        "nominal_costs": dict(scores.nominal_costs),
    }
    if output is None:
        show_json({**counts, "predictions": scores.to_polars().to_dicts()})
    else:
        show_json({**counts, "written": str(output)})


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
