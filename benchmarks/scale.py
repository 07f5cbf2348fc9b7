"""Large batches: from Parquet to Parquet, the cost of a pass, text throughput, and what Ray adds.

    python benchmarks/scale.py [--prompts 10000000] [--bundle FOLDER...] [--workers 1 2 4] [--skip-ray]

Simulated predictions for eleven models under one budget (`solver_instances.py`). Each part runs in a process
of its own, so that its peak memory is its own. With bundles, the prompts of a set (``--texts
../shared/data/mmlu_pro/prompts.parquet``) are scored on one core and on two.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
from solver_instances import simulated_scores, under_one_budget

from routoo.solver.solve import solve
from routoo.solver.streaming.stream import assign_parquet
from routoo.solver.sums.passes import InMemory, choice_totals, price_pass

MODELS = 11
FILE = 10**6
"""Prompts of a file."""


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


def files(folder: str, budget: str) -> dict[str, Any]:
    """From Parquet to Parquet: seconds by stage, gap, peak memory."""
    marks: dict[str, float] = {}
    started = time.perf_counter()

    def tell(stage: str, done: int, total: int) -> None:
        marks.setdefault(f"{stage} from", time.perf_counter())
        marks[f"{stage} to"] = time.perf_counter()

    plan = assign_parquet(
        sorted(Path(folder).glob("*.parquet")),
        Path(folder, "choices"),
        budget_usd=float(budget),
        progress=tell,
    )
    ended = time.perf_counter()
    return {
        "prompts": len(plan),
        "reading_s": marks["reading to"] - started,
        "assigning_s": marks["writing from"] - marks["reading to"],
        "writing_s": ended - marks["writing from"],
        "gap": plan.gap,
        "status": plan.status,
        "peak_gb": _status("VmHWM") / 1e9,
    }


def passes(n: str) -> dict[str, Any]:
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


def texts(bundle: str, source: str, threads: str) -> dict[str, Any]:
    """Prompts a second of a bundle, tokenising included."""
    from routoo.router import Router

    prompts = pl.read_parquet(source)["prompt"].head(2000).to_list()
    router = Router.from_pretrained(bundle, threads=int(threads)).warm_up()
    started = time.perf_counter()
    router.predict(prompts)
    seconds = time.perf_counter() - started
    return {"bundle": bundle, "threads": int(threads), "prompts_a_second": len(prompts) / seconds}


def on_ray(n: str, workers: str) -> dict[str, Any]:
    """The same batch in memory on one thread and on workers: seconds, and whether the answers are one."""
    from routoo.ray import assign, start_workers
    from routoo.ray import prompts as asked
    from routoo.ray.cluster import installed

    os.environ.update(RAY_worker_niceness="0")  # as the process that it is held against
    ray, prompts = installed(), cast(Any, asked)
    ray.init(
        num_cpus=int(workers),
        include_dashboard=False,
        object_store_memory=10**9,
        log_to_driver=False,
        logging_level="error",
    )
    scores = simulated_scores(int(n), MODELS)
    problem = under_one_budget(scores)
    started = time.perf_counter()
    here = solve(problem, solver="dual", threads=1)
    here_s = time.perf_counter() - started
    spent, sent = list[float](), list[int]()
    whole, packed = prompts.RayPrompts.map, prompts.packed

    def timed(self: Any, work: Any) -> Any:
        started = time.perf_counter()
        answers = list(whole(self, work))
        spent.append(time.perf_counter() - started)
        return iter(answers)

    def weighed(*given: Any) -> Any:
        work, arrays = packed(*given)
        sent.append(len(work) + sum(array.nbytes for array in arrays))
        return work, arrays

    prompts.RayPrompts.map, prompts.packed = timed, weighed
    own = start_workers(int(workers))
    started = time.perf_counter()
    there = assign(scores.to_polars(), workers=own, budget_usd=problem.budget_usd)
    return {
        "prompts": len(there),
        "workers": int(workers),
        "memory_s": here_s,
        "ray_s": time.perf_counter() - started,
        "passes_s": sum(spent),
        "passes": len(spent),
        "sent_bytes_a_pass": float(np.mean(sent)),
        "same": bool((here.choice == there.choice).all() and here.bound == there.bound),
    }


PARTS: dict[str, Callable[..., dict[str, Any]]] = {
    "files": files,
    "passes": passes,
    "texts": texts,
    "on_ray": on_ray,
}


def measured(part: str, *given: object) -> dict[str, Any]:
    """Runs a part in a process of its own."""
    command = [sys.executable, __file__, "--part", part, *map(str, given)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prompts", type=int, default=10**7)
    parser.add_argument("--bundle", nargs="*", default=[], help="bundles whose throughput is measured")
    parser.add_argument("--texts", help="Parquet file with a column prompt, for the bundles")
    parser.add_argument("--workers", nargs="*", type=int, default=[1, 2, 4])
    parser.add_argument("--skip-ray", action="store_true")
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.part:
        print(json.dumps(PARTS[chosen.part[0]](*chosen.part[1:])))
        return
    with tempfile.TemporaryDirectory() as folder:
        budget = written(chosen.prompts, Path(folder))
        print("from Parquet to Parquet:", measured("files", folder, budget), flush=True)
    for n in (10**5, 10**6, 10**7):
        if n <= chosen.prompts:
            print("a pass:", measured("passes", n), flush=True)
    for bundle in chosen.bundle:
        for threads in (1, 2):
            print("text:", measured("texts", bundle, chosen.texts, threads), flush=True)
    for workers in [] if chosen.skip_ray else chosen.workers:
        print("Ray:", measured("on_ray", min(chosen.prompts, 10**6), workers), flush=True)


if __name__ == "__main__":
    main()
