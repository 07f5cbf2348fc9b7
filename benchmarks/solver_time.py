"""Time against size for the three backends, one budget and eleven models, as a plot and a table.

    python benchmarks/solver_time.py [--output docs/solver_time.svg] [--patience 10]

A backend is left out above the size at which it took more than `patience` seconds, and where its gap is
above 1e-4. Predictions are simulated
(`solver_instances.py`); the processors must be idle for the times to mean anything.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import altair as alt
import polars as pl
from rich.console import Console
from rich.table import Table
from solver_instances import simulated_scores, under_one_budget

from routoo.solver.solve import solve

SIZES = (100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
MODELS, REPEAT = 11, 3
SOLVERS = ("exact", "greedy", "dual")
_GAP = 1e-4


def measure(patience: float) -> pl.DataFrame:
    """One row a backend and size: least seconds of a few runs, and the certified gap."""
    rows: list[dict[str, object]] = []
    left = list(SOLVERS)
    solve(under_one_budget(simulated_scores(50, MODELS)), solver="exact")  # libraries loaded
    for n in SIZES:
        problem = under_one_budget(simulated_scores(n, MODELS))
        for solver in tuple(left):
            seconds = []
            for _ in range(1 if solver == "exact" else REPEAT):
                options = {"time_limit_s": 4 * patience, "gap": _GAP} if solver == "exact" else {}
                started = time.perf_counter()
                plan = solve(problem, solver=solver, **options)
                seconds.append(time.perf_counter() - started)
            if plan.gap <= _GAP:
                rows.append({"solver": solver, "prompts": n, "seconds": min(seconds), "gap": plan.gap})
            if min(seconds) > patience:
                left.remove(solver)
    return pl.DataFrame(rows)


def save(frame: pl.DataFrame, path: Path) -> None:
    """Draws lines on two logarithmic scales."""
    base = alt.Chart(frame).encode(
        x=alt.X("prompts:Q", scale=alt.Scale(type="log"), title="prompts (x 11 models)"),
        y=alt.Y("seconds:Q", scale=alt.Scale(type="log"), title="seconds"),
        color=alt.Color("solver:N", sort=list(SOLVERS), title=None),
    )
    lines = alt.layer(base.mark_line(), base.mark_point(filled=True, size=45))
    lines.properties(width=520, height=300).save(path)


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1] / "docs" / "solver_time.svg")
    parser.add_argument("--patience", type=float, default=10.0)
    chosen = parser.parse_args()
    frame = measure(chosen.patience)
    table = Table("solver", "prompts", "seconds", "gap")
    for solver, n, seconds, gap in frame.iter_rows():
        table.add_row(solver, f"{n:,}", f"{seconds:.4f}", f"{gap:.1e}")
    Console().print(table)
    save(frame, chosen.output)


if __name__ == "__main__":
    main()
