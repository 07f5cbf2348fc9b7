"""When reading the small model's answer pays: what it costs in calls of the large one, and what it must show.

    python benchmarks/when_cascades_pay.py [--output docs/cascades.svg]

Left: calls of the large model that a cascade affords at any budget, as a share of those of a router. Right:
the AUC that the answer's signal needs, for gains by the large model, to have as much of them over all budgets
as a router whose own signal has an AUC of .5, .6, .7 or .8. Signals are normal, of one spread, about one mean
where the large model gains and another where it does not; it gains on a quarter of the prompts and loses on
none. Computed, not measured.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import altair as alt
import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table
from scipy.optimize import brentq
from scipy.stats import norm

GAINS = 0.25
ROUTERS = (0.5, 0.6, 0.7, 0.8)
THRESHOLDS = np.linspace(-8, 12, 4001)


def gained(auc: float, ratio: float) -> float:
    """Mean share of the gains that are had, over all budgets, by a signal that costs this share of a call."""
    apart = np.sqrt(2) * norm.ppf(auc)
    hit, miss = norm.cdf(THRESHOLDS, 0), norm.cdf(THRESHOLDS, apart)
    share = GAINS * hit + (1 - GAINS) * miss
    affordable = np.linspace(0, 1, 201) * (1 - ratio)
    return float(np.interp(affordable, share, hit).mean())


def needed(router: float, ratio: float) -> float | None:
    """The AUC at which a cascade has as much as this router; None where no signal has."""
    goal = gained(router, 0.0)
    if gained(0.9999, ratio) < goal:
        return None
    return float(brentq(lambda auc: gained(auc, ratio) - goal, 0.5, 0.9999))


def save(frame: pl.DataFrame, path: Path) -> None:
    """Draws both panels."""
    x = alt.X(
        "ratio:Q", title="cost of the small model / cost of the large one", scale=alt.Scale(domain=[0, 1])
    )
    calls = pl.DataFrame({"ratio": [0.0, 1.0], "calls": [1.0, 0.0]})
    left = (
        alt.Chart(calls)
        .mark_line()
        .encode(x=x, y=alt.Y("calls:Q", title="calls of the large model, cascade / router"))
    )
    y = alt.Y("auc:Q", title="AUC that the answer's signal needs", scale=alt.Scale(domain=[0.5, 1]))
    color = alt.Color("router:N", title="AUC of the router")
    right = alt.Chart(frame).mark_line().encode(x=x, y=y, color=color)
    panels = [panel.properties(width=270, height=240) for panel in (left, right)]
    alt.hconcat(*panels).save(path)


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1] / "docs" / "cascades.svg")
    chosen = parser.parse_args()
    rows = [
        {"router": f"{router:.1f}", "ratio": ratio, "auc": needed(router, ratio)}
        for router in ROUTERS
        for ratio in np.linspace(0, 0.95, 39).tolist()
    ]
    frame = pl.DataFrame(rows).drop_nulls()
    table = Table("AUC of the router", *(f"c1/c2 = {ratio:.2f}" for ratio in (0.05, 0.1, 0.2, 0.3, 0.5)))
    for router in ROUTERS:
        found = [needed(router, ratio) for ratio in (0.05, 0.1, 0.2, 0.3, 0.5)]
        table.add_row(f"{router:.1f}", *("none" if auc is None else f"{auc:.3f}" for auc in found))
    Console().print(table)
    save(frame, chosen.output)


if __name__ == "__main__":
    main()
