"""Says how well output tokens, seconds and spends are predicted on a folder of recorded outcomes.

    python benchmarks/usage.py FOLDER [--bundle BUNDLE] [--pool pool.toml] [--seed 0] [--json]

Trains with the default options, or reads a bundle that was trained before, and judges it on the test prompts:
the mean distance of the logs of what was predicted and recorded, beside the same for each model's mean over
the other prompts; what batches cost above what was expected; and what choosing by costs that were predicted
call by call is worth above choosing by each model's mean cost. Ranges hold 95 % of 1,000 resamples.
"""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

import routoo
from routoo.commands.pools import pool_for
from routoo.data.scores import Scores
from routoo.evaluation.evaluate import evaluate
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.in_words import number, signed
from routoo.evaluation.metrics.usage_errors import Quantity
from routoo.models.training.options import default_cache_dir

_WIDTH = 120


def usage_table(found: Evaluation, quantity: Quantity) -> Table:
    """Errors of tokens or seconds, model by model."""
    headings = ("outcomes", "error", "of the mean", "gain", "rank corr.", "sum / recorded")
    table = Table(quantity, *headings, box=box.SIMPLE_HEAD)
    for error in [error for error in found.usage if error.quantity == quantity]:
        gain = "–" if error.gain is None else signed(error.gain)
        figures = (error.error, error.mean_error), (error.correlation, error.total)
        before, after = ([number(value) for value in pair] for pair in figures)
        table.add_row(error.model, f"{error.count:,}", *before, gain, *after)
    return table


def spend_table(found: Evaluation) -> Table:
    """What batches cost above what was expected, by budget."""
    table = Table("budget", "costs", "expected, USD", "spent, USD", "above", box=box.SIMPLE_HEAD)
    kinds = {"by call": found.spending.spend, "by mean": found.spending.spend_by_mean}
    for name, spend in kinds.items():
        for error in spend.errors:
            above = number(error.off) if error.excess is None else signed(error.excess)
            usd = f"{error.predicted_usd:.4f}", f"{error.recorded_usd:.4f}"
            table.add_row(f"{error.share:.0%}", name, *usd, above)
    return table


def main(
    folder: Annotated[Path, typer.Argument(help="Recorded outcomes.")],
    bundle: Annotated[Path | None, typer.Option(help="A bundle; else one is trained.")] = None,
    pool: Annotated[Path | None, typer.Option(help="The pool; else as `routoo train` finds it.")] = None,
    seed: Annotated[int, typer.Option(help="Of training.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Judges predictions of tokens, seconds and spends."""
    outcomes = routoo.Outcomes.read(folder).with_split(seed=seed)
    models = pool_for(outcomes, folder, pool)
    judged = outcomes.part("test")
    started = time.perf_counter()
    scores: Scores
    if bundle is None:
        predictor = routoo.train(outcomes, models, seed=seed, cache_dir=default_cache_dir(), progress=False)
        scores = predictor.predict(judged.texts)
    else:
        scores = routoo.Router.from_pretrained(bundle, pool=models).predict(judged.texts)
    seconds = time.perf_counter() - started
    found = evaluate(outcomes, {"routoo": scores}, pool=models)
    if as_json:
        document = found.to_dict()
        print(json.dumps({key: document[key] for key in ("data", "n_prompts", "split", "usage", "spending")}))
        return
    source = f"trained with seed {seed}" if bundle is None else str(bundle)
    console = Console(width=_WIDTH)
    console.print(f"{found.data}, {found.n_prompts:,} test prompts, {source}, {seconds:.0f} s")
    for quantity in dict.fromkeys(error.quantity for error in found.usage):
        console.print(usage_table(found, quantity))
    console.print(spend_table(found))
    if found.spending.difference is not None and not math.isnan(found.row("routoo").area):
        gap = found.spending.difference.metrics.get("area")
        worth = "not defined" if gap is None else signed(gap)
        console.print(f"area of choosing by call less by mean cost: {worth}")


if __name__ == "__main__":
    typer.run(main)
