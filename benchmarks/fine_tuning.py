"""What fine-tuning the encoder is worth beside leaving it frozen.

    python benchmarks/fine_tuning.py FOLDER [--pool POOL.toml] [--prompts 2400] [--tokens 128] [--seed 0]
        [--settings NAME ...]

All settings have the same prompts of the training part and of validation, of which half as many as for
training at the most. A third of these belongs to the training, as validation does, and the rest judges; test
prompts are not looked at. The area is that of choosing by each model's mean cost, so that scores alone
decide it. Seconds are of training, with nothing at hand from earlier runs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from rich.console import Console
from rich.table import Table
from scipy.special import xlogy

import routoo
from routoo.commands.pools import pool_for
from routoo.data.costs.recorded_costs import recorded_cost_usd
from routoo.data.curves import routing_area
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.evaluation.in_words import number
from routoo.evaluation.metrics.reliability import brier
from routoo.evaluation.metrics.undefined import mean_known

Array = npt.NDArray[np.float64]
Options = Mapping[str, Any]  # Any: fields of TrainOptions, which checks them

_LAST: Options = {"tune": "last", "tuned_layers": 2, "epochs": 3, "batch_size": 64}

SETTINGS: Mapping[str, Options] = {
    "frozen": {},
    "last-1": {**_LAST, "tuned_layers": 1},
    "last-2": _LAST,
    "last-2-slow": {**_LAST, "encoder_learning_rate": 2e-5},
    "last-2-even": {**_LAST, "layer_decay": 1.0},
    "last-2-short": {**_LAST, "max_tokens": 64},
    "full": {"tune": "full", "epochs": 3, "batch_size": 64},
}
"""Options of training by the name of the setting, where they are not the default ones."""

_WIDTH = 130  # of the table, be it a terminal or a file
_LEAST = 1e-7  # probability that a cross-entropy is taken of


@dataclass(frozen=True)
class Judged:
    """A setting on the prompts that judge."""

    name: str
    cross_entropy: float
    brier: float
    area: float
    seconds: float


def drawn(outcomes: Outcomes, n_prompts: int, seed: int) -> Outcomes:
    """So many training prompts, and those of validation parted into what belongs to it and what judges."""
    draw = np.random.default_rng(seed)
    train, val = (draw.permutation(outcomes.part(part).prompt_ids).tolist() for part in ("train", "val"))
    train, val = train[:n_prompts], val[: n_prompts // 2]
    validating, judging = val[: len(val) // 3], val[len(val) // 3 :]
    part = dict.fromkeys(train, "train") | dict.fromkeys(validating, "val") | dict.fromkeys(judging, "test")
    kept = outcomes.subset(list(part))
    split = pl.Series("split", [part[prompt_id] for prompt_id in kept.prompt_ids])
    return Outcomes(kept.prompts.with_columns(split), kept.outcomes, outcomes.name)


def judge(name: str, outcomes: Outcomes, pool: Pool, *, tokens: int, seed: int) -> Judged:
    """Trains one setting, and judges it on what `drawn` put into test."""
    options = {"max_tokens": tokens, **SETTINGS[name]}
    started = time.perf_counter()
    predictor = routoo.train(outcomes, pool, seed=seed, cache_dir=None, progress=False, **options)
    seconds = time.perf_counter() - started
    judged = outcomes.part("test")
    score = judged.to_matrices(pool.names).score
    p = predictor.predict(judged.texts).p_correct.astype(np.float64)
    return Judged(
        name, cross_entropy(p, score), brier(p, score), area_by_mean_cost(p, score, outcomes, pool), seconds
    )


def cross_entropy(p_correct: Array, score: Array) -> float:
    """Mean over the scores that are known."""
    p = p_correct.clip(_LEAST, 1 - _LEAST)
    return mean_known(-(xlogy(score, p) + xlogy(1 - score, 1 - p)))


def area_by_mean_cost(p_correct: Array, score: Array, outcomes: Outcomes, pool: Pool) -> float:
    """The area of choosing by mean costs of the other prompts; these stand for costs that are missing too."""
    means = np.nanmean(recorded_cost_usd(outcomes.part("train", "val"), pool), axis=0)
    cost = recorded_cost_usd(outcomes.part("test"), pool)
    expected = np.broadcast_to(means, cost.shape)
    return routing_area(p_correct, expected, score, np.where(np.isnan(cost), expected, cost))


def table(found: list[Judged], title: str) -> Table:
    """A row a setting."""
    shown = Table("", "options", "cross-entropy", "brier", "area", "s", title=title)
    for row in found:
        options = ", ".join(f"{key} {value}" for key, value in SETTINGS[row.name].items())
        figures = (number(value) for value in (row.cross_entropy, row.brier, row.area))
        shown.add_row(row.name, options, *figures, f"{row.seconds:.0f}")
    return shown


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--pool", type=Path)
    parser.add_argument("--prompts", type=int, default=2400, help="training prompts, drawn by the seed")
    parser.add_argument("--tokens", type=int, default=128, help="tokens of a prompt that are read")
    parser.add_argument("--seed", type=int, default=0)
    names = list(SETTINGS)
    parser.add_argument(
        "--settings", nargs="+", choices=names, default=names, metavar="NAME", help=f"of {', '.join(names)}"
    )
    chosen = parser.parse_args()
    if chosen.prompts < 6:
        parser.error(f"--prompts must be at least 6, got {chosen.prompts}")  # else nothing validates
    outcomes = Outcomes.read(chosen.data)
    pool = pool_for(outcomes, chosen.data, chosen.pool)
    outcomes = drawn(outcomes.select(pool.names).with_split(seed=chosen.seed), chosen.prompts, chosen.seed)
    console = Console(width=_WIDTH)
    found = []
    for name in chosen.settings:
        found.append(judge(name, outcomes, pool, tokens=chosen.tokens, seed=chosen.seed))
        area, seconds = number(found[-1].area), found[-1].seconds
        console.print(f"{name}: area {area}, {seconds:.0f} s", style="dim", highlight=False)
    train, val, judging = (len(outcomes.part(part)) for part in ("train", "val", "test"))
    title = (
        f"{outcomes.name}: {train:,} prompts train, {val:,} validate, {judging:,} judge; seed {chosen.seed}"
    )
    console.print(table(found, title))


if __name__ == "__main__":
    main()
