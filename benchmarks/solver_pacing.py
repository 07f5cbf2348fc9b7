"""Plays recorded prompts to a pacer, one at a time, and holds it against the offline optimum.

    python benchmarks/solver_pacing.py [FOLDER...] [--shares 0.25 0.5] [--seeds 3]

Simulated prompts are played first, for six models of which the dearest costs 400 times the cheapest. Each
FOLDER holds prompts.parquet, outcomes.parquet and models.json; predictions are means over the nearest of
the train prompts (hashed character trigrams), the pacer starts from the val prompts and is played the test
prompts. Streams drift in every way (`streams`). The budget is a share of the way from the cheapest to the
best assignment of the prompts that come, at their true costs.

Printed, the worst of all seeds: true spend as a share of the budget; predicted score as a share of the
optimum that knows all prompts and true costs beforehand; prompts that were refused; and by how much the
budget was overspent beyond what calls cost that were not reported yet at the last choice.
"""

from __future__ import annotations

import argparse
import json
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from rich.console import Console
from rich.table import Table

from routoo.data.errors import InfeasibleError
from routoo.data.scores import Scores
from routoo.solver.pacer import Pacer
from routoo.solver.problem import Problem
from routoo.solver.solve import solve

Order = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]
WIDTH, NEIGHBOURS = 4096, 60


@dataclass(frozen=True, eq=False)
class Recorded:
    """Test prompts to play, what their calls truly cost, and val prompts to start from."""

    name: str
    scores: Scores
    true_cost_usd: Floats
    calibration: Scores


@dataclass(frozen=True, eq=False, kw_only=True)
class Stream:
    """Prompts in the order in which they come.

    Args:
        scores: What is predicted of them.
        true_cost_usd: What their calls cost, ``(n_prompts, n_models)``.
        forecast: How many were expected.
        times: When they come, as shares of the period, where that is reported.
        delay: Prompts after which the true cost of a call is reported.
        settled: Which calls are settled at all, ``(n_prompts,)``.
        expire_after: Prompts after which the others are given up.
        most: How many there may be at most, where that is reported.
    """

    scores: Scores
    true_cost_usd: Floats
    forecast: float | None
    times: Floats | None = None
    delay: int = 0
    settled: npt.NDArray[np.bool_] | None = None
    expire_after: float = 20_000
    most: float | None = None


@dataclass(frozen=True)
class Played:
    """What came of a stream: shares of the budget and of the optimum, and prompts that were refused."""

    spent: float
    score: float
    refused: int
    beyond: float


def trigrams(texts: list[str]) -> npt.NDArray[np.float32]:
    """Unit vectors of hashed character trigrams, ``(n_prompts, WIDTH)``."""
    vectors = np.zeros((len(texts), WIDTH), np.float32)
    for row, text in zip(vectors, texts, strict=True):
        codes = np.frombuffer(text[:2000].lower().encode("utf-32-le"), np.uint32).astype(np.uint64)
        if len(codes) > 2:
            mixed = (codes[:-2] * 961 + codes[1:-1] * 31 + codes[2:]) * 2654435761 % 2**32
            np.add.at(row, (mixed >> 20).astype(np.intp), 1.0)
    vectors = np.sqrt(vectors)
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)


def read(folder: Path) -> Recorded:
    """The prompts of a folder of recorded outcomes."""
    prompts = pl.read_parquet(folder / "prompts.parquet").sort("prompt_id")
    outcomes = pl.read_parquet(folder / "outcomes.parquet")
    listed = {row["model"]: row for row in json.loads((folder / "models.json").read_text())}
    full = outcomes.group_by("model").agg(pl.len()).filter(pl.col("len") >= 0.95 * len(prompts))
    models = tuple(sorted(set(full["model"]) & set(listed)))

    def matrix(column: str) -> npt.NDArray[np.float64]:
        if column not in outcomes.columns:
            return np.full((len(prompts), len(models)), np.nan)
        wide = outcomes.pivot(on="model", index="prompt_id", values=column)
        return prompts.join(wide, on="prompt_id", how="left").select(models).to_numpy().astype(np.float64)

    split = prompts["split"].to_numpy()
    train, val, test = (np.flatnonzero(split == part) for part in ("train", "val", "test"))
    rates_in, rates_out = (
        np.array([listed[model][f"usd_per_1m_{way}"] for model in models]) for way in ("input", "output")
    )
    received = matrix("output_tokens")
    usual = np.where(np.isnan(received).all(0), 100.0, np.nan_to_num(received)[train].mean(0))
    expected = (np.nan_to_num(matrix("input_tokens")) * rates_in + usual * rates_out) * 1e-6
    recorded = matrix("cost_usd")
    p = _nearest(trigrams(prompts["prompt"].to_list()), np.nan_to_num(matrix("score")), train)

    def scores(rows: Order) -> Scores:
        return Scores(p[rows].astype(np.float32), expected[rows].astype(np.float32), models=models)

    true = np.where(np.isnan(recorded), expected, recorded)[test]
    return Recorded(folder.name, scores(test), true, scores(val if len(val) else train))


