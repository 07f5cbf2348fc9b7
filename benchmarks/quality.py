"""Trains on a folder of recorded outcomes and judges the router on its test prompts.

    python benchmarks/quality.py FOLDER [--pool POOL.toml] [--seeds 0 1 2] [--encoder ENCODER]
        [--samples 1000] [--output OUT]

For each seed: train with the default options, export, predict with the int8 graph, evaluate; where there
are domains, once more with the domains observed. Prints a table with the baselines, then the means over the
seeds and what the router has above every other row; for the first seed also the metrics of others, and how
many choices the worst of the harmless changes to prompts flips. Writes to OUT for each seed the bundle, the
HTML report, `evaluation.json`, `predictions.parquet` (prompt_id, model, p, cost: what an independent scorer
needs) and, with domains observed, the last two as `evaluation_observed.json` and
`predictions_observed.parquet`.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

import routoo
from routoo.commands.evaluate import provenance
from routoo.commands.pools import pool_for
from routoo.data.pool import Pool
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.experiment import ROUTER, evaluate_router
from routoo.evaluation.in_words import UNDEFINED, number
from routoo.evaluation.report.report import write_report
from routoo.evaluation.report.table import EvaluationTable
from routoo.evaluation.trial.bootstrap import Interval
from routoo.models.encoder.encoder import MINILM
from routoo.models.training.options import default_cache_dir

FIGURES = ("auc", "brier", "ece", "area", "closed", "apgr", "acc@0.5", "cost@0.95", "cost@1")
DIFFERENCES = ("area", "hull@0.5", "cost@0.95")
_WIDTH = 130  # of the tables, be it a terminal or a file
_ENDS = ("_low", "_high")  # of a range, after the name of its figure


@dataclass(frozen=True)
class Run:
    """One seed: the evaluation, one with domains observed where there are any, and seconds of training."""

    inferred: Evaluation
    observed: Evaluation | None
    seconds: float


def run(data: Path, pool: Pool, seed: int, output: Path, *, tune: str, encoder: str, samples: int) -> Run:
    """Trains, exports and judges with one seed; the files are left in `output`."""
    outcomes = routoo.Outcomes.read(data)
    started = time.perf_counter()
    predictor = routoo.train(outcomes, pool, seed=seed, tune=tune, encoder=encoder)
    seconds = time.perf_counter() - started
    predictor.export(output / "bundle")
    router = routoo.Router.from_pretrained(output / "bundle", threads=None)
    command = shlex.join(["python", *sys.argv])
    found = {}
    for name in ("inferred", "observed") if predictor.trained.domains else ("inferred",):
        found[name], scores = evaluate_router(
            router,
            outcomes,
            observed_domains=name == "observed",
            encoder=encoder,
            cache_dir=default_cache_dir(),
            samples=samples,
            robustness_prompts=200 if name == "inferred" else 0,
            provenance=provenance(router, str(output / "bundle")) | {"command": command},
        )
        suffix = "" if name == "inferred" else "_observed"
        scores.to_polars().select(
            "prompt_id", "model", pl.col("p_correct").alias("p"), pl.col("cost_usd").alias("cost")
        ).write_parquet(output / f"predictions{suffix}.parquet")
        (output / f"evaluation{suffix}.json").write_text(json.dumps(found[name].to_dict(), indent=1))
    write_report(found["inferred"], output / "report.html")
    return Run(found["inferred"], found.get("observed"), seconds)


def mean_table(found: list[Evaluation]) -> Table:
    """PolicyMetrics of every row, averaged over the seeds."""
    table = Table("", *FIGURES, title=f"{found[0].data}: mean of {len(found)} seeds")
    for row in found[0].rows:
        seeds = [evaluation.row(row.name).to_dict() for evaluation in found]
        shown = [_mean([seed.get(figure) for seed in seeds]) for figure in FIGURES]
        table.add_row(row.name, *shown, style="bold" if row.name == ROUTER else "")
    return table


def difference_table(found: list[Evaluation]) -> Table:
    """What the router has above each other row, averaged over the seeds, and so are the ends of the ranges.

    The seeds are judged on the same resamples of the prompts, which are most of the chance there is: averaged
    ends are, if anything, wider apart than those of the average.
    """
    table = Table(
        "", *DIFFERENCES, title=f"{found[0].data}: above every other row, mean of {len(found)} seeds"
    )
    for other in found[0].differences:
        gaps = [evaluation.over(other.other).metrics for evaluation in found]
        table.add_row(other.other, *(_range([gap.get(figure) for gap in gaps]) for figure in DIFFERENCES))
    return table


def published_table(found: Evaluation, seed: int) -> Table:
    """The metrics of others by their names in `evaluation.json`, with ranges, and the most flips."""
    document = found.to_dict()
    rows: dict[str, dict[str, Any]] = document["published"]  # Any: numbers and None, as JSON has them
    table = Table("", *rows, title=f"{found.data}: metrics of others, seed {seed}")
    for name in rows[found.router]:
        if not name.endswith(_ENDS):
            table.add_row(name, *(_with_range(row, name) for row in rows.values()))
    if found.robustness:
        worst = max(document["robustness"], key=lambda kind: float(kind["flips"]))
        cells = (number(worst["flips"]) if name == found.router else UNDEFINED for name in rows)
        table.add_row(f"most flips: {worst['name']}", *cells)
    return table


def _with_range(row: dict[str, Any], name: str) -> str:  # Any: numbers and None, as JSON has them
    shown, low, high = (
        UNDEFINED if (value := row.get(key)) is None else number(value)
        for key in (name, *(name + end for end in _ENDS))
    )
    return shown if low == high == UNDEFINED else f"{shown} [{low}, {high}]"


def _range(gaps: list[Interval | None]) -> str:
    known = [gap for gap in gaps if gap is not None]
    if len(known) < len(gaps):
        return "–"
    value, low, high = (
        statistics.mean(ends) for ends in zip(*((g.value, g.low, g.high) for g in known), strict=True)
    )
    return f"{value:+.4f} [{low:+.4f}, {high:+.4f}]"


def _mean(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{statistics.mean(known):.4f}" if len(known) == len(values) else "–"


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--pool", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--output", type=Path, default=Path("out/quality"))
    parser.add_argument("--samples", type=int, default=1000, help="resamples behind the ranges")
    parser.add_argument("--tune", choices=["frozen", "last", "full"], default="frozen")
    parser.add_argument("--encoder", default=MINILM, help="a folder or a hub id")
    chosen = parser.parse_args()
    console = Console(width=_WIDTH)
    pool = pool_for(routoo.Outcomes.read(chosen.data), chosen.data, chosen.pool)
    runs = []
    for seed in chosen.seeds:
        folder = chosen.output / chosen.data.name / f"seed{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        made = run(
            chosen.data,
            pool,
            seed,
            folder,
            tune=chosen.tune,
            encoder=chosen.encoder,
            samples=chosen.samples,
        )
        note = f"seed {seed}: trained in {made.seconds:.0f} s; files in {folder}\n"
        console.print(EvaluationTable(made.inferred), note)
        runs.append(made)
    for title, found in (
        ("from the text alone:", [made.inferred for made in runs]),
        (
            "with the domain of each prompt observed:",
            [made.observed for made in runs if made.observed is not None],
        ),
    ):
        if found:
            console.print(title, mean_table(found), difference_table(found))
    console.print(published_table(runs[0].inferred, chosen.seeds[0]))


if __name__ == "__main__":
    main()
