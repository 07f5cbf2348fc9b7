"""What the pictures of an evaluation share: colours, axes, and the frame around them.

A colour such as ``var(--router)`` is looked up by the page that shows the chart, so that one
specification serves light and dark. Needs extra `report`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import altair as alt
import numpy as np
import polars as pl

from routoo.evaluation.diagnostics.diagnostic import Spec
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.in_words import percent
from routoo.evaluation.trial.policy import CASCADE, HULL, MIXING, ORACLE

_LINE = 24  # characters of a name on one line

ROUTER, CASCADES = "var(--router)", "var(--cascade)"
BASELINES = tuple(f"var(--baseline-{number})" for number in range(1, 7))
INK, SOFT, FAINT = "var(--ink)", "var(--soft)", "var(--faint)"
FONT = 'ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'


def row_colours(evaluation: Evaluation, names: list[str]) -> list[str]:
    """The colour of each row: the same in every chart."""
    fixed = {HULL: INK, MIXING: FAINT, ORACLE: SOFT, CASCADE: CASCADES, evaluation.router: ROUTER}
    others = [row.name for row in evaluation.rows if row.name not in fixed and row.kind == "predicted"]
    palette = {name: BASELINES[at % len(BASELINES)] for at, name in enumerate(others)}
    return [(fixed | palette)[name] for name in names]


def row_dashes(evaluation: Evaluation, names: list[str]) -> list[list[float]]:
    """How the line of each row is dashed, by what the row stands for."""
    kinds = {row.name: row.kind for row in evaluation.rows}
    dashes: dict[str, list[float]] = {"hull": [6, 4], "mixing": [2, 3], "oracle": [1.5, 3]}
    return [dashes.get(kinds[name], [1, 0]) for name in names]


def cost_axis(evaluation: Evaluation, field: str, *, most: int = 10, end: float = 1.0) -> alt.X:
    """The axis of costs from nothing to the best single model's, and to `end` times that."""
    right = float(evaluation.volume.of(evaluation.best_single.cost_usd)) or 1.0
    title = f"cost, USD per {evaluation.volume}"
    axis: alt.X = alt.X(f"{field}:Q").title(title).axis(format=",.3~r", tickCount=ticks(most))
    return axis.scale(domain=[0, end * right], nice=False)


def log_cost_axis(evaluation: Evaluation, field: str, low_usd: float, high_usd: float) -> alt.X:
    """The axis of costs between two of a prompt, by orders of magnitude."""
    ends = evaluation.volume.of(np.array([low_usd, high_usd])).tolist()
    title = f"cost, USD per {evaluation.volume} (log scale)"
    axis: alt.X = alt.X(f"{field}:Q").title(title).axis(format=",.3~r", tickCount=ticks(8))
    return axis.scale(type="log", domain=ends, nice=False)


def money(evaluation: Evaluation, field: str) -> alt.Tooltip:
    """A cost in words."""
    return alt.Tooltip(f"{field}:Q", title=f"cost, USD per {evaluation.volume}", format=",.4~r")


def share_of_cost(evaluation: Evaluation, shares: Iterable[float]) -> dict[str, list[str]]:
    """Labels of budgets: what prompts cost at shares of the best single model's cost, and the share."""
    volume, whole = evaluation.volume, evaluation.best_single.cost_usd
    return {percent(share): [volume.usd(share * whole), percent(share)] for share in shares}


def lines_of_names(names: Iterable[str]) -> dict[str, list[str]]:
    """Long names, broken after a hyphen, slash, underscore or space so that no axis cuts them.

    >>> lines_of_names(["gpt-4o", "llama-3.1-nemotron-51b-instruct"])
    {'llama-3.1-nemotron-51b-instruct': ['llama-3.1-nemotron-51b-', 'instruct']}
    """
    return {name: _broken(name) for name in names if len(name) > _LINE}


def _broken(name: str) -> list[str]:
    lines = [""]
    for part in re.findall(r"[^-/_ ]*[-/_ ]?", name):
        if lines[-1] and len(lines[-1] + part) > _LINE:
            lines.append("")
        lines[-1] += part
    return lines


def labels(lines: Mapping[str, list[str]]) -> str:
    """The expression of an axis whose labels have these lines, and else are as they are."""
    return f"({json.dumps(lines)})[datum.label] || datum.label"


