"""What a nano predictor costs and saves: area and latency beside the large predictor it learned from.

    python benchmarks/nano.py FOLDER [FOLDER ...] [--pools POOL.toml ...] [--seeds 0 1 2]

For each folder of recorded outcomes and each seed: train the large predictor with the default options,
distill the nano one, export both, predict with the int8 graphs, judge both on the same test prompts. The
loss is of `area`, in per cent of the large one's, with its range over paired resamples of the prompts. A time
is of one prompt of 64 tokens on one thread, from text to scores; the two are measured in turns, so that
what else the machine does hits them alike.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from latency import text_of
from rich.console import Console
from rich.table import Table

import routoo
from routoo.commands.pools import pool_for
from routoo.data.curves import choices
from routoo.data.pool import Pool
from routoo.data.scores import Scores
from routoo.export.bundle import Bundle
from routoo.export.runtime import Runtime

TOKENS = 64
_REPEATS = 300
_WIDTH = 130  # of the table, be it a terminal or a file
_LARGE, _NANO = "large", "nano"


@dataclass(frozen=True)
class Compared:
    """A nano predictor beside its large one, on one set and seed.

    Args:
        data: Name of the set.
        seed: Of both trainings.
        large: Area of the large one.
        nano: Area of the nano one.
        gain: What the nano one's area is above the large one's, lowest, and highest of 95 % of the resamples.
        p50_ms: Median time of a prediction, large and nano.
        p95_ms: 95th percentile of it.
        mib: Size of the int8 graph, large and nano.
        changed: Share of the nano one's choices that int8 changes, at the price where it changes most.
        seconds: What distilling took.
    """

    data: str
    seed: int
    large: float
    nano: float
    gain: tuple[float, float, float]
    p50_ms: tuple[float, float]
    p95_ms: tuple[float, float]
    mib: tuple[float, float]
    changed: float
    seconds: float

    @property
    def lost(self) -> tuple[float, float, float]:
        """Share of the large one's area that is lost, at least, and at most."""
        value, low, high = self.gain
        return -value / self.large, -high / self.large, -low / self.large


def compare(data: Path, pool: Pool, seed: int) -> Compared:
    """Both predictors of one seed, trained and judged."""
    outcomes = routoo.Outcomes.read(data).with_split(seed=seed)
    large = routoo.train(outcomes, pool, seed=seed)
    started = time.perf_counter()
    nano = large.distill(outcomes, seed=seed)
    seconds = time.perf_counter() - started
    judged = outcomes.part("test")
    with tempfile.TemporaryDirectory() as name:
        bundles, scores = [], {}
        for label, predictor in ((_LARGE, large), (_NANO, nano)):
            predictor.export(Path(name, label))
            bundles.append(Bundle.open(Path(name, label)))
            runtime = Runtime(bundles[-1], threads=1)
            scores[label] = runtime.predict(judged.texts, prompt_ids=judged.prompt_ids)
        in_float = Runtime(bundles[-1], threads=1, int8=False).predict(judged.texts)
        found = routoo.evaluate(outcomes, scores, pool=pool, router=_LARGE, reference=_LARGE, seed=seed)
        p50, p95 = _times(bundles)
        mib = tuple(bundle.files["model.int8.onnx"].record.size / 2**20 for bundle in bundles)
    gain = found.row(_NANO).over_reference
    assert gain is not None  # for the type checker: resamples were asked for
    return Compared(
        outcomes.name,
        seed,
        found.row(_LARGE).area,
        found.row(_NANO).area,
        (gain.value, gain.low, gain.high),
        p50,
        p95,
        (mib[0], mib[1]),
        _changed(scores[_NANO], in_float),
        seconds,
    )


def _changed(int8: Scores, in_float: Scores) -> float:
    """Share of the prompts whose choice differs, at the price where most do."""
    first, second = (choices(scores.p_correct, scores.cost_usd) for scores in (int8, in_float))
    return float((first != second).mean(1).max())


def _times(bundles: list[Bundle]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Median and 95th percentile in milliseconds, each for the two bundles."""
    runtimes = [Runtime(bundle, threads=1) for bundle in bundles]
    prompt = text_of(bundles[0], TOKENS)
    taken: list[list[float]] = [[], []]
    for _ in range(_REPEATS):
        for runtime, times in zip(runtimes, taken, strict=True):
            started = time.perf_counter()
            runtime.predict([prompt])
            times.append(time.perf_counter() - started)
    (a50, a95), (b50, b95) = (np.percentile(times[10:], [50, 95]) * 1e3 for times in taken)
    return (float(a50), float(b50)), (float(a95), float(b95))


def table(found: list[Compared]) -> Table:
    """A row a run, and the means over all seeds of a set."""
    shown = Table(title=f"large and nano, test part, int8, one thread, {TOKENS} tokens")
    for column in ("set", "seed", "area", "nano", "lost", "95 %", "p50 ms", "p95 ms", "ratio", "MiB", "int8"):
        shown.add_column(column, justify="left" if column == "set" else "right")
    for run in found:
        lost, least, most = run.lost
        shown.add_row(
            run.data,
            str(run.seed),
            f"{run.large:.4f}",
            f"{run.nano:.4f}",
            f"{lost:.2%}",
            f"{least:+.2%} to {most:+.2%}",
            "{:.2f} / {:.2f}".format(*run.p50_ms),
            "{:.2f} / {:.2f}".format(*run.p95_ms),
            f"{run.p50_ms[0] / run.p50_ms[1]:.0f}x",
            "{:.0f} / {:.0f}".format(*run.mib),
            f"{run.changed:.1%}",
        )
    for data in dict.fromkeys(run.data for run in found):
        runs = [run for run in found if run.data == data]
        if len(runs) > 1:
            large, nano = (statistics.mean(getattr(run, name) for run in runs) for name in (_LARGE, _NANO))
            shown.add_row(
                data, "mean", f"{large:.4f}", f"{nano:.4f}", f"{1 - nano / large:.2%}", style="bold"
            )
    return shown


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--pools", type=Path, nargs="+", help="one a folder, in their order")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    chosen = parser.parse_args()
    if chosen.pools is not None and len(chosen.pools) != len(chosen.data):
        parser.error(f"{len(chosen.pools)} pools for {len(chosen.data)} folders; give one a folder")
    found = []
    for data, given in zip(chosen.data, chosen.pools or [None] * len(chosen.data), strict=True):
        pool = pool_for(routoo.Outcomes.read(data), data, given)
        for seed in chosen.seeds:
            found.append(compare(data, pool, seed))
            print(f"{data.name}, seed {seed}: distilled in {found[-1].seconds:.0f} s", flush=True)
    Console(width=_WIDTH).print(table(found))


if __name__ == "__main__":
    main()
