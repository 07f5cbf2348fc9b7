"""How many scored prompts a new model needs: each model of a pool is held out in turn and added again.

    python benchmarks/new_model.py FOLDER [--pool pool.toml] [--seed 0] [--output docs/new_model.svg]

For each model: train on all others, then add the model from a few training prompts, and judge the whole pool
on the test prompts by `area`, the mean score over all budgets from the cheapest model's cost to the best's.
Training is by the default options, once for each model. Compared at each number of prompts:

- own mean: the model's column is the mean of its scores and tokens, the same for every prompt;
- added, alone: `Predictor.add_model`, from prompts drawn at random of which the others have no scores;
- added: the same, where they have, as they do on the prompts they were trained on;

and beside them the pool without the model, and training on all prompts of all models (mean of three seeds).
Intervals hold 95 % of means over held-out models, each averaged over its draws. The area is paid at what the
calls really cost. Brier is that of the new model alone. The last column says how many groups of prompts had a
mean score of the new model within its 90 % interval, widened by the luck of the answers.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import altair as alt
import numpy as np
import numpy.typing as npt
import polars as pl
import torch
from rich.console import Console
from rich.table import Table

import routoo
from routoo.commands.pools import pool_for
from routoo.data.costs.recorded_costs import recorded_cost_usd
from routoo.data.curves import routing_area
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.scores import Scores
from routoo.data.text import EncodedPrompts
from routoo.evaluation.metrics.coverage import coverage_of
from routoo.evaluation.metrics.reliability import brier
from routoo.models.adding.new_model import with_column
from routoo.models.encoder.encoder import load_encoder
from routoo.models.encoder.feature_cache import Features
from routoo.models.encoder.features import prompt_features
from routoo.models.evidence.evidence import Column, Predictions
from routoo.models.network.network import RouterNetwork
from routoo.models.network.predicting import predict_inputs
from routoo.models.training.options import default_cache_dir
from routoo.models.training.targets import Targets, targets_of

COUNTS = (20, 50, 100, 200, 500)
DRAWS = 2
LEVEL = 0.9
_WIDTH = 130  # of the table, be it a terminal or a file
CEILING_SEEDS = 3
_LAST = {"brier": ".4f", "held": ".1%"}
OWN_MEAN, ALONE, ADDED = "own mean", "added, alone", "added"

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Recorded:
    """Everything that was recorded, with the features of all prompts."""

    outcomes: Outcomes
    pool: Pool
    encoded: EncodedPrompts
    features: Features
    ratio: Array
    score: Array
    cost: Array
    fitting: Rows
    judged: Rows

    @classmethod
    def of(cls, outcomes: Outcomes, pool: Pool, predictor: routoo.Predictor) -> Recorded:
        encoded = predictor.trained.tokenizer.encode(outcomes.texts)
        part = outcomes.prompts["split"].to_numpy()
        cost = recorded_cost_usd(outcomes, pool)
        seen = np.flatnonzero(part != "test")
        judged = np.flatnonzero(part == "test")
        encoder = load_encoder(predictor.trained_on["encoder"])
        features = np.empty((len(outcomes), predictor.trained.network.config.heads.n_features), np.float32)
        for rows in (seen, judged):  # what training read is in the cache
            features[rows] = prompt_features(
                encoder,
                encoded.rows(rows),
                predictor.trained.network.config.layers,
                cache_dir=default_cache_dir(),
            )
        cost = np.where(np.isnan(cost), np.nanmean(cost[seen], axis=0), cost)
        ratio = predictor.trained.input_token_ratio.astype(np.float64)
        score = outcomes.to_matrices(pool.names).score
        fitting = np.flatnonzero(part == "train")
        return cls(outcomes, pool, encoded, features, ratio, score, cost, fitting, judged)

    def area(self, found: Predictions, models: tuple[str, ...], *, without: int | None = None) -> float:
        """The area of what is said of the test prompts, a column for each of these; one may be unused."""
        order = [models.index(name) for name in self.pool.names]
        p = found.p_correct.double().numpy()[:, order]
        sent = self.encoded.input_tokens[self.judged, None] * self.ratio
        expected = self.pool.cost_usd(sent, found.output_tokens.double().numpy()[:, order])
        if without is not None:
            p[:, without] = -1.0
        return routing_area(p, expected, self.score[self.judged], self.cost[self.judged])

    def last(self, found: Predictions, at: int) -> dict[str, float]:
        """Brier of the last column, the model `at` in the pool, and the share of its intervals that hold."""
        p, std = (values[:, -1:].numpy() for values in (found.p_correct, found.logit_std))
        scores = Scores(p, np.ones_like(p), models=("new",), logit_std=std)
        domains = self.outcomes.domains
        named = None if domains is None else [domains[row] for row in self.judged]
        score = self.score[self.judged][:, [at]]
        levels = coverage_of(scores, score, named)
        held = next((level.held for level in levels if level.level == LEVEL), math.nan)
        return {"brier": brier(p.astype(np.float64), score), "held": held}

    def said(self, network: RouterNetwork) -> Predictions:
        """What a network says of the test prompts."""
        return predict_inputs(network, self.features, self.judged)


def held_out(data: Recorded, at: int, *, seed: int) -> Iterator[dict[str, object]]:
    """Rows of the curve of one model: by how many prompts, how they were come by, and the area."""
    name = data.pool.names[at]
    others = tuple(other for other in data.pool.names if other != name)
    predictor = _train(data.outcomes, data.pool.select(others), seed)
    network, models = predictor.trained.network, (*others, name)
    in_train = np.isin(np.arange(len(data.outcomes)), data.fitting)
    targets = targets_of(data.outcomes, models, fitting=in_train)
    usable = data.fitting[~np.isnan(targets.score[data.fitting, -1])]
    unused = _own_mean(network, targets.rows(usable))
    yield {
        "model": name,
        "how": "without",
        "prompts": 0,
        "area": data.area(data.said(unused), models, without=at),
    }
    for count in COUNTS:
        for draw in range(DRAWS):
            rows = np.random.default_rng([seed, at, draw]).permutation(usable)[:count]
            known = targets.rows(rows)
            ways = {
                OWN_MEAN: _own_mean(network, known),
                ALONE: _added(network, data.features[rows], _alone(known)),
                ADDED: _added(network, data.features[rows], known),
            }
            for how, added in ways.items():
                found = data.said(added)
                row = {"model": name, "how": how, "prompts": count, "area": data.area(found, models)}
                yield {**row, **data.last(found, at)}


def _train(outcomes: Outcomes, pool: Pool, seed: int) -> routoo.Predictor:
    return routoo.train(outcomes, pool, seed=seed, progress=False, cache_dir=default_cache_dir())


def _added(network: RouterNetwork, features: Features, known: Targets) -> RouterNetwork:
    return with_column(network, features, known, known.observed)


def _alone(known: Targets) -> Targets:
    """What was recorded of the last model only."""
    score = known.score.copy()
    score[:, :-1] = np.nan
    return replace(known, score=score)


def _own_mean(network: RouterNetwork, known: Targets) -> RouterNetwork:
    """The network with a column for the last model that says the same of every prompt."""
    evidence = network.fitted
    columns = [evidence.column(at) for at in range(evidence.config.n_models)]
    flat = {name: torch.zeros_like(values) for name, values in columns[0]._asdict().items()}
    flat["level"] = torch.tensor(float(known.score[:, -1].mean()))
    for name, recorded in (("tokens", known.log_tokens), ("latency", known.log_latency)):
        if recorded is not None:
            flat[name][-1] = float(np.log(np.exp(recorded[:, -1]).mean()))
    noise = torch.eye(len(columns) + 1)
    return network.attach(evidence.with_columns([*columns, Column(**flat)], noise))


def summary(found: pl.DataFrame, full: float) -> pl.DataFrame:
    """Mean area by way and count, the gain on the pool without the model, and the rest to full training."""
    alone = found.filter(how="without").select("model", pl.col("area").alias("alone"))
    per_model = found.group_by("model", "how", "prompts").agg(pl.col("area", "brier", "held").mean())
    gaps = per_model.join(alone, on="model").with_columns(
        gain=pl.col("area") - pl.col("alone"), left=full - pl.col("area")
    )

    def half(column: str) -> pl.Expr:
        return 1.96 * pl.col(column).std() / pl.len().sqrt()

    return (
        gaps.group_by("how", "prompts")
        .agg(
            pl.col("area", "brier", "gain", "left", "held").mean(),
            half("gain").alias("gain_half"),
            half("left").alias("left_half"),
        )
        .sort("how", "prompts")
    )


def table(rows: pl.DataFrame, full: float, title: str) -> Table:
    """The curve in figures."""
    grid = Table(
        *("", "prompts", "area", "over the pool without it", "below all prompts", "brier"),
        f"{LEVEL:.0%} intervals hold",
        title=title,
    )
    for row in rows.to_dicts():
        gain = f"{row['gain']:+.4f} ± {row['gain_half']:.4f}" if row["how"] != "without" else ""
        left = f"{row['left']:.4f} ± {row['left_half']:.4f}"
        score, held = ("" if row[key] is None else format(row[key], to) for key, to in _LAST.items())
        grid.add_row(row["how"], str(row["prompts"]), f"{row['area']:.4f}", gain, left, score, held)
    grid.add_row("all prompts", "", f"{full:.4f}", "", "", "", "")
    return grid


def save(rows: pl.DataFrame, full: float, path: Path) -> None:
    """Draws the curves with their intervals, and lines for the pool without the model and for all prompts."""
    curves = rows.filter(pl.col("how") != "without").with_columns(
        low=pl.col("area") - pl.col("left_half"), high=pl.col("area") + pl.col("left_half")
    )
    marks = pl.DataFrame(
        {
            "area": [full, rows.filter(how="without")["area"].item()],
            "how": ["all prompts", "without the model"],
        }
    )
    names = [ADDED, ALONE, OWN_MEAN, "all prompts", "without the model"]
    colour = alt.Color(
        "how:N",
        sort=names,
        title=None,
        legend=alt.Legend(symbolOpacity=1),
        scale=alt.Scale(domain=names, range=["#1b6ca8", "#58a4d6", "#d08a2e", "#3a3a3a", "#9a9a9a"]),
    )
    x = alt.X(
        "prompts:Q",
        scale=alt.Scale(type="log", domain=[COUNTS[0] * 0.8, COUNTS[-1] * 1.2], nice=False),
        axis=alt.Axis(values=list(COUNTS), format="d"),
        title="prompts scored",
    )
    y = alt.Y("area:Q", scale=alt.Scale(zero=False), title="area")
    lines = alt.Chart(curves).mark_line(point=True).encode(x=x, y=y, color=colour)
    bands = alt.Chart(curves).mark_area(opacity=0.15).encode(x=x, y="low:Q", y2="high:Q", color=colour)
    rules = alt.Chart(marks).mark_rule(strokeDash=[5, 4]).encode(y=y, color=colour)
    alt.layer(bands, rules, lines).properties(width=520, height=300).save(path)


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--pool", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1] / "docs" / "new_model.svg")
    parser.add_argument("--models", type=int, help="hold out just the first so many")
    chosen = parser.parse_args()
    if chosen.models is not None and chosen.models < 2:
        parser.error(f"--models must be at least 2, for a range to be had; got {chosen.models}")
    console = Console(width=_WIDTH)
    outcomes = Outcomes.read(chosen.data)
    pool = pool_for(outcomes, chosen.data, chosen.pool)
    outcomes = outcomes.select(pool.names).with_split(seed=chosen.seed)
    started = time.perf_counter()
    whole = [_train(outcomes, pool, chosen.seed + more) for more in range(CEILING_SEEDS)]
    data = Recorded.of(outcomes, pool, whole[0])
    full = float(np.mean([data.area(data.said(each.trained.network), pool.names) for each in whole]))
    rows: list[dict[str, object]] = []
    for at in range(len(pool) if chosen.models is None else chosen.models):
        rows += held_out(data, at, seed=chosen.seed)
        console.print(f"{pool.names[at]} held out, {time.perf_counter() - started:.0f} s", style="dim")
    found = summary(pl.DataFrame(rows, infer_schema_length=None), full)
    title = f"{outcomes.name}, {len(pool)} models, {len(data.judged):,} test prompts, seed {chosen.seed}"
    console.print(table(found, full, title))
    save(found, full, chosen.output)


if __name__ == "__main__":
    main()