def name_axis(names: Sequence[str], field: str) -> alt.Y:
    """An axis of names, from the top down, none of them cut."""
    axis: alt.Y = alt.Y(f"{field}:N").title(None).sort(list(names))
    lines = lines_of_names(names)
    middle = {
        "condition": {"test": f"({json.dumps(lines)})[datum.label]", "value": "bottom"},
        "value": "middle",
    }
    return axis.axis(
        labelExpr=labels(lines),
        labelBaseline=middle,
        labelLimit=260,
        labelOverlap=False,
        ticks=False,
        domain=False,
        labelPadding=8,
    )


def signed_axis(form: str, most: int) -> alt.Axis:
    """An axis of differences: signs before all numbers but 0."""
    expression = f"datum.value === 0 ? '0' : format(datum.value, '{form}')"
    return alt.Axis(labelExpr=expression, tickCount=ticks(most))


def hover(frame: pl.DataFrame, x: alt.X, y: alt.Y, tooltip: list[alt.Tooltip]) -> alt.Chart:
    """Points of lines that are seen by pointing at them."""
    points: alt.Chart = alt.Chart(frame).mark_point(size=120, opacity=0, filled=True, clip=True)
    return points.encode(x=x, y=y, tooltip=tooltip)


def axis_ends(scores: pl.Series) -> tuple[float, float]:
    """Where the score axis begins and ends: what is drawn, and a little air."""
    drawn = scores.to_numpy()
    air = max(float(np.ptp(drawn)) * 0.08, 0.005)
    return round(float(drawn.min()) - air, 4), round(float(drawn.max()) + air, 4)


def dashed(x: str, y: str, *ends: tuple[float, float]) -> alt.Chart:
    """A faint dashed line between points, in the fields of the chart that it is laid under."""
    frame = pl.DataFrame({x: [end[0] for end in ends], y: [end[1] for end in ends]})
    line: alt.Chart = alt.Chart(frame).mark_line(color=FAINT, strokeDash=[4, 4], strokeWidth=1.2)
    return line.encode(x=f"{x}:Q", y=f"{y}:Q")


def zero(axis: Literal["x", "y"]) -> alt.Chart:
    """A dashed line at no difference."""
    rule: alt.Chart = alt.Chart(pl.DataFrame({"zero": [0.0]})).mark_rule(color=SOFT, strokeDash=[3, 3])
    return rule.encode(x="zero:Q") if axis == "x" else rule.encode(y="zero:Q")


def linked_pairs(
    base: alt.Chart, x: alt.X, *, x2: str, ring: str, dot: str, ring_colour: str = ROUTER
) -> alt.LayerChart | alt.FacetChart:
    """A ring and a dot a row, and the line between them, which carries the axis from `x` to `x2`."""
    link = base.mark_rule(color=FAINT, strokeWidth=2).encode(x=x, x2=x2)
    rings = base.mark_point(color=ring_colour, size=80, strokeWidth=2, opacity=1).encode(x=ring)
    dots = base.mark_circle(color=ROUTER, size=80, opacity=1).encode(x=dot)
    return alt.layer(link, rings, dots)


def ticks(most: int) -> alt.ExprRef:
    """About how many labels an axis of costs or scores has: fewer where all would not fit."""
    return alt.ExprRef(f"clamp(floor(width / 75), 2, {most})")


def finished(
    chart: alt.Chart | alt.LayerChart | alt.FacetChart,
    *,
    height: int,
    legend: Literal["top", "right"] = "top",
) -> Spec:
    """The specification of a chart as wide as its place."""
    sized = chart.properties(width="container", height=height)
    spec: Spec = (
        sized.configure(
            autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
            background="transparent",
            padding={"left": 5, "top": 5, "right": 18, "bottom": 5},  # half of a label at the end of an axis
            font=FONT,
        )
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=SOFT,
            titleColor=SOFT,
            titleFontWeight="normal",
            titlePadding=10,
            gridColor="var(--line)",
            domainColor="var(--line)",
            tickColor="var(--line)",
            labelFontSize=12,
            titleFontSize=12,
            labelOverlap="greedy",
            labelSeparation=6,
        )
        .configure_legend(
            labelColor=INK,
            titleColor=SOFT,
            labelFontSize=12,
            orient=legend,
            symbolStrokeWidth=2.4,
            symbolSize=260,
            labelLimit=260,
        )
        .to_dict()
    )
    return spec
