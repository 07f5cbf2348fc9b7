"""Seconds, gap and memory of the dual backend on every kind of batch, and against a general solver.

    python benchmarks/solver_speed.py [--repeat 3] [--skip-milp] [--skip-largest] [--only NAME...]

First 10,000 x 11 by cvxpy with HiGHS, as a user would write it (boolean variables, default gap), and by the
dual backend: seconds, value, ratio. Then every problem of `ROWS` in a process of its own: seconds (the least
of several runs), seconds of all processors together, certified gap, and peak memory above the scores as a
share of them. Predictions are simulated (`solver_instances.py`). The processors must be idle for the times
to mean anything; the seconds of the processors mean something anyhow.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import solver_instances as instances
from rich.console import Console
from rich.table import Table
from solver_instances import FIELDS, simulated_scores, under_one_budget

from routoo.data.scores import Scores
from routoo.solver.problem import Problem
from routoo.solver.solve import solve


@dataclass(frozen=True)
class Row:
    """A problem of the table.

    Args:
        name: What it is called.
        n: Prompts.
        m: Models.
        under: From predictions to the problem.
    """

    name: str
    n: int
    m: int
    under: Callable[[Scores], Problem]


ROWS = (
    Row("budget", 10**6, 11, under_one_budget),
    Row("budget, 50 models", 10**6, 50, under_one_budget),
    Row("13 limits", 10**6, 11, instances.under_many_limits),
    Row("13 limits, ties", 10**6, 11, instances.under_ties),
    Row("13 limits, grades", 10**6, 11, instances.under_grades),
    Row("13 limits, heavy tails", 10**6, 11, instances.under_heavy_tails),
    Row("13 limits, identical", 10**6, 11, instances.under_identical),
    Row("202 limits", 200_000, 200, instances.under_many_limits),
    Row("400 tenants", 20_000, 11, instances.under_tenants),
    Row("20 tenants and a budget", 10**6, 11, instances.under_twenty_tenants),
    Row("budget, largest", 10**7, 11, under_one_budget),
    Row("13 limits, largest", 10**7, 11, instances.under_many_limits),
)


@dataclass(frozen=True)
class Measured:
    """What a process of its own reported of one problem."""

    seconds: float
    processor_seconds: float
    gap: float
    status: str
    held: bool
    binding: int
    memory: float


def general(problem: Problem) -> tuple[float, float]:
    """Seconds and value of the plain MILP in cvxpy, solved by HiGHS with its own options."""
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


def measure(row: Row, repeat: int) -> Measured:
    """Solves in a process of its own."""
    command = [sys.executable, __file__, "--measure", row.name, str(repeat)]
    return Measured(**json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def report(row: Row, repeat: int) -> None:
    """Prints what `measure` reads: the child's part."""
    solve(row.under(simulated_scores(2000, row.m)), solver="dual")  # libraries loaded, threads started
    problem = row.under(simulated_scores(row.n, row.m))
    size = sum(getattr(problem.scores, field).nbytes for field in FIELDS)
    Path("/proc/self/clear_refs").write_text("5")  # what building the problem took is no part of the peak
    before = _memory("VmRSS")
    seconds, processor, plan = [], [], None
    for _ in range(repeat):
        plan = None  # one answer at a time
        started, worked = time.perf_counter(), time.process_time()
        plan = solve(problem, solver="dual")
        seconds.append(time.perf_counter() - started)
        processor.append(time.process_time() - worked)
    assert plan is not None
    memory = (_memory("VmHWM") - before) / size
    held = all(use.used >= use.limit if use.floor else use.used <= use.limit for use in plan.limits)
    found = Measured(min(seconds), min(processor), plan.gap, plan.status, held, len(plan.prices), memory)
    print(json.dumps(vars(found)))


def _memory(name: str) -> int:
    """Bytes of this process: resident (VmRSS), or the most that were since the last reset (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def against_general(console: Console, repeat: int, *, skip: bool) -> None:
    """10,000 prompts by the dual backend and by a general solver."""
    problem = under_one_budget(simulated_scores(10_000, 11))
    seconds, value, gap = fastest(problem, 4 * repeat)
    console.print(f"10,000 x 11, one budget, dual: {seconds:.4f} s, score {value:.6f}, gap {gap:.1e}")
    if skip:
        return
    slow, other = general(problem)
    console.print(f"10,000 x 11, one budget, cvxpy + HiGHS MILP: {slow:.2f} s, score {other:.6f}")
    console.print(f"ratio {slow / seconds:,.0f}; score above the general solver's by {value - other:+.6f}")


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--skip-milp", action="store_true", help="leave out the general solver")
    parser.add_argument("--skip-largest", action="store_true", help="leave out ten million prompts")
    parser.add_argument("--only", nargs="+", help="names of rows of the table")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        report(next(row for row in ROWS if row.name == chosen.measure[0]), int(chosen.measure[1]))
        return
    console = Console(width=140)
    if not chosen.only:
        against_general(console, chosen.repeat, skip=chosen.skip_milp)
    columns = (
        "problem",
        "prompts x models",
        "seconds",
        "of processors",
        "status",
        "gap",
        "limits",
        "memory above the scores",
    )
    table = Table(*columns)
    for row in ROWS:
        if (chosen.only and row.name not in chosen.only) or (chosen.skip_largest and row.n > 10**6):
            continue
        found = measure(row, chosen.repeat)
        cells = (
            row.name,
            f"{row.n:,} x {row.m}",
            f"{found.seconds:.2f}",
            f"{found.processor_seconds:.2f}",
            found.status,
            f"{found.gap:.1e}",
            f"{'all held' if found.held else 'NOT HELD'}, {found.binding} bind",
            f"{found.memory:.1%}",
        )
        console.print(*cells, sep=" | ")
        table.add_row(*cells)
    console.print(table)


if __name__ == "__main__":
    main()
