"""The routers of LLMRouter beside routoo: the same split, the same embeddings, the same measures.

    python benchmarks/peers.py FOLDER --environment DIR [--pool POOL.toml] [--ties cheapest] [--only kNN ...]

DIR gets an environment of its own with LLMRouter (PyPI's `llmrouter-lib`, 2 GB with what it needs) unless it
holds one. Its routers are trained there with the settings of its documentation, on the prompts in train and
val, and route those in test; the embeddings of MiniLM's last layer stand in for Longformer's. What needs an
API key, weights that cannot be had or data of another kind stands in a second table with its error.

A router of LLMRouter names one model for each prompt, so that it is one point of cost and score. Beside it
stands what routoo's curve reaches at the same cost, and the difference with the range of 95 % of paired
resamples of the prompts. Cost is in shares of the best single model's. Of prompts that several models answer
equally well LLMRouter learns the first: here the cheapest, or with `--ties best` the best one overall.

Training is from LLMRouter's files to a saved router, and for routoo from outcomes and features at hand to a
predictor. Routing is from the embedding of a prompt to the name of a model, one prompt at a time, but for
LLMRouter's graph, which takes all of them at once; the time of embedding is left out on both sides.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from peers_driver import RECIPES
from peers_files import RELEASE, Peer, make_environment, run_peer, write_files
from rich.console import Console
from rich.table import Table

import routoo
from routoo.commands.pools import pool_for
from routoo.data.curves import curve, hull
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.evaluation.metrics.budgets import score_of
from routoo.evaluation.trial.bootstrap import Interval, Resamples, interval
from routoo.evaluation.trial.policy import BEST_SINGLE, Policy, predicted
from routoo.evaluation.trial.single_models import SingleModels
from routoo.evaluation.trial.trial import Trial, trial_of
from routoo.models.encoder.encoder import MINILM
from routoo.models.encoder.features import EncoderFeatures
from routoo.models.training.options import default_cache_dir

_WIDTH = 150  # of the table, be it a terminal or a file
_CPUINFO = Path("/proc/cpuinfo")

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Ours:
    """What routoo did.

    Args:
        policy: Its choices on the test prompts.
        train_s: Seconds of training.
        route_s: Seconds a prompt, from features at hand to the name of a model, one prompt at a time.
    """

    policy: Policy
    train_s: float
    route_s: float


def run_ours(outcomes: Outcomes, pool: Pool, trial: Trial, *, seed: int, threads: int) -> Ours:
    """Trains with the default options and predicts the test prompts; the features are read beforehand."""
    read = EncoderFeatures(MINILM, cache_dir=default_cache_dir())
    read(outcomes.texts)
    started = time.perf_counter()
    predictor = routoo.train(outcomes, pool, seed=seed, threads=threads, progress=False)
    trained = time.perf_counter()
    texts = outcomes.part("test").texts
    policy = predicted("routoo", trial.align("routoo", predictor.predict(texts)), trial)
    features = torch.from_numpy(read(texts))
    with torch.inference_mode():
        ready = time.perf_counter()
        for at in range(len(features)):
            found = predictor.trained.network.predict_features(features[at : at + 1])
            _ = pool.names[found.p_correct.argmax()]
        done = time.perf_counter()
    return Ours(policy, trained - started, (done - ready) / len(features))


def orders(outcomes: Outcomes, pool: Pool) -> dict[str, list[str]]:
    """The models, by what is known of train: the ``cheapest`` first, the ``best`` first, or by ``size``.

    Sizes are not recorded: the largest model is the dearest, and of several the best.
    """
    known = trial_of(outcomes, pool, "train")
    cost, score = known.singles.points.T
    keys = {"cheapest": (-score, cost), "best": (cost, -score), "size": (score, cost)}
    return {name: [known.models[j] for j in np.lexsort(key)] for name, key in keys.items()}


class Comparison:
    """Choices on the test prompts held against routoo's curve, on the prompts and on each resample of them.

    Args:
        policy: routoo.
        trial: What the models cost and achieved.
        samples: Resamples.
    """

    def __init__(self, policy: Policy, trial: Trial, samples: int) -> None:
        self.trial, self.resamples = trial, Resamples(len(trial.score), samples)
        singles = np.stack([self.resamples.means(of) for of in (trial.cost_usd, trial.earned)], axis=2)
        drawn, _ = policy.resampled(singles, trial, self.resamples)
        self.vertices = hull(trial.singles.with_cheapest(policy.points))
        self.drawn = [hull(SingleModels(s).with_cheapest(p)) for s, p in zip(singles, drawn, strict=True)]

    def point(self, chosen: Rows) -> tuple[float, float, float, Interval | None]:
        """Cost and score of the choices, routoo's score at that cost, and what routoo has above them.

        Args:
            chosen: Positions of models, ``(n_prompts,)``.
        """
        rows = np.arange(len(chosen))
        own = np.stack([of[rows, chosen] for of in (self.trial.cost_usd, self.trial.earned)], axis=1)
        cost, score = own.mean(0)
        draws = self.resamples.means(own)
        ours = score_of(self.vertices, cost)
        above = [score_of(hull_, c) - s for hull_, (c, s) in zip(self.drawn, draws, strict=True)]
        return float(cost), float(score), ours, interval(ours - score, np.array(above))


def area_of(peer: Peer, trial: Trial) -> float | None:
    """The area of a router that scores, between its two models at every threshold; None where it does not."""
    if not peer.pair:
        return None
    cheap, dear = (trial.models.index(name) for name in peer.pair)
    score = np.array(peer.scores)
    thresholds = np.unique(np.r_[score, np.inf])
    chosen = np.where(score >= thresholds[:, None], cheap, dear).astype(np.int32)
    return trial.singles.area(trial.singles.with_cheapest(curve(chosen, trial.earned, trial.cost_usd)))


def table_of(data: str, ours: Ours, peers: list[Peer], trial: Trial, *, samples: int) -> Table:
    """A row for routoo with money no object, one for the best single model, and one a router of LLMRouter."""
    against = Comparison(ours.policy, trial, samples)
    singles = trial.singles
    title = f"{data}: {len(trial.score):,} test prompts; LLMRouter {RELEASE}"
    table = Table(
        "",
        "train s (ratio)",
        "ms a prompt (ratio)",
        "area",
        "score",
        "cost",
        "routoo there",
        "routoo above",
        title=title,
    )
    points = ours.policy.points
    table.add_row(
        "routoo",
        f"{ours.train_s:.1f}",
        f"{1e3 * ours.route_s:.2f}",
        f"{singles.area(singles.with_cheapest(points)):.4f}",
        f"{points[0, 1]:.4f}",
        f"{points[0, 0] / singles.high_usd:.3f}",
    )
    best = np.full(len(trial.score), singles.best)
    table.add_row(BEST_SINGLE, "", "", "", *_cells(against, best, singles))
    for peer in peers:
        chosen = np.array([trial.models.index(name) for name in peer.chosen])
        area = area_of(peer, trial)
        table.add_row(
            peer.name,
            f"{peer.train_s:.1f} ({peer.train_s / ours.train_s:.2f})",
            f"{1e3 * peer.route_s:.2f} ({peer.route_s / ours.route_s:.2f})",
            "" if area is None else f"{area:.4f}",
            *_cells(against, chosen, singles),
        )
    return table


def _cells(against: Comparison, chosen: Rows, singles: SingleModels) -> list[str]:
    cost, score, ours, above = against.point(chosen)
    return [
        f"{score:.4f}",
        f"{cost / singles.high_usd:.3f}",
        f"{ours:.4f}",
        "" if above is None else f"{above}",
    ]


def processor() -> str:
    """The processor's name, where the system tells it."""
    lines = _CPUINFO.read_text().splitlines() if _CPUINFO.exists() else []
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), "unknown processor")


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--environment", type=Path, required=True, help="folder for LLMRouter's environment")
    parser.add_argument("--pool", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=list(RECIPES), default=list(RECIPES))
    parser.add_argument("--ties", choices=["cheapest", "best"], default="cheapest")
    parser.add_argument("--threads", type=int, default=1, help="of either side")
    parser.add_argument("--limit", type=float, default=1800, help="seconds after which a router is stopped")
    parser.add_argument("--samples", type=int, default=1000, help="resamples behind the ranges")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    console = Console(width=_WIDTH)
    python = make_environment(given.environment.absolute())
    read = routoo.Outcomes.read(given.data)
    pool = pool_for(read, given.data, given.pool)
    outcomes = read.with_split().select(pool.names)
    trial = trial_of(outcomes, pool, "test")
    ours = run_ours(outcomes, pool, trial, seed=given.seed, threads=given.threads)
    embeddings = EncoderFeatures(MINILM, last_layer=True, cache_dir=default_cache_dir())(outcomes.texts)
    peers = []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        order = orders(outcomes, pool)
        write_files(folder, outcomes, order[given.ties], order["size"], embeddings)
        for name in given.only:
            peers.append(
                run_peer(python, folder, name, seed=given.seed, threads=given.threads, limit_s=given.limit)
            )
            console.print(f"{name}: {peers[-1].error or 'done'}", style="dim")
    ran = [peer for peer in peers if not peer.error]
    console.print(table_of(outcomes.name, ours, ran, trial, samples=given.samples))
    if len(ran) < len(peers):
        failed = Table("", "error", title="did not run")
        for peer in peers:
            if peer.error:
                failed.add_row(peer.name, peer.error)
        console.print(failed)
    console.print(f"{processor()}, threads: {given.threads}")


if __name__ == "__main__":
    main()
