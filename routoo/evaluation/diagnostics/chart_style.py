"""What the pictures of an evaluation share: colours, axes, and the frame around them.

A colour such as ``var(--router)`` is looked up by the page that shows the chart, so that one
specification serves light and dark. Needs extra `report`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import altair as alt
import numpy as np
import polars as pl

from routoo.data.curves import Vector
from routoo.evaluation.trial.policy import HULL, MIXING, ORACLE

if TYPE_CHECKING:
    from routoo.evaluation.evaluation import Evaluation

Spec = dict[str, Any]  # Any: a JSON document

ROUTER = "var(--router)"
BASELINES = tuple(f"var(--baseline-{number})" for number in range(1, 7))
INK, SOFT, FAINT = "var(--ink)", "var(--soft)", "var(--faint)"
FONT = 'ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'


def row_colours(evaluation: Evaluation, names: list[str]) -> list[str]:
    """The colour of each row: the same in every chart."""
    fixed = {HULL: INK, MIXING: FAINT, ORACLE: SOFT, evaluation.router: ROUTER}
    others = [row.name for row in evaluation.rows if row.name not in fixed and row.kind == "predicted"]
    palette = {name: BASELINES[at % len(BASELINES)] for at, name in enumerate(others)}
    return [(fixed | palette)[name] for name in names]


def row_dashes(evaluation: Evaluation, names: list[str]) -> list[list[float]]:
    """How the line of each row is dashed, by what the row stands for."""
    kinds = {row.name: row.kind for row in evaluation.rows}
    dashes: dict[str, list[float]] = {"hull": [6, 4], "mixing": [2, 3], "oracle": [1.5, 3]}
    return [dashes.get(kinds[name], [1, 0]) for name in names]


def cost_title(evaluation: Evaluation) -> str:
    """What an axis of costs is called."""
    return f"mean cost, as a share of what {evaluation.best_single.name} costs"


def relative(cost_usd: Vector, evaluation: Evaluation) -> Vector:
    """Costs as shares of the best single model's; all of it where that one is free."""
    high = evaluation.best_single.cost_usd
    return cost_usd / high if high else np.ones_like(cost_usd)


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
