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
from routoo.data.pool import Pool
from routoo.export.bundle import Bundle
from routoo.export.runtime import Runtime
from routoo.predictor import Predictor

TOKENS = 64
_REPEATS = 300
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
        changed: Share of choices that int8 changes at the price where it changes most, large and nano.
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
    changed: tuple[float, float]
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
        bundles, changed = [], []
        for predictor, folder in ((large, Path(name, _LARGE)), (nano, Path(name, _NANO))):
            changed.append(_changed(predictor, folder))
            bundles.append(Bundle.open(folder))
        scores = {
            label: Runtime(bundle, threads=1).predict(judged.texts, prompt_ids=judged.prompt_ids)
            for label, bundle in zip((_LARGE, _NANO), bundles, strict=True)
        }
        found = routoo.evaluate(outcomes, scores, pool=pool, router=_LARGE, reference=_LARGE, seed=seed)
        p50, p95 = _times(bundles)
        mib = tuple(bundle.path("model.int8.onnx").stat().st_size / 2**20 for bundle in bundles)
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
        (changed[0], changed[1]),
        seconds,
    )


def _changed(predictor: Predictor, folder: Path) -> float:
    """Exports; the share of choices that int8 changes at the worst price."""
    report = predictor.export(folder)
    assert report.int8 is not None  # for the type checker: int8 is the default
    return max(report.int8.choices_changed.values())


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
            "{:.1%} / {:.1%}".format(*run.changed),
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
    console, found = Console(), []
    for data, given in zip(chosen.data, chosen.pools or [None] * len(chosen.data), strict=True):
        pool = pool_for(routoo.Outcomes.read(data), data, given)
        for seed in chosen.seeds:
            found.append(compare(data, pool, seed))
            console.print(f"{data.name}, seed {seed}: distilled in {found[-1].seconds:.0f} s")
    console.print(table(found))


if __name__ == "__main__":
    main()
