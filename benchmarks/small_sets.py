"""How many recorded prompts a predictor needs: the default beside the baselines, from a hundred prompts on.

    python benchmarks/small_sets.py FOLDER... [--pool pool.toml ...] [--variant plain] [--draws 5]
        [--output rows.jsonl] [--figure docs/small_sets.svg]

For each number of models and of prompts, some of each are drawn outside the test part, which stays whole. All
methods choose by each model's mean cost on the prompts drawn, so that only what they say of scores differs;
`area` is the mean score over all budgets from the cheapest model's cost to the best one's, paid at what the
calls cost. The difference is the default less the best baseline that reads the text alone, picked for each
line in hindsight; ± is a standard error over resamples of the test prompts and of the draws. The domain table
observes the true domains, and does not count as one of these. Where tokens were recorded, the default also
chooses by what it expects each call to cost, as it does when it is used, beside baselines that know the means
alone: "by predicted costs" is what it then has above the same one.

The last column says how many groups of test prompts had a mean score within its 90 % interval, widened by
the luck of the answers. Variants are described in `set_variants.py`.

Rows are written as they come, and those that are there are not made again: a file of rows belongs to one
version of the code.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from set_variants import VARIANTS, drawn_models, drawn_prompts
from small_sets_shown import DEFAULT, PREDICTED, Journal, Row, save, summary, table

import routoo
from routoo.commands.pools import pool_for
from routoo.data.costs.recorded_costs import recorded_cost_usd
from routoo.data.curves import area, best_single, choices, routing_area
from routoo.data.errors import RoutooError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.scores import Scores, priced_scores
from routoo.evaluation.metrics.coverage import coverage_of
from routoo.evaluation.metrics.reliability import brier
from routoo.evaluation.trial.bootstrap import Resamples
from routoo.models.baselines.base_learner import Embed
from routoo.models.baselines.registry import BASELINES
from routoo.models.encoder.encoder import MINILM
from routoo.models.encoder.features import EncoderFeatures
from routoo.models.network.predicting import predict_inputs
from routoo.models.training.options import default_cache_dir

SIZES = (100, 200, 400, 900, 2000, 5000)
MODELS = (2, 9, 26)
LEVEL = 0.9
_RUN = ("seed", "samples")  # rows of another run may be in the same file
_WIDTH = 205  # of the table, be it a terminal or a file

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cell:
    """One draw that all methods learn from.

    Args:
        data: Name of the outcomes.
        variant: One of `VARIANTS`.
        models: How many models.
        prompts: How many prompts are learned from.
        draw: Number of the draw.
        seed: Of the whole benchmark.
        samples: Resamples behind the errors.
    """

    data: str
    variant: str
    models: int
    prompts: int
    draw: int
    seed: int
    samples: int

    def random(self, what: int) -> np.random.Generator:
        """The same for every size, so that larger draws hold the smaller ones."""
        return np.random.default_rng([self.seed, self.draw, what])


@dataclass(frozen=True, eq=False)
class Judged:
    """The test prompts of a cell, and what is needed to judge predictions of them."""

    outcomes: Outcomes
    score: Array
    cost: Array
    expected: Array
    resamples: Resamples

    @classmethod
    def of(cls, outcomes: Outcomes, pool: Pool, resamples: Resamples) -> Judged:
        test = outcomes.part("test")
        mean = np.nanmean(recorded_cost_usd(outcomes.part("train", "val"), pool), axis=0)
        cost = recorded_cost_usd(test, pool)
        cost = np.where(np.isnan(cost), mean, cost)
        score = test.to_matrices(pool.names).score
        return cls(test, score, cost, np.broadcast_to(mean, cost.shape), resamples)

    def figures(self, scores: Scores, expected: Array) -> dict[str, Any]:
        """What choosing by predictions and by these costs is worth, as JSON values."""
        p = scores.p_correct.astype(np.float64)
        found = coverage_of(scores, self.score, self.outcomes.domains)
        held = next((level.held for level in found if level.level == LEVEL), None)
        value = routing_area(p, expected, self.score, self.cost)
        if math.isnan(value):
            return {"refused": "the cheapest model is the best: nothing is to trade"}
        resampled = [round(sample, 6) for sample in self.resampled(p, expected)]
        return {"area": value, "resampled": resampled, "brier": brier(p, self.score), "held": held}

    def resampled(self, p: Array, expected: Array) -> list[float]:
        """The area on each resample of the prompts, between the same two models."""
        score = np.where(np.isnan(self.score), np.nanmean(self.score, axis=0), self.score)
        singles = np.c_[self.cost.mean(0), score.mean(0)]
        ends = [int(singles[:, 0].argmin()), best_single(singles)]
        chosen = choices(p, expected)
        rows = np.arange(len(p))
        cost, value = (
            self.resamples.means(np.hstack([matrix[rows, chosen].T, matrix[:, ends]]))
            for matrix in (self.cost, score)
        )
        points = np.stack([cost, value], axis=2)
        return [area(drawn[:-1], *sorted(drawn[-2:, 0].tolist())) for drawn in points]


def measured(cell: Cell, outcomes: Outcomes, pool: Pool, features: Embed, skip: set[str]) -> Iterator[Row]:
    """A row a method that is not to be skipped; of the default one more where it predicts costs."""
    chosen = drawn_models(outcomes, pool, cell.models, cell.random(0))
    drawn = drawn_prompts(outcomes.select(chosen.names), cell.prompts, cell.random(1))
    judged = Judged.of(drawn, chosen, Resamples(len(drawn.part("test")), cell.samples, cell.seed))
    for name in (DEFAULT, *BASELINES):
        if name in skip:
            continue
        started = time.perf_counter()
        rows: dict[str, dict[str, Any]] = {}
        try:
            scores = _predicted(name, drawn, chosen, features, seed=cell.seed + cell.draw)
            rows[name] = judged.figures(scores, judged.expected)
            if name == DEFAULT and not scores.nominal_costs:
                rows[PREDICTED] = judged.figures(scores, scores.cost_usd.astype(np.float64))
        except RoutooError as error:
            rows[name] = {"refused": str(error)}
        for method, found in rows.items():
            yield {**asdict(cell), "method": method, **found, "seconds": time.perf_counter() - started}


def _predicted(name: str, outcomes: Outcomes, pool: Pool, features: Embed, *, seed: int) -> Scores:
    """Predictions for the test prompts by the method of this name."""
    test = outcomes.part("test")
    if name != DEFAULT:
        fitted = BASELINES[name](lambda texts: features(texts)[:, :-1]).fit(outcomes, pool)
        return fitted.predict(test.texts, test.domains)
    trained = routoo.train(outcomes, pool, seed=seed, progress=False).trained
    found = predict_inputs(trained.network, features(test.texts), np.arange(len(test)))
    outputs = {name: value.numpy() for name, value in found._asdict().items()}
    sent = trained.tokenizer.encode(test.texts).input_tokens[:, None] * trained.input_token_ratio
    return priced_scores(trained.pool, sent, **outputs, unrecorded=trained.unrecorded)


def cells(outcomes: Outcomes, pool: Pool, variant: str, given: argparse.Namespace) -> list[Cell]:
    """All cells of a set, as many models and prompts as there are at the most."""
    learned = len(outcomes.part("train", "val"))
    sizes = sorted({min(size, learned) for size in (*given.sizes, *(() if given.at_most else (learned,)))})
    models = sorted({min(count, len(pool)) for count in given.models})
    return [
        Cell(outcomes.name, variant, count, size, draw, given.seed, given.samples)
        for count in models
        for size in sizes
        for draw in range(given.draws)
    ]


def run(given: argparse.Namespace, journal: Journal, console: Console) -> None:
    """Measures every cell of every set that the journal lacks."""
    bar = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    pools = given.pool or [None] * len(given.data)
    with Progress(*bar, console=console) as progress:
        for folder, path in zip(given.data, pools, strict=True):
            recorded = Outcomes.read(folder)
            pool = pool_for(recorded, folder, path)
            recorded = recorded.select(pool.names).with_split(seed=given.seed)
            features = EncoderFeatures(MINILM, cache_dir=default_cache_dir())
            for variant in given.variant:
                outcomes = VARIANTS[variant](recorded, np.random.default_rng(given.seed))
                wanted = cells(outcomes, pool, variant, given)
                task = progress.add_task(f"{outcomes.name}, {variant}", total=len(wanted))
                for cell in wanted:
                    known = journal.methods_of(asdict(cell))
                    if not known.issuperset((DEFAULT, *BASELINES)):
                        for row in measured(cell, outcomes, pool, features, known):
                            journal.add(row)
                    progress.advance(task)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--pool", type=Path, nargs="+", help="one a folder, in the same order")
    parser.add_argument("--variant", nargs="+", choices=VARIANTS, default=["plain"])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of prompts")
    parser.add_argument("--at-most", action="store_true", help="no more prompts than the largest of --sizes")
    parser.add_argument("--models", type=int, nargs="+", default=MODELS, help="numbers of models")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--samples", type=int, default=100, help="resamples of the test prompts")
    parser.add_argument("--output", type=Path, help="file of rows, JSON a line; goes on where it ends")
    parser.add_argument("--figure", type=Path, help="draws the curves, as SVG")
    given = parser.parse_args(arguments)
    if given.pool and len(given.pool) != len(given.data):
        parser.error(f"--pool: expected one a folder, {len(given.data)}, got {len(given.pool)}")
    for name, least in (("sizes", 20), ("models", 2), ("draws", 1), ("samples", 2)):
        values = getattr(given, name)
        if min(values if isinstance(values, list | tuple) else [values]) < least:
            parser.error(f"--{name} must be at least {least}")
    journal = Journal(given.output)
    run(given, journal, Console(stderr=True))
    found = summary([row for row in journal.rows if all(row[key] == getattr(given, key) for key in _RUN)])
    Console(width=_WIDTH).print(table(found))
    if given.figure is not None:
        save(found, given.figure)


if __name__ == "__main__":
    main()
