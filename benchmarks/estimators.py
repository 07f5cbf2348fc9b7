"""The default predictor and every baseline on a folder of recorded outcomes: what each is worth for routing.

    python benchmarks/estimators.py FOLDER [--pool pool.toml] [--seed 0] [--output OUT]

Baselines see the features of the same frozen encoder, computed once and kept on disk, without the length.
What a method has to choose, it chooses on the prompts in train and val; the table is of those in test. Only
the domain table observes the domain of a test prompt. The last column but one is the area of a row less that
of the default predictor, with its 95 % range over resamples of the prompts.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

import routoo
from routoo.commands.pools import pool_for
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.evaluation.evaluate import evaluate
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.experiment import ROUTER
from routoo.evaluation.metrics.policy_metrics import PolicyMetrics
from routoo.models.baselines.base_learner import Embed
from routoo.models.baselines.registry import BASELINES
from routoo.models.encoder.encoder import MINILM
from routoo.models.encoder.features import EncoderFeatures
from routoo.models.training.options import default_cache_dir

FIGURES = ("auc", "brier", "ece", "area", "closed", "cost@0.95")


def embedding() -> Embed:
    """What baselines read: the default encoder's features but the last, which is the log of the length."""
    features = EncoderFeatures(MINILM, cache_dir=default_cache_dir())
    return lambda prompts: features(prompts)[:, :-1]


def run(
    outcomes: Outcomes, pool: Pool, *, seed: int, console: Console
) -> tuple[Evaluation, dict[str, float]]:
    """The evaluation, and the seconds that each method took to fit and predict."""
    judged, embed = outcomes.part("test"), embedding()
    embed(outcomes.texts)
    predictions, seconds = {}, {}
    for name in (*BASELINES, ROUTER):
        started = time.perf_counter()
        if name == ROUTER:
            predictor = routoo.train(outcomes, pool, seed=seed, progress=False)
            predictions[name] = predictor.predict(judged.texts)
        elif name != "domain table" or any(outcomes.domains or ()):
            predictions[name] = (
                BASELINES[name](embed).fit(outcomes, pool).predict(judged.texts, judged.domains)
            )
        seconds[name] = time.perf_counter() - started
        console.print(f"{name}: {seconds[name]:.1f} s", style="dim")
    return evaluate(outcomes, predictions, pool=pool, router=ROUTER, seed=seed), seconds


def table_of(found: Evaluation, seconds: dict[str, float]) -> Table:
    """The rows of the methods."""
    title = f"{found.data}: {found.n_prompts:,} prompts"
    table = Table("", *FIGURES, f"area over {ROUTER}", "s", title=title)
    for row in found.rows:
        if row.name in seconds:
            table.add_row(row.name, *_cells(row), f"{seconds[row.name]:.0f}")
    return table


def _cells(row: PolicyMetrics) -> list[str]:
    values = row.to_dict()
    cells = [_shown(values.get(figure)) for figure in FIGURES]
    over = row.over_reference
    return [*cells, "" if over is None else f"{over.value:+.4f} [{over.low:+.4f}, {over.high:+.4f}]"]


def _shown(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.4f}"


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--pool", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="folder for a JSON file of the table")
    given = parser.parse_args()
    outcomes = routoo.Outcomes.read(given.data)
    pool = pool_for(outcomes, given.data, given.pool)
    console = Console(width=150)
    found, seconds = run(outcomes.with_split(), pool, seed=given.seed, console=console)
    console.print(table_of(found, seconds))
    if given.output is not None:
        given.output.mkdir(parents=True, exist_ok=True)
        rows = {"rows": [row.to_dict() for row in found.rows], "seconds": seconds}
        (given.output / f"{found.data}.json").write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