def simulated(n: int = 3000) -> Recorded:
    """Prompts of every difficulty for six models, of which the dearest costs 400 times the cheapest."""
    rng = np.random.default_rng(0)
    difficulty, skill = rng.normal(0, 1.2, (2 * n, 1)), np.linspace(-0.5, 2, 6)
    p = 1 / (1 + np.exp(difficulty - skill - rng.normal(0, 0.5, (2 * n, 6))))
    tokens = rng.lognormal(5.5, 0.7, (2 * n, 1)) * rng.lognormal(0, 0.3, (2 * n, 6))
    cost = tokens * np.array([0.05, 0.2, 0.6, 2.0, 6.0, 20.0]) * 1e-6
    both = Scores(p.astype(np.float32), cost.astype(np.float32), models=tuple("abcdef"))
    true = cost[:n] * rng.lognormal(-0.08, 0.4, (n, 6))
    return Recorded("simulated", both.rows(np.arange(n)), true, both.rows(np.arange(n, 2 * n)))


def _nearest(
    vectors: npt.NDArray[np.float32], score: npt.NDArray[np.float64], train: Order
) -> npt.NDArray[np.float64]:
    """Mean scores over each prompt's nearest train prompts, itself left out, ``(n_prompts, n_models)``."""
    found = np.empty_like(score)
    position = np.full(len(vectors), -1)
    position[train] = np.arange(len(train))
    for start in range(0, len(vectors), 1024):
        alike = vectors[start : start + 1024] @ vectors[train].T
        own = position[start : start + 1024]
        alike[np.flatnonzero(own >= 0), own[own >= 0]] = -1.0
        near = np.argpartition(-alike, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        found[start : start + 1024] = score[train][near].mean(axis=1)
    return found


def streams(recorded: Recorded, seed: int) -> dict[str, Stream]:
    """The streams that are played, by what they do."""
    rng = np.random.default_rng(seed)
    n, order = len(recorded.scores), rng.permutation(len(recorded.scores))
    steps, clock = np.arange(n), np.sort(rng.uniform(0, 1, n))
    scores, recorded_usd = recorded.scores.rows(order), recorded.true_cost_usd[order]
    as_predicted = scores.cost_usd.astype(np.float64)
    calm = Stream(scores=scores, true_cost_usd=as_predicted, forecast=n)
    dearest_last = np.argsort(as_predicted.max(axis=1), kind="stable")

    def times_more(factor: float, start: float) -> Floats:
        return np.where(steps >= start * n, factor, 1.0)[:, None]

    def mispredicted(factor: float) -> Stream:
        predicted = as_predicted.copy()
        predicted[n // 20] *= factor
        return replace(calm, scores=_at_cost(scores, predicted))

    def sorted_by(rows: Order) -> Stream:
        return replace(calm, scores=scores.rows(rows), true_cost_usd=as_predicted[rows])

    longer = as_predicted * times_more(3.0, 0.5)
    late = replace(calm, true_cost_usd=recorded_usd, delay=50)
    very_late = replace(late, delay=200)
    return {
        "as forecast": calm,
        "dearest last": sorted_by(dearest_last),
        "dearest first": sorted_by(dearest_last[::-1]),
        "true costs reported 50 prompts late": late,
        "bursts, no forecast, clock reported": replace(calm, forecast=None, times=_burst_times(n)),
        "half of the forecast, clock reported": replace(calm, forecast=2 * n, times=clock),
        "twice the forecast, clock reported": replace(calm, forecast=n / 2, times=clock),
        "twice the forecast, nothing reported": replace(calm, forecast=n / 2),
        "twice the forecast, reported as the most": replace(calm, forecast=n / 2, most=n),
        "one call predicted at 1/1000": mispredicted(1e-3),
        "one call predicted at 1000 times": mispredicted(1e3),
        "prompts three times as long from 50 %": replace(
            calm, scores=_at_cost(scores, longer), true_cost_usd=longer
        ),
        "prices triple at 50 %, reported 200 late": replace(
            very_late, true_cost_usd=recorded_usd * times_more(3.0, 0.5)
        ),
        "prices triple at 90 %, reported 200 late": replace(
            very_late, true_cost_usd=recorded_usd * times_more(3.0, 0.9)
        ),
        "prices fall to a third at 50 %, reported 50 late": replace(
            late, true_cost_usd=recorded_usd * times_more(1 / 3, 0.5)
        ),
        "half of the calls never reported, the others cost twice": replace(
            late, true_cost_usd=2.0 * recorded_usd, settled=rng.random(n) < 0.5, expire_after=200
        ),
        "no call reported": replace(calm, settled=np.zeros(n, np.bool_), expire_after=200),
    }


def play(stream: Stream, budget: float, calibration: Scores) -> Played:
    """Plays a stream, and holds it against the optimum for its true costs."""
    scores = stream.scores
    pacer = Pacer(
        budget,
        expected_prompts=stream.forecast,
        most_prompts=stream.most,
        calibration=calibration,
        expire_after=stream.expire_after,
    )
    waiting: deque[tuple[int | None, float]] = deque()
    spent = score = silent = in_flight = 0.0
    refused = 0
    for row in range(len(scores)):
        progress = None if stream.times is None else float(stream.times[row])
        try:
            paced = pacer.select(scores.rows(np.array([row])), progress=progress)
        except InfeasibleError:
            refused += 1
            paced = None
        if paced is not None:
            cost = float(stream.true_cost_usd[row, scores.models.index(paced.model)])
            spent, score = spent + cost, score + paced.p_correct
            if stream.settled is None or stream.settled[row]:
                waiting.append((paced.ticket, cost))
            else:
                silent += cost
            in_flight = silent + sum(usd for _, usd in waiting)
        while waiting and (waiting[0][0] or 0) <= row + 1 - stream.delay:
            pacer.settle(*waiting.popleft())
    best = solve(Problem(scores=_at_cost(scores, stream.true_cost_usd), budget_usd=budget))
    return Played(spent / budget, score / best.score, refused, max(spent - budget - in_flight, 0.0) / budget)


def _at_cost(scores: Scores, cost_usd: Floats) -> Scores:
    return Scores(scores.p_correct, cost_usd.astype(np.float32), models=scores.models)


def _burst_times(n: int) -> Floats:
    """When prompts come, as shares of the period: half of them in four bursts of a fiftieth each."""
    rng = np.random.default_rng(1)
    bursts = [rng.uniform(at, at + 0.02, n // 8) for at in (0.1, 0.35, 0.6, 0.85)]
    return np.sort(np.concatenate([*bursts, rng.uniform(0, 1, n - 4 * (n // 8))]))


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.25, 0.5])
    parser.add_argument("--seeds", type=int, default=3)
    chosen = parser.parse_args()
    table = Table("data", "prompts", "budget", "stream", "spent", "of optimum", "refused", "beyond in flight")
    for recorded in [simulated(), *map(read, chosen.folders)]:
        for share in chosen.shares:
            runs: dict[str, list[Played]] = {}
            for seed in range(chosen.seeds):
                for name, stream in streams(recorded, seed).items():
                    truth = _at_cost(stream.scores, stream.true_cost_usd)
                    cheapest = float(truth.cost_usd.min(axis=1).sum(dtype=np.float64))
                    best = solve(Problem(scores=truth)).cost_usd
                    budget = cheapest + share * (best - cheapest)
                    runs.setdefault(name, []).append(play(stream, budget, recorded.calibration))
            for name, played in runs.items():
                low, high = (pick(one.spent for one in played) for pick in (min, max))
                table.add_row(
                    recorded.name,
                    f"{len(recorded.scores):,}",
                    f"{share:.0%}",
                    name,
                    f"{low:.1%} to {high:.1%}",
                    f"{min(one.score for one in played):.1%}",
                    f"{max(one.refused for one in played)}",
                    f"{max(one.beyond for one in played):.1%}",
                )
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
