"""One budget: the dual backend against a general solver, and at a million prompts, in one run.

    python benchmarks/solver_speed.py [--repeat 5] [--skip-milp]

First 10,000 x 11 by cvxpy with HiGHS, as a user would write it (boolean variables, default gap), and by the
dual backend: seconds, value, ratio. Then 1,000,000 x 11 and x 50: seconds (the least of several runs),
certified gap, and peak memory above the scores as a share of them, measured in a process of its own.
Predictions are simulated (`solver_instances.py`). The processors must be idle for the times to mean anything.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from solver_instances import simulated_scores, under_many_limits, under_one_budget

from routoo.data.scores import Scores
from routoo.solver.problem import Problem
from routoo.solver.solve import solve

PROBLEMS = {"budget": under_one_budget, "limits": under_many_limits}
FIELDS = ("p_correct", "cost_usd", "latency_s")


@dataclass(frozen=True)
class Measured:
    """What a process of its own reported of one problem."""

    seconds: float
    gap: float
    status: str
    held: bool
    binding: int
    memory: float


def general(problem: Problem) -> tuple[float, float]:
    """Seconds and value of the plain programme in cvxpy, solved by HiGHS with its own options."""
    import cvxpy

    cp: Any = cvxpy  # Any: cvxpy does not type the names it exports
    p, cost = (m.astype(np.float64) for m in (problem.scores.p_correct, problem.scores.cost_usd))
    started = time.perf_counter()
    x = cp.Variable(p.shape, boolean=True)
    limits = [cp.sum(x, axis=1) == 1, cp.sum(cp.multiply(cost, x)) <= problem.budget_usd]
    cp.Problem(cp.Maximize(cp.sum(cp.multiply(p, x))), limits).solve(solver=cp.HIGHS)
    seconds = time.perf_counter() - started
    choice = x.value.argmax(axis=1)
    return seconds, float(p[np.arange(len(p)), choice].sum())


def fastest(problem: Problem, repeat: int) -> tuple[float, float, float]:
    """Least seconds of the dual backend, its value, and its gap."""
    seconds = []
    for _ in range(repeat):
        started = time.perf_counter()
        plan = solve(problem, solver="dual")
        seconds.append(time.perf_counter() - started)
    return min(seconds), plan.objective, plan.gap


def measure(kind: str, n: int, m: int, repeat: int) -> Measured:
    """Solves in a process of its own that holds the scores and nothing else."""
    with TemporaryDirectory() as folder:
        scores = simulated_scores(n, m)
        for field in FIELDS:
            np.save(Path(folder) / f"{field}.npy", getattr(scores, field))
        command = [sys.executable, __file__, "--measure", folder, kind, str(repeat)]
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return Measured(**json.loads(answer))


def report(folder: Path, kind: str, repeat: int) -> None:
    """Prints what `measure` reads: the child's part."""
    matrices = {field: np.load(folder / f"{field}.npy") for field in FIELDS}
    m = matrices["p_correct"].shape[1]
    scores = Scores(**matrices, models=tuple(f"model {at}" for at in range(m)))
    solve(PROBLEMS[kind](simulated_scores(2000, m)), solver="dual")  # libraries loaded, threads started
    problem = PROBLEMS[kind](scores)
    size = sum(matrix.nbytes for matrix in matrices.values())
    before = _memory("VmRSS")
    seconds, plan = [], None
    for _ in range(repeat):
        plan = None  # one answer at a time
        started = time.perf_counter()
        plan = solve(problem, solver="dual")
        seconds.append(time.perf_counter() - started)
    assert plan is not None
    peak = _memory("VmHWM")
    held = all(use.used <= use.limit for use in plan.limits)
    found = Measured(min(seconds), plan.gap, plan.status, held, len(plan.prices), (peak - before) / size)
    print(json.dumps(vars(found)))


def _memory(name: str) -> int:
    """Bytes of this process: resident (VmRSS), or the most that ever were (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--skip-milp", action="store_true", help="leave out the general solver")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        report(Path(chosen.measure[0]), chosen.measure[1], int(chosen.measure[2]))
        return
    console = Console(width=120)
    problem = under_one_budget(simulated_scores(10_000, 11))
    seconds, value, gap = fastest(problem, 4 * chosen.repeat)
    console.print(f"10,000 x 11, one budget, dual: {seconds:.4f} s, score {value:.6f}, gap {gap:.1e}")
    if not chosen.skip_milp:
        slow, other = general(problem)
        console.print(f"10,000 x 11, one budget, cvxpy + HiGHS MILP: {slow:.2f} s, score {other:.6f}")
        console.print(
            f"ratio {slow / seconds:,.0f}; score above the general solver's by {value - other:+.6f}"
        )
    table = Table("problem", "prompts x models", "seconds", "gap", "limits held", "memory above the scores")
    for kind, n, m in (("budget", 10**6, 11), ("budget", 10**6, 50), ("limits", 10**6, 11)):
        found = measure(kind, n, m, chosen.repeat)
        held = f"{'all' if found.held else 'NOT ALL'}, {found.binding} bind"
        size = f"{n:,} x {m}"
        table.add_row(kind, size, f"{found.seconds:.3f}", f"{found.gap:.1e}", held, f"{found.memory:.1%}")
    console.print(table)


if __name__ == "__main__":
    main()
