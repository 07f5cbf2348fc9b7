"""What an assignment on Ray sends, brings and holds, and how long it takes beside the same in memory.

    python benchmarks/ray_traffic.py [--prompts 100000 1000000] [--workers 1 2]

Simulated predictions for eleven models (`solver_instances.py`), by workers on this machine: under one budget,
under thirteen limits, and under thirteen with scores and prices that tie. Each runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import pickle
import subprocess
import sys
import time
import tracemalloc
from itertools import product
from typing import Any

from solver_instances import simulated_scores, under_many_limits, under_one_budget, under_ties

from routoo.ray import assign, assigning, start_workers
from routoo.ray.cluster import connected
from routoo.ray.crew import Crew
from routoo.solver.solve import solve

MODELS = 11
LIMITS = {"one budget": under_one_budget, "13 limits": under_many_limits, "ties": under_ties}
LIMITED = ("budget_usd", "max_mean_latency_s", "model_limits")


class Weighed(Crew):
    """Workers of which is weighed what passes between them and the driver."""

    sent, answered, passes, listed = 0, 0, 0, 0

    def ask(self, at: int, question: str, *given: object) -> Any:
        """The same; what is sent is weighed, and the list of what was done."""
        Weighed.sent += len(self.ray.cloudpickle.dumps(given))
        Weighed.listed = len(pickle.dumps(self.operations))
        return super().ask(at, question, *given)

    def ask_all(self, question: str, *given: object) -> list[Any]:
        """The same; answers are weighed, and passes counted."""
        found = super().ask_all(question, *given)
        Weighed.answered += len(pickle.dumps(found))
        Weighed.passes += question in ("map", "branches")
        return found

    def ask_holders(self, question: str, *given: Any) -> list[Any]:
        """The same; answers are weighed."""
        found = super().ask_holders(question, *given)
        Weighed.answered += len(pickle.dumps(found))
        return found


def measured(n: int, workers: int, limits: str) -> dict[str, Any]:
    """Seconds and bytes of one batch, and whether the answers are one."""
    ray = connected(num_cpus=workers, object_store_memory=10**9)
    problem = LIMITS[limits](simulated_scores(n, MODELS))
    table, given = problem.scores.to_polars(), {name: getattr(problem, name) for name in LIMITED}
    started = time.perf_counter()
    here = solve(problem, solver="dual", threads=1)
    memory_s, own = time.perf_counter() - started, start_workers(workers)
    started = time.perf_counter()
    there = assign(table, workers=own, **given)
    ray_s = time.perf_counter() - started
    vars(assigning)["Crew"] = Weighed  # the same once more, to weigh it
    tracemalloc.start()
    assign(table, workers=own, **given)
    held, choice = tracemalloc.get_traced_memory()[1], there.to_assignment().choice
    ray.shutdown()
    return {
        "prompts": n,
        "limits": limits,
        "workers": workers,
        "memory_s": round(memory_s, 2),
        "ray_s": round(ray_s, 2),
        "passes": Weighed.passes,
        "sent_mb": Weighed.sent / 1e6,
        "answered_mb": Weighed.answered / 1e6,
        "driver_mb": held / 1e6,
        "operations_mb": Weighed.listed / 1e6,
        "same": bool((here.choice == choice).all() and here.bound == there.bound),
    }


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prompts", nargs="*", type=int, default=[10**5, 10**6])
    parser.add_argument("--workers", nargs="*", type=int, default=[1, 2])
    parser.add_argument("--limits", nargs="*", choices=LIMITS, default=list(LIMITS))
    chosen = parser.parse_args()
    runs = list(product(chosen.prompts, chosen.workers, chosen.limits))
    if len(runs) == 1:
        print(json.dumps(measured(*runs[0])), flush=True)
        return
    for n, workers, limits in runs:
        line = ["--prompts", str(n), "--workers", str(workers), "--limits", limits]
        subprocess.run([sys.executable, __file__, *line], check=True)


if __name__ == "__main__":
    main()
