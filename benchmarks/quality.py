"""Trains on a folder of recorded outcomes and judges the router on its test prompts.

    python benchmarks/quality.py FOLDER [--pool pool.toml] [--seeds 0 1 2] [--output OUT]

For each seed: train with the default options, export, predict with the int8 graph, evaluate; where there
are domains, once more with the domains told. Prints a table with the baselines, then the means over the
seeds, and writes to OUT for each seed the bundle, the HTML report, `predictions.parquet` and, with domains
told, `predictions_told.parquet` (prompt_id, model, p, cost): what an independent scorer needs.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

import routoo
from routoo.commands.pools import pool_for
from routoo.data.pool import Pool
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.experiment import ROUTER, evaluate_router
from routoo.evaluation.report import write_report
from routoo.models.options import default_cache_dir

FIGURES = ("auc", "brier", "ece", "area", "closed", "apgr", "acc@0.5", "cost@0.95", "cost@1")


@dataclass(frozen=True)
class Run:
    """One seed: the evaluation, another with domains told where there are any, and how long training took."""

    guessed: Evaluation
    told: Evaluation | None
    seconds: float


def run(data: Path, pool: Pool, seed: int, output: Path, *, tune: str) -> Run:
    """Trains, exports and judges with one seed; the files are left in `output`."""
    outcomes = routoo.Outcomes.read(data)
    started = time.perf_counter()
    predictor = routoo.train(outcomes, pool, seed=seed, tune=tune)
    seconds = time.perf_counter() - started
    predictor.export(output / "bundle")
    router = routoo.Router.from_pretrained(output / "bundle", threads=None)
    found = {}
    for name in ("guessed", "told") if predictor.trained.domains else ("guessed",):
        found[name], scores = evaluate_router(
            router,
            outcomes,
            tell_domains=name == "told",
            cache_dir=default_cache_dir(),
            samples=1000 if name == "guessed" else 100,
            robustness_prompts=200 if name == "guessed" else 0,
        )
        file = "predictions.parquet" if name == "guessed" else "predictions_told.parquet"
        scores.to_polars().select(
            "prompt_id", "model", pl.col("p_correct").alias("p"), pl.col("cost_usd").alias("cost")
        ).write_parquet(output / file)
    write_report(found["guessed"], output / "report.html")
    return Run(found["guessed"], found.get("told"), seconds)


def mean_table(found: list[Evaluation]) -> Table:
    """Figures of every row, averaged over the seeds."""
    table = Table("", *FIGURES, title=f"{found[0].data}: mean of {len(found)} seeds")
    for row in found[0].rows:
        seeds = [evaluation.row(row.name).to_dict() for evaluation in found]
        shown = [_mean([seed.get(figure) for seed in seeds]) for figure in FIGURES]
        table.add_row(row.name, *shown, style="bold" if row.name == ROUTER else "")
    return table


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
    parser.add_argument("--tune", choices=["frozen", "last", "full"], default="frozen")
    chosen = parser.parse_args()
    console = Console()
    pool = pool_for(routoo.Outcomes.read(chosen.data), chosen.data, chosen.pool)
    runs = []
    for seed in chosen.seeds:
        folder = chosen.output / chosen.data.name / f"seed{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        made = run(chosen.data, pool, seed, folder, tune=chosen.tune)
        note = f"seed {seed}: trained in {made.seconds:.0f} s; files in {folder}\n"
        console.print(made.guessed.table(), note)
        runs.append(made)
    console.print(mean_table([made.guessed for made in runs]))
    if told := [made.told for made in runs if made.told is not None]:
        console.print("the same with the domain of each prompt told:", mean_table(told))


if __name__ == "__main__":
    main()
