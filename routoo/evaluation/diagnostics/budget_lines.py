"""Lines along the budget, one a row of the evaluation: the body that several diagnostics share."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import altair as alt
import numpy as np
import polars as pl

from routoo.data.curves import Vector, hull
from routoo.evaluation.diagnostics.chart_style import (
    cost_axis,
    finished,
    hover,
    money,
    row_colours,
    row_dashes,
)
from routoo.evaluation.diagnostics.diagnostic import Spec
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.trial.curve import Curve
from routoo.evaluation.trial.policy import HULL, MIXING, ORACLE

_STEPS = 101  # points of a line
_HEADROOM = 1.06  # how far an axis reaches above its highest line


def along_budget(
    evaluation: Evaluation, of: Callable[[Curve, Vector], Vector], y: alt.Y, *, foot: float, form: str
) -> Spec:
    """What `of` says of a curve at each budget, for every row that chooses; the axis begins at `foot`."""
    low, high = evaluation.cheapest_single.cost_usd, evaluation.best_single.cost_usd
    budgets = np.linspace(low, high, _STEPS)
    curves = {name: curve for name, curve in evaluation.curves.items() if name != ORACLE}
    costs = evaluation.volume.of(budgets)
    frame = tidy({name: (costs, of(curve, budgets)) for name, curve in curves.items()})
    top = foot + _HEADROOM * max(float(np.nanmax(frame["y"].to_numpy())) - foot, 0.05)
    x = cost_axis(evaluation, "x", most=5)
    y = y.scale(domain=[foot, top], nice=False)
    lines = row_lines(evaluation, frame, list(curves)).encode(x=x, y=y)
    tooltip = [alt.Tooltip("row:N"), money(evaluation, "x"), alt.Tooltip("y:Q", format=form)]
    return finished(alt.layer(lines, hover(frame, x, y, tooltip)), height=300)


def row_hull(evaluation: Evaluation, name: str) -> Vector:
    """(cost, score) at the vertices of a row's hull; all may send every prompt to the cheapest model."""
    best, cheapest = evaluation.best_single, evaluation.cheapest_single
    if name in (HULL, MIXING):
        mixed = evaluation.singles if name == HULL else (cheapest, best)
        return hull(np.array([(model.cost_usd, model.score) for model in mixed]))
    return hull(np.vstack([evaluation.curves[name].points, [(cheapest.cost_usd, cheapest.score)]]))


def tidy(lines: Mapping[str, tuple[Vector, Vector]]) -> pl.DataFrame:
    """Lines by name as one frame of rows, x and y."""
    return pl.concat([pl.DataFrame({"row": name, "x": x, "y": y}) for name, (x, y) in lines.items()])


def row_lines(evaluation: Evaluation, frame: pl.DataFrame, names: list[str]) -> alt.Chart:
    """A line a row, in the row's colour; a click on its name leaves it alone."""
    picked = alt.selection_point("picked", fields=["row"], bind="legend")
    chart: alt.Chart = alt.Chart(frame).mark_line(clip=True)
    return chart.encode(
        color=alt.Color("row:N").title(None).scale(domain=names, range=row_colours(evaluation, names)),
        strokeDash=alt.StrokeDash("row:N")
        .title(None)
        .scale(domain=names, range=row_dashes(evaluation, names)),
        strokeWidth=alt.condition(alt.datum.row == evaluation.router, alt.value(2.8), alt.value(1.6)),
        opacity=alt.condition(picked, alt.value(1), alt.value(0.12)),
    ).add_params(picked)
