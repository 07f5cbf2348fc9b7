"""Plays recorded prompts to a pacer, one at a time, and holds it against the offline optimum.

    python benchmarks/solver_pacing.py FOLDER... [--shares 0.25 0.5]

Each FOLDER holds prompts.parquet, outcomes.parquet and models.json. Predictions are means over the nearest
of the train prompts (hashed character trigrams); the pacer starts from the val prompts and is played the
test prompts. The budget is a share of the way from the cheapest to the best assignment. Orders: shuffled;
sorted by cost, both ways; and in bursts of a volume that nobody forecast, with the clock as the only guide.
Late: the true (recorded, where there is one) cost is told 50 prompts after each choice; elsewhere the
predicted cost is the true one. Printed: spend as a share of the budget, and predicted score as a share of
the offline optimum under that budget, the least where several shuffles were played.
"""

from __future__ import annotations

import argparse
import json
from collections import deque
from dataclasses import dataclass
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
WIDTH, NEIGHBOURS, DELAY = 4096, 60, 50


@dataclass(frozen=True, eq=False)
class Stream:
    """Test prompts to play, what their calls truly cost, and val prompts to start from."""

    name: str
    scores: Scores
    true_cost_usd: npt.NDArray[np.float64]
    calibration: Scores


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


def read(folder: Path) -> Stream:
    """The stream of a folder of recorded outcomes."""
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
    return Stream(folder.name, scores(test), true, scores(val if len(val) else train))


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


def play(
    stream: Stream, budget: float, order: Order, *, late: bool = False, clock: bool = False
) -> tuple[float, float]:
    """Share of the budget that was spent, and the sum of predicted scores."""
    scores, n = stream.scores, len(order)
    pacer = Pacer(budget, expected_prompts=None if clock else n, calibration=stream.calibration)
    waiting: deque[tuple[int | None, float]] = deque()
    spent = score = 0.0
    times = burst_times(n) if clock else None
    for step, row in enumerate(order):
        one = scores.rows(np.array([row]))
        try:
            paced = pacer.select(one, progress=None if times is None else float(times[step]))
        except InfeasibleError:
            continue
        column = scores.models.index(paced.model)
        cost = float(stream.true_cost_usd[row, column]) if late else paced.cost_usd
        spent, score = spent + cost, score + paced.p_correct
        waiting.append((paced.ticket, cost))
        while waiting and (not late or len(waiting) > DELAY):
            pacer.settle(*waiting.popleft())
    return spent / budget, score


def burst_times(n: int) -> npt.NDArray[np.float64]:
    """When prompts come, as shares of the period: half of them in four bursts of a fiftieth each."""
    rng = np.random.default_rng(1)
    bursts = [rng.uniform(at, at + 0.02, n // 8) for at in (0.1, 0.35, 0.6, 0.85)]
    return np.sort(np.concatenate([*bursts, rng.uniform(0, 1, n - 4 * (n // 8))]))


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.25, 0.5])
    chosen = parser.parse_args()
    table = Table("data", "prompts", "budget", "order", "spent / budget", "score / offline optimum")
    for folder in chosen.folders:
        stream = read(folder)
        p, cost = stream.scores.p_correct, stream.scores.cost_usd.astype(np.float64)
        n, cheapest = len(p), float(cost.min(axis=1).sum())
        best = solve(Problem(scores=stream.scores)).cost_usd
        shuffles = [np.random.default_rng(seed).permutation(n) for seed in range(5)]
        dearest_last = np.argsort(cost.max(axis=1), kind="stable")
        for share in chosen.shares:
            budget = cheapest + share * (best - cheapest)
            offline = solve(Problem(scores=stream.scores, budget_usd=budget))
            runs = {
                "shuffled (least of 5)": [play(stream, budget, order) for order in shuffles],
                "shuffled, late (least of 5)": [play(stream, budget, order, late=True) for order in shuffles],
                "sorted, dearest last": [play(stream, budget, dearest_last)],
                "sorted, dearest first": [play(stream, budget, dearest_last[::-1])],
                "bursts, volume unknown": [play(stream, budget, shuffles[0], clock=True)],
            }
            for name, results in runs.items():
                spends, scores = zip(*results, strict=True)
                shown = f"{min(spends):.4f} to {max(spends):.4f}" if len(spends) > 1 else f"{spends[0]:.4f}"
                table.add_row(
                    stream.name, f"{n}", f"{share:.0%}", name, shown, f"{min(scores) / offline.score:.4f}"
                )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
