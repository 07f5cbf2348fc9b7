"""Estimators side by side on a folder of recorded outcomes: what each is worth for routing.

    python benchmarks/estimators.py FOLDER [--pool pool.toml] [--seed 0] [--output OUT]

All see the same features of the same frozen trunk, computed once and kept on disk. What an estimator has to
choose, it chooses on the prompts in train and val; the table is of those in test. The last column is the
area of a row less that of the ensemble, with its 95 % range over resamples of the prompts.

`avengers` is the published rule (arXiv 2508.12631): 60 clusters, the four nearest, score and cost scaled to
0..1 within each cluster, weighed against one another by one number. Its scores are no probabilities, so that
brier and ece do not apply to it.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from rich.table import Table

import routoo
from routoo.commands.pools import pool_for
from routoo.data.batch import prompt_texts
from routoo.data.chat import Prompt
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.recorded_costs import recorded_cost_usd
from routoo.data.scores import Scores
from routoo.evaluation.evaluate import evaluate
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.figures import Figures
from routoo.models.baselines import DomainTable, SingleModelMeans
from routoo.models.encoder.trunk import MINILM
from routoo.models.ensemble import expert_fits
from routoo.models.estimator import Estimator
from routoo.models.estimators import (
    Embed,
    ExpertEstimator,
    NearestExemplars,
    NetworkEstimator,
    TrunkFeatures,
)
from routoo.models.expert_fits import fit_clusters
from routoo.models.experts import Clusters
from routoo.models.training.options import TrainOptions, default_cache_dir
from routoo.models.training.targets import targets_of

ENSEMBLE = "ensemble"
AVENGERS = "avengers"
FIGURES = ("auc", "brier", "ece", "area", "closed", "cost@0.95")

Array = npt.NDArray[np.float64]


class Avengers:
    """The rule of Avengers-Pro, to the letter but for the encoder.

    ``alpha * score + (1 - alpha) * (1 - cost)``, both scaled within each cluster and summed over the nearest
    clusters, is maximised by ``score - price * cost`` with ``price = (1 - alpha) / alpha``: a prediction
    whose costs are relative, by which it chooses; what it pays is on record.

    Args:
        embed: Prompts to embeddings.
    """

    def __init__(self, embed: Embed) -> None:
        self.embed = embed

    def fit(self, outcomes: Outcomes, pool: Pool) -> Self:
        """Clusters the prompts in ``train`` and ``val``, and profiles each model in each cluster."""
        known = outcomes.select(pool.names).part("train", "val")
        targets = targets_of(known, pool.names, fitting=np.ones(len(known), bool))
        features = self.embed(known.texts)
        clusters = fit_clusters(features, targets, n_clusters=60, nearest=4, strength=0.0)
        assert isinstance(clusters, Clusters)  # for the type checker
        vectors = clusters.embedding(torch.from_numpy(features))
        group = (vectors @ clusters.centres.T).argmax(1).numpy()
        cost = recorded_cost_usd(known, pool)
        means = np.nanmean(cost, axis=0)
        per_cluster = [np.where(np.isnan(c), means, c).mean(0) for c in _split(cost, group, clusters)]
        self.clusters, self.models = clusters, pool.names
        self.score, self.cost = _scaled(clusters.mean.double().numpy()), _scaled(np.array(per_cluster))
        return self

    def predict(self, prompts: Iterable[Prompt], domains: Iterable[str | None] | None = None) -> Scores:
        """Scaled scores and costs, averaged over each prompt's nearest clusters."""
        share = self.clusters.membership(torch.from_numpy(self.embed(prompt_texts(prompts)))).double().numpy()
        score, cost = (share @ table for table in (self.score, self.cost))
        return Scores(score.clip(0, 1).astype(np.float32), cost.astype(np.float32), models=self.models)


def _split(values: Array, group: npt.NDArray[np.int64], clusters: Clusters) -> list[Array]:
    return [values[group == at] for at in range(clusters.config.size)]


def _scaled(table: Array) -> Array:
    """Each row from 0, its least, to 1, its most."""
    low, high = table.min(1, keepdims=True), table.max(1, keepdims=True)
    return np.asarray((table - low) / np.maximum(high - low, 1e-12), np.float64)


def estimators(outcomes: Outcomes, pool: Pool, *, seed: int) -> dict[str, Callable[[], Estimator]]:
    """Every estimator that the outcomes allow, by name, made when it is asked for."""
    features = TrunkFeatures(MINILM, cache_dir=default_cache_dir())
    last_layer = TrunkFeatures(MINILM, cache_dir=default_cache_dir(), last_layer=True)
    known = outcomes.select(pool.names).part("train", "val")
    targets = targets_of(known, pool.names, fitting=np.ones(len(known), bool))
    network = partial(TrainOptions, seed=seed, progress=False)
    found: dict[str, Callable[[], Estimator]] = {"single model means": SingleModelMeans}
    if len(targets.domains) > 1:
        found["domain table, domain known"] = DomainTable
    found["100 nearest, plain"] = partial(NearestExemplars, last_layer)
    found[AVENGERS] = partial(Avengers, last_layer)
    for name, fit in expert_fits(targets).items():
        if name != "means":
            found[name] = partial(ExpertEstimator, fit, features)
    found["factorised heads"] = lambda: NetworkEstimator(network(heads="factorised", ensemble=False))
    found["free heads"] = lambda: NetworkEstimator(network(heads="free", ensemble=False))
    found[ENSEMBLE] = lambda: NetworkEstimator(network(ensemble=True))
    return found


def run(
    outcomes: Outcomes, pool: Pool, *, seed: int, console: Console
) -> tuple[Evaluation, dict[str, float], dict[str, object]]:
    """The evaluation, the seconds that each estimator took to fit and predict, and what the ensemble chose.

    No estimator but the first domain table is told the domain of a test prompt.
    """
    judged = outcomes.part("test")
    predictions, seconds, chosen = {}, {}, {}
    for name, make in estimators(outcomes, pool, seed=seed).items():
        started = time.perf_counter()
        fitted = make().fit(outcomes, pool)
        domains = judged.domains if isinstance(fitted, DomainTable) else None
        predictions[name] = fitted.predict(judged.texts, domains)
        seconds[name] = time.perf_counter() - started
        if name == ENSEMBLE and isinstance(fitted, NetworkEstimator):
            chosen = fitted.trained.metrics["ensemble"]
        console.print(f"{name}: {seconds[name]:.1f} s", style="dim")
    found = evaluate(outcomes, predictions, pool=pool, router=ENSEMBLE, seed=seed)
    return found, seconds, chosen


def table_of(found: Evaluation, seconds: dict[str, float]) -> Table:
    """The rows of the estimators; brier and ece where the scores are probabilities."""
    table = Table("", *FIGURES, "area over ensemble", "s", title=f"{found.data}: {found.n_prompts:,} prompts")
    for row in found.rows:
        if row.name in seconds:
            table.add_row(row.name, *_cells(row), f"{seconds[row.name]:.0f}")
    return table


def _cells(row: Figures) -> list[str]:
    values = row.to_dict() | ({"brier": None, "ece": None} if row.name == AVENGERS else {})
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
    found, seconds, chosen = run(outcomes.with_split(), pool, seed=given.seed, console=console)
    console.print(table_of(found, seconds))
    console.print("the ensemble:", json.dumps(chosen))
    if given.output is not None:
        given.output.mkdir(parents=True, exist_ok=True)
        rows = {"rows": [row.to_dict() for row in found.rows], "seconds": seconds, "ensemble": chosen}
        (given.output / f"{found.data}.json").write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
