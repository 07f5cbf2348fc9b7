"""Large batches: from Parquet to Parquet here and on Ray, the cost of a pass, and text throughput.

    python benchmarks/scale.py [FOLDER] [--prompts 10000000] [--workers 1 2] [--threads 1 2]

Simulated predictions for eleven models under one budget (`solver_instances.py`). Each part runs in a process
of its own, so that its peak memory is its own. Text is that of the prompts in a folder of outcomes, or of the
lab's record: a MiniLM and its nano are trained on these first.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from solver_instances import simulated_scores, under_one_budget

from routoo.commands.streamed import assigned
from routoo.solver.streaming.stream import assign_parquet
from routoo.solver.sums.passes import InMemory, choice_totals, price_pass

Found = dict[str, Any]  # Any: values of JSON
Floats = npt.NDArray[np.float64]

MODELS = 11
FILE = 10**6
"""Prompts of a file."""

HERE, TEXTS = "choices", "texts.parquet"


def written(n: int, folder: Path) -> float:
    """Writes predictions for `n` prompts, a million a file; a budget a quarter of the way up."""
    scores = simulated_scores(min(n, FILE), MODELS)
    tidy = scores.to_polars().drop("prompt_id")
    for number, start in enumerate(range(0, n, FILE)):
        own = tidy.head(min(FILE, n - start) * MODELS)
        names = pl.Series("prompt_id", np.repeat(np.arange(start, start + len(own) // MODELS), MODELS))
        shift = 1 + 0.001 * number  # no file is like another
        frame = own.with_columns(names.cast(pl.String), (pl.col("cost_usd") * shift).cast(pl.Float32))
        frame.write_parquet(folder / f"part-{number:03d}.parquet")
    budget = under_one_budget(scores).budget_usd
    assert budget is not None
    return budget * n / len(scores)


def files(folder: str, budget: str) -> Found:
    """From Parquet to Parquet: seconds by stage, of the clock and of processors, gap, and peak memory."""
    before, started = _status("VmHWM"), _clocks()
    begun, ended = dict[str, Floats](), dict[str, Floats]()

    def tell(stage: str, done: int, total: int) -> None:
        ended[stage] = _clocks()
        begun.setdefault(stage, ended[stage])

    plan = assign_parquet(_inputs(folder), Path(folder, HERE), budget_usd=float(budget), progress=tell)
    n, end = len(plan), _clocks()
    stages = {
        "reading": ended["reading"] - started,
        "assigning": begun["writing"] - ended["reading"],
        "writing": end - begun["writing"],
        "total": end - started,
    }
    return {
        "prompts": n,
        **{f"{name}_s": seconds for name, (seconds, _) in stages.items()},
        **{f"{name}_processor_s": seconds for name, (_, seconds) in stages.items()},
        "gap": plan.gap,
        "status": plan.status,
        "peak_gb": _status("VmHWM") / 1e9,
        "stated_gb": (before + n * (12 * MODELS + 8 * MODELS / 5 + 24)) / 1e9,
    }


def on_ray(folder: str, budget: str, workers: str) -> Found:
    """The same by workers of Ray on this machine: seconds, and whether the choices are the same."""
    from routoo.ray.cluster import connected

    connected(num_cpus=int(workers), object_store_memory=10**9)
    there, limits = Path(folder, f"on-ray-{workers}"), {"budget_usd": float(budget)}
    started = time.perf_counter()
    plan, _ = assigned(_inputs(folder), there, limits, pool=None, engine="ray", address=None, quiet=True)
    seconds = time.perf_counter() - started
    chosen = [pl.scan_parquet(place / "*.parquet").collect() for place in (there, Path(folder, HERE))]
    return {
        "prompts": len(plan),
        "workers": int(workers),
        "total_s": seconds,
        "driver_peak_gb": _status("VmHWM") / 1e9,
        "same": chosen[0].equals(chosen[1]),
    }


def passes(n: str) -> Found:
    """A pass of prices, and one of choices: seconds of a processor, and bytes that are read."""
    problem = under_one_budget(simulated_scores(int(n), MODELS))
    batch, prices = InMemory(problem, 1), np.array([100.0])
    choice = np.zeros(len(problem), np.int32)
    found = {}
    runs: dict[str, Callable[[], object]] = {
        "price": lambda: price_pass(batch, prices),
        "choice": lambda: choice_totals(batch, choice),
    }
    for name, run in runs.items():
        seconds = []
        for _ in range(5):
            started = time.process_time()  # what else the machine does is not counted
            run()
            seconds.append(time.process_time() - started)
        found[f"{name}_processor_s"] = min(seconds)
    return {"prompts": len(problem), "bytes": 8 * MODELS * len(problem), **found}


def trained(source: str, folder: str) -> Found:
    """Trains a MiniLM and its nano, for as long as their speed needs, which is not long; exports both."""
    from routoo.commands.pools import pool_for
    from routoo.data.outcomes import Outcomes
    from routoo.lab.members import lab_pool
    from routoo.lab.shipped import lab_outcomes
    from routoo.predictor import train

    outcomes = (Outcomes.read(source) if source else lab_outcomes()).with_split()
    pool = pool_for(outcomes, Path(source), None) if source else lab_pool().select(outcomes.models)
    started = time.perf_counter()
    large = train(outcomes, pool, epochs=2, progress=False)
    for name, predictor in (("MiniLM", large), ("nano", large.distill(outcomes, progress=False))):
        predictor.export(Path(folder, name))
    prompts = outcomes.prompts.select("prompt").head(2000)
    prompts.write_parquet(Path(folder, TEXTS))
    return {
        "outcomes": outcomes.name,
        "models": len(pool),
        "seconds": time.perf_counter() - started,
        "characters_a_prompt": prompts["prompt"].str.len_chars().mean(),
    }


def texts(folder: str, name: str, threads: str) -> Found:
    """Prompts a second of a bundle in int8, tokenising included."""
    from routoo.router import Router

    prompts = pl.read_parquet(Path(folder, TEXTS))["prompt"].to_list()
    router = Router.from_pretrained(Path(folder, name), threads=int(threads), int8=True).warm_up()
    started, worked = time.perf_counter(), time.process_time()
    router.predict(prompts)
    seconds, processor_s = time.perf_counter() - started, time.process_time() - worked
    return {
        "bundle": name,
        "threads": int(threads),
        "prompts_a_second": len(prompts) / seconds,
        "prompts_a_processor_second": len(prompts) / processor_s,
    }


PARTS: dict[str, Callable[..., Found]] = {
    "files": files,
    "on_ray": on_ray,
    "passes": passes,
    "trained": trained,
    "texts": texts,
}


def measured(part: str, *given: object) -> Found:
    """Runs a part in a process of its own."""
    command = [sys.executable, __file__, "--part", part, *map(str, given)]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: Found = json.loads(run.stdout.splitlines()[-1])
    return found


def _clocks() -> Floats:
    """Seconds of the clock, and of this process on all processors."""
    return np.array([time.perf_counter(), time.process_time()])


def _inputs(folder: str) -> list[Path]:
    return sorted(Path(folder).glob("*.parquet"))


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def _show(what: str, found: Found) -> None:
    shown = (
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in found.items()
    )
    print(f"{what}: {', '.join(shown)}", flush=True)


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("outcomes", nargs="?", default="", help="folder of outcomes whose prompts are scored")
    parser.add_argument("--prompts", type=int, default=10**7)
    parser.add_argument("--workers", nargs="*", type=int, default=[1, 2], help="of Ray; none: without it")
    parser.add_argument("--threads", nargs="*", type=int, default=[1, 2], help="for text; none: without it")
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.part:
        print(json.dumps(PARTS[chosen.part[0]](*chosen.part[1:])))
        return
    with tempfile.TemporaryDirectory() as folder:
        budget = written(chosen.prompts, Path(folder))
        here = measured("files", folder, budget)
        _show("from Parquet to Parquet", here)
        for workers in chosen.workers:
            there = measured("on_ray", folder, budget, workers)
            _show("the same on Ray", {**there, "times_as_long": there["total_s"] / here["total_s"]})
    for n in (10**5, 10**6, 10**7):
        if n <= chosen.prompts:
            _show("a pass", measured("passes", n))
    with tempfile.TemporaryDirectory() as folder:
        if chosen.threads:
            _show("trained for text", measured("trained", chosen.outcomes, folder))
        for name in ("nano", "MiniLM"):
            for threads in chosen.threads:
                _show("text", measured("texts", folder, name, threads))


if __name__ == "__main__":
    main()
