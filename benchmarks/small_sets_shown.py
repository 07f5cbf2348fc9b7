"""Rows of `small_sets.py`: kept on disk, summed up, tabled and drawn."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt
import polars as pl
from rich.table import Table

from routoo.data.storage.files import write_atomically

DEFAULT = "routoo"
MEANS = "single model means"
PREDICTED = "routoo, predicted costs"
"""The default where it chooses by what it expects calls to cost."""
OBSERVED = ("domain table",)
"""Methods that observe more than the text."""

CURVE = ("data", "variant", "models", "prompts")
CELL = (*CURVE, "draw", "seed", "samples")

_TICKS = (100, 200, 500, 1000, 2000, 5000, 10_000)

Array = npt.NDArray[np.float64]
Row = dict[str, Any]  # Any: JSON values


class Journal:
    """Rows in a file, an object of JSON a line, each written whole or not at all.

    Args:
        path: The file, whose rows are read; None to keep them in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.rows: list[Row] = []
        if path is not None and path.exists():
            content = path.read_bytes()
            whole = content[: content.rfind(b"\n") + 1]
            self.rows = [json.loads(line) for line in whole.splitlines()]
            if whole != content:  # killed in the middle of a row
                write_atomically(path, whole)

    def methods_of(self, cell: Mapping[str, Any]) -> set[str]:
        """The methods of which this cell has a row."""
        return {row["method"] for row in self.rows if all(row[key] == cell[key] for key in CELL)}

    def add(self, row: Row) -> None:
        """Adds a row, and writes it at once."""
        self.rows.append(row)
        if self.path is not None:
            with self.path.open("ab", buffering=0) as file:
                file.write(json.dumps(row).encode() + b"\n")
                os.fsync(file.fileno())


def summary(rows: Sequence[Row]) -> pl.DataFrame:
    """The curve of each method: a line a point of the curve and method, means over draws.

    Beside them what the default has above the method, by mean and by predicted costs, on the same draws and
    resamples, with standard errors. Draws that a method refused are left out; one that refused all has no
    line.
    """
    points: dict[tuple[Any, ...], dict[str, dict[int, Row]]] = {}
    for row in rows:
        if "area" in row:
            methods = points.setdefault(tuple(row[key] for key in CURVE), {})
            methods.setdefault(row["method"], {})[row["draw"]] = row
    lines = []
    for point, methods in points.items():
        for name, draws in methods.items():
            held = [row["held"] for row in draws.values() if row["held"] is not None]
            line: Row = dict(zip(CURVE, point, strict=True))
            line |= {"method": name, "draws": len(draws), "held": float(np.mean(held)) if held else None}
            line |= _mean("area", [_resampled(row) for row in draws.values()])
            for column, default in (("above", DEFAULT), ("priced_above", PREDICTED)):
                ours = methods.get(default, {})
                shared = sorted(set(ours) & set(draws))
                above = [_resampled(ours[draw]) - _resampled(draws[draw]) for draw in shared]
                line |= _mean(column, above) if above else {column: None, f"{column}_error": None}
            lines.append(line)
    floats = ("held", "above", "above_error", "priced_above", "priced_above_error")
    order = {"draws": pl.Int64} | dict.fromkeys(floats, pl.Float64)
    return pl.DataFrame(lines, schema_overrides=order).sort(*CURVE, "method")


def _resampled(row: Row) -> Array:
    """The area of a row, then that of each resample."""
    return np.array([row["area"], *row["resampled"]])


def _mean(name: str, draws: Sequence[Array]) -> Row:
    """The mean over draws and its standard error: test prompts and draws are drawn again together."""
    values = np.array(draws)
    n_draws, n_samples = len(values), values.shape[1] - 1
    picked = np.random.default_rng(0).integers(0, n_draws, (n_samples, n_draws))
    again = values[picked, np.arange(1, n_samples + 1)[:, None]].mean(1)
    return {name: float(values[:, 0].mean()), f"{name}_error": float(again.std(ddof=1))}


def table(found: pl.DataFrame) -> Table:
    """A line a point of the curve: the default, the best baseline, the means and the observed table."""
    grid = Table(title=f"area of {DEFAULT} beside baselines, ± standard errors")
    for name in (
        *("data", "variant", "models", "prompts", "draws", "area", "best baseline", "its area"),
        *("difference", "by predicted costs", "over means", "over observed table", "90 % hold"),
    ):
        grid.add_column(name, no_wrap=True)
    for point, lines in found.group_by(CURVE, maintain_order=True):
        methods = {line["method"]: line for line in lines.to_dicts()}
        default = methods.pop(DEFAULT, None)
        methods.pop(PREDICTED, None)
        observed = [methods.pop(name, None) for name in OBSERVED]
        best = max(methods.values(), key=lambda line: line["area"], default=None)
        grid.add_row(
            *map(str, point[:2]),
            *(f"{number:,}" for number in point[2:]),
            str((default or best or {}).get("draws", "")),
            _area(default),
            "" if best is None else best["method"],
            _area(best),
            _signed(best),
            _signed(best, "priced_above"),
            *(_signed(line) for line in (methods.get(MEANS), *observed)),
            "" if default is None or default["held"] is None else f"{default['held']:.1%}",
        )
    return grid


def _area(line: Row | None) -> str:
    return "–" if line is None else f"{line['area']:.4f}"


def _signed(line: Row | None, column: str = "above") -> str:
    if line is None or line[column] is None:
        return "–"
    return f"{line[column]:+.4f} ± {line[f'{column}_error']:.4f}"


def save(found: pl.DataFrame, path: Path) -> None:
    """Draws a panel a set and number of models: area by prompts, the default with its 95 % range."""
    panel = pl.format("{}, {}, {} models", "data", "variant", "models")
    half = 1.96 * pl.col("area_error")
    lines = found.with_columns(panel=panel, low=pl.col("area") - half, high=pl.col("area") + half)
    names = [DEFAULT, *sorted(set(lines["method"]) - {DEFAULT})]
    ticks = alt.Axis(values=list(_TICKS), format="~s")
    x = alt.X("prompts:Q", scale=alt.Scale(type="log", nice=False), axis=ticks, title="prompts learned from")
    y = alt.Y("area:Q", scale=alt.Scale(zero=False), title="area")
    colour = alt.Color("method:N", sort=names, title=None, legend=alt.Legend(symbolOpacity=1))
    thick = alt.condition(alt.datum.method == DEFAULT, alt.value(3), alt.value(1.2))
    base = alt.Chart(lines)
    band = base.transform_filter(alt.datum.method == DEFAULT).mark_area(opacity=0.15)
    chart = alt.layer(
        band.encode(x=x, y=alt.Y("low:Q", scale=alt.Scale(zero=False)), y2="high:Q", color=colour),
        base.mark_line(point=True).encode(x=x, y=y, color=colour, strokeWidth=thick),
    )
    panels = chart.properties(width=260, height=200).facet(alt.Facet("panel:N", title=None), columns=3)
    panels.resolve_scale(x="independent", y="independent").save(path)
