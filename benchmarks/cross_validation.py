"""Cross-validates the default predictor on the prompts of a folder that are not in its test part.

    python benchmarks/cross_validation.py FOLDER [--pool pool.toml] [--folds 5] [--seed 0]

The test part is left out altogether. Each fold in turn is judged by a router that was trained with the
default options on the others, a tenth of them for validation: once from the text alone, once with the domains
observed; near-duplicates are in one fold. Predictions of all folds are then judged as one set, beside the
domain table and the nearest neighbours of the same folds, with differences over resamples of prompts. There
are more prompts than a test part has: where that is too small to tell two rows apart, this may.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

import routoo
from routoo.commands.pools import pool_for
from routoo.data.near_duplicates import near_duplicate_groups
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.scores import Scores
from routoo.evaluation.evaluate import evaluate
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.experiment import ROUTER, baselines
from routoo.evaluation.in_words import signed
from routoo.models.encoder.encoder import MINILM
from routoo.models.encoder.features import EncoderFeatures
from routoo.models.training.options import default_cache_dir

OBSERVED = "routoo, observed"
FIGURES = ("auc", "brier", "area", "closed", "cost@0.95")
_WIDTH = 130  # of the table, be it a terminal or a file
_VALIDATION = 10  # one prompt in so many


def folds_of(outcomes: Outcomes, folds: int, seed: int) -> list[Outcomes]:
    """The outcomes once a fold, that fold being the test part and the rest train and val."""
    group = near_duplicate_groups(outcomes.texts)
    place = np.random.default_rng(seed).permutation(group.max() + 1)[group]
    found = []
    for fold in range(folds):
        held, validating = place % folds == fold, place // folds % _VALIDATION == 0
        part = np.where(held, "test", np.where(validating, "val", "train"))
        prompts = outcomes.prompts.with_columns(pl.Series("split", part.tolist()))
        found.append(Outcomes(prompts, outcomes.outcomes, outcomes.name))
    return found


def predicted(outcomes: Outcomes, pool: Pool, seed: int) -> dict[str, Scores]:
    """What the router and the baselines, trained on the other folds, say of the test part."""
    predictor = routoo.train(outcomes, pool, seed=seed)
    judged = outcomes.part("test")
    embed = EncoderFeatures(MINILM, last_layer=True, cache_dir=default_cache_dir())
    found = {ROUTER: predictor.predict(judged.texts)}
    if predictor.trained.domains:
        found[OBSERVED] = predictor.predict(judged.texts, judged.domains)
    return found | baselines(outcomes, pool, judged, embed=embed)


def cross_validate(
    outcomes: Outcomes, pool: Pool, *, folds: int, seed: int, console: Console
) -> list[Evaluation]:
    """All prompts outside the test part, each judged by what did not learn from it; also as observed."""
    left = outcomes.with_split(seed=seed).part("train", "val")
    parts: dict[str, list[Scores]] = defaultdict(list)
    ids: list[str] = []
    for number, fold in enumerate(folds_of(left, folds, seed), start=1):
        started = time.perf_counter()
        ids += fold.part("test").prompt_ids
        for name, scores in predicted(fold, pool, seed).items():
            parts[name].append(scores.columns(pool.names))
        console.print(f"fold {number} of {folds}: {time.perf_counter() - started:.0f} s", style="dim")
    judged = left.prompts.with_columns(pl.lit("test").alias("split"))
    found = {
        name: Scores(
            np.concatenate([part.p_correct for part in said]),
            np.concatenate([part.cost_usd for part in said]),
            models=pool.names,
            prompt_ids=ids,
        )
        for name, said in parts.items()
    }
    recorded = Outcomes(judged, left.outcomes, left.name)
    return [evaluate(recorded, found, pool=pool, router=name) for name in (ROUTER, OBSERVED) if name in found]


def table(found: Evaluation, folds: int) -> Table:
    """The rows, and what the router has above each."""
    title = f"{found.data}, {found.n_prompts:,} prompts outside the test part, {folds} folds"
    grid = Table("", *FIGURES, f"area of {found.router} above it", title=title)
    for row in found.rows:
        values = row.to_dict()
        shown = ["–" if (value := values.get(figure)) is None else f"{value:.4f}" for figure in FIGURES]
        gap = None if row.name == found.router else found.over(row.name).metrics.get("area")
        grid.add_row(row.name, *shown, "" if gap is None else signed(gap))
    return grid


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--pool", type=Path)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    if chosen.folds < 2:
        parser.error(f"--folds must be at least 2, got {chosen.folds}")
    console = Console(width=_WIDTH)
    outcomes = Outcomes.read(chosen.data)
    pool = pool_for(outcomes, chosen.data, chosen.pool)
    outcomes = outcomes.select(pool.names)
    for found in cross_validate(outcomes, pool, folds=chosen.folds, seed=chosen.seed, console=console):
        console.print(table(found, chosen.folds))


if __name__ == "__main__":
    main()
