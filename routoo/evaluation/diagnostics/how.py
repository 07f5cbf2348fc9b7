"""The pictures of an evaluation that say how a router works, as Vega-Lite specifications."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import numpy as np
import polars as pl

from routoo.data.curves import Vector
from routoo.evaluation.diagnostics.chart_style import (
    FAINT,
    ROUTER,
    SOFT,
    Spec,
    axis_ends,
    cost_title,
    dashed,
    finished,
    relative,
    row_colours,
    row_dashes,
    ticks,
)
from routoo.evaluation.metrics.group_calibration import Group
from routoo.evaluation.metrics.published import effective_models

if TYPE_CHECKING:
    from routoo.evaluation.evaluation import Evaluation

_GROUPS = 12  # groups of a kind that are drawn: those whose promises are furthest off
_HEADROOM = 1.06  # how far an axis reaches above its highest line
_STEPS = 101  # points of a line


def reliability_diagram(evaluation: Evaluation) -> Spec:
    """What each prediction promised against what came, in bins of equally many predictions."""
    frames = [
        pl.DataFrame({"row": name, "promised": bins.p_correct, "achieved": bins.score, "n": bins.count})
        for name, bins in evaluation.reliability.items()
    ]
    names = list(evaluation.reliability)
    picked = alt.selection_point("picked", fields=["row"], bind="legend")
    diagonal = dashed("promised", "achieved", (0.0, 0.0), (1.0, 1.0))
    lines = (
        alt.Chart(pl.concat(frames))
        .mark_line(point={"filled": True, "size": 34}, strokeWidth=1.6)
        .encode(
            x=alt.X("promised:Q").title("predicted score").axis(tickCount=5).scale(domain=[0, 1]),
            y=alt.Y("achieved:Q").title("achieved score").axis(tickCount=5).scale(domain=[0, 1]),
            color=alt.Color("row:N")
            .title(None)
            .scale(domain=names, range=row_colours(evaluation, names))
            .legend(symbolType="circle", symbolSize=70),
            opacity=alt.condition(picked, alt.value(1), alt.value(0.15)),
            tooltip=[
                alt.Tooltip("row:N"),
                alt.Tooltip("promised:Q", format=".3f"),
                alt.Tooltip("achieved:Q", format=".3f"),
                alt.Tooltip("n:Q", title="predictions", format=","),
            ],
        )
        .add_params(picked)
    )
    return finished(alt.layer(diagonal, lines), height=340)


def coverage(evaluation: Evaluation) -> Spec | None:
    """Share of intervals that held what came, by the share that was to; None where there are none."""
    if not evaluation.coverage:
        return None
    kinds = {"with the interval": "held", "allowing for luck alone": "by_luck"}
    frame = pl.DataFrame(
        [
            {"kind": kind, "level": found.level, "held": getattr(found, key)}
            for kind, key in kinds.items()
            for found in evaluation.coverage
        ]
    )
    diagonal = dashed("level", "held", (0.4, 0.4), (1.0, 1.0))
    lines = (
        alt.Chart(frame)
        .mark_line(point={"filled": True, "size": 44}, strokeWidth=1.8)
        .encode(
            x=alt.X("level:Q")
            .title("share of the intervals that was to hold the mean score")
            .axis(format="%", tickCount=ticks(6))
            .scale(domain=[0.4, 1]),
            y=alt.Y("held:Q").title("share that did").axis(format="%", tickCount=6).scale(zero=False),
            color=alt.Color("kind:N")
            .title(None)
            .scale(domain=list(kinds), range=[ROUTER, SOFT])
            .legend(symbolType="circle", symbolSize=70),
            tooltip=[
                alt.Tooltip("kind:N"),
                alt.Tooltip("level:Q", title="to hold", format=".0%"),
                alt.Tooltip("held:Q", format=".1%"),
            ],
        )
    )
    return finished(alt.layer(diagonal, lines), height=300)


def calibration_of(evaluation: Evaluation, by: Group) -> Spec | None:
    """What was promised and what came in the groups furthest off; None where there are none."""
    groups = [c for c in evaluation.calibration[evaluation.router] if c.by == by and c.count]
    if not groups:
        return None
    shown = sorted(groups, key=lambda group: -abs(group.bias))[:_GROUPS]
    names = [group.name for group in sorted(shown, key=lambda group: -group.bias)]
    frame = pl.DataFrame([group.to_dict() for group in shown], infer_schema_length=None)
    y = (
        alt.Y("name:N")
        .title(None)
        .sort(names)
        .axis(labelLimit=170, ticks=False, domain=False, labelPadding=8)
    )
    tooltip = [
        alt.Tooltip("name:N"),
        alt.Tooltip("p_correct:Q", title="predicted", format=".3f"),
        alt.Tooltip("score:Q", title="achieved", format=".3f"),
        alt.Tooltip("count:Q", title="predictions", format=","),
    ]
    x = (
        alt.X("p_correct:Q")
        .title("score predicted (ring) and achieved (dot)")
        .axis(tickCount=ticks(6))
        .scale(zero=False)
    )
    base = alt.Chart(frame).encode(y=y, tooltip=tooltip)
    link = base.mark_rule(color=FAINT, strokeWidth=2).encode(x=x, x2="score:Q")
    ring = base.mark_point(color=ROUTER, size=80, strokeWidth=2, opacity=1).encode(x="p_correct:Q")
    dot = base.mark_circle(color=ROUTER, size=80, opacity=1).encode(x="score:Q")
    return finished(alt.layer(link, ring, dot), height=max(26 * len(shown), 60))


def deferral_curves(evaluation: Evaluation) -> Spec | None:
    """Mean score by share of the prompts deferred to the best model; None where it is the cheapest too."""
    if not evaluation.deferral:
        return None
    names = list(evaluation.deferral)
    shares = np.linspace(0, 1, _STEPS)
    lines = _lines({n: (shares, np.interp(shares, d.share, d.score)) for n, d in evaluation.deferral.items()})
    ends = evaluation.deferral[evaluation.router]
    low, high = axis_ends(lines["y"])
    y = alt.Y("y:Q").title("mean score").scale(domain=[low, high], nice=False)
    straight = dashed("x", "y", (0.0, float(ends.score[0])), (1.0, float(ends.score[-1])))
    chart = _rows(evaluation, lines, names).encode(
        x=alt.X("x:Q").title(f"share of the prompts deferred to {ends.strong}").axis(format="%", tickCount=5),
        y=y,
    )
    return finished(alt.layer(straight.encode(y=y), chart), height=300)


def models_along_budget(evaluation: Evaluation) -> Spec:
    """How many models share the prompts at each budget, for every row that chooses."""
    low, high = evaluation.cheapest_single.cost_usd, evaluation.best_single.cost_usd
    budgets = np.linspace(low, high, _STEPS)
    names = list(evaluation.curves)
    lines = _lines(
        {
            name: (relative(budgets, evaluation), effective_models(curve.shares_at(budgets)))
            for name, curve in evaluation.curves.items()
        }
    )
    chart = _rows(evaluation, lines, names).encode(
        x=_budgets(evaluation),
        y=alt.Y("y:Q").title("effective number of models").scale(domain=[1, _top(lines, 1)], nice=False),
    )
    return finished(chart, height=300)


def needless_along_budget(evaluation: Evaluation) -> Spec:
    """Share of the calls that go to a dearer model than needed at each budget, for every row that chooses."""
    low, high = evaluation.cheapest_single.cost_usd, evaluation.best_single.cost_usd
    budgets = np.linspace(low, high, _STEPS)
    names = list(evaluation.curves)
    lines = _lines(
        {
            name: (relative(budgets, evaluation), curve.needless_at(budgets))
            for name, curve in evaluation.curves.items()
        }
    )
    chart = _rows(evaluation, lines, names).encode(
        x=_budgets(evaluation),
        y=alt.Y("y:Q")
        .title("calls dearer than needed")
        .axis(format="%", tickCount=5)
        .scale(domain=[0, _top(lines, 0)], nice=False),
    )
    return finished(chart, height=300)


def flips(evaluation: Evaluation) -> Spec | None:
    """How often the choice flips, by kind of change; None where that was not asked."""
    if not evaluation.robustness:
        return None
    rows = [
        {key: value for key, value in kind.to_dict().items() if key != "gain"}
        | {"gain": None if kind.gain is None else kind.gain.value}
        for kind in evaluation.robustness
    ]
    frame = pl.DataFrame(rows, infer_schema_length=None)
    bars = (
        alt.Chart(frame)
        .mark_bar(color=ROUTER, height=12, cornerRadiusEnd=3)
        .encode(
            x=alt.X("flips:Q")
            .title("share of the choices that are sent elsewhere")
            .axis(format=".0%", tickCount=5)
            .scale(domain=[0, max(0.1, *(1.1 * kind.flips for kind in evaluation.robustness))]),
            y=alt.Y("name:N")
            .title(None)
            .sort(frame["name"].to_list())
            .axis(labelLimit=170, ticks=False, domain=False, labelPadding=8),
            tooltip=[
                alt.Tooltip("name:N"),
                alt.Tooltip("flips:Q", format=".1%"),
                alt.Tooltip("spend:Q", title="spend after / before", format=".3f"),
                alt.Tooltip("shift:Q", title="mean change of a prediction", format=".3f"),
                alt.Tooltip("gain:Q", title="score gained", format="+.4f"),
            ],
        )
    )
    return finished(bars, height=28 * len(frame))


def _lines(lines: dict[str, tuple[Vector, Vector]]) -> pl.DataFrame:
    """Lines by name, as one tidy frame."""
    return pl.concat([pl.DataFrame({"row": name, "x": x, "y": y}) for name, (x, y) in lines.items()])


def _budgets(evaluation: Evaluation) -> alt.X:
    """The axis of a chart along the budget."""
    axis: alt.X = alt.X("x:Q").title(cost_title(evaluation)).axis(format="%", tickCount=ticks(5))
    return axis.scale(domain=[0, 1])


def _top(lines: pl.DataFrame, foot: float) -> float:
    """Where an axis from `foot` ends, so that no line touches its end."""
    return foot + _HEADROOM * max(float(np.nanmax(lines["y"].to_numpy())) - foot, 0.05)


def _rows(evaluation: Evaluation, lines: pl.DataFrame, names: list[str]) -> alt.Chart:
    """A line a row, in the row's colour; a click on its name leaves it alone."""
    picked = alt.selection_point("picked", fields=["row"], bind="legend")
    chart: alt.Chart = alt.Chart(lines).mark_line(clip=True)
    return chart.encode(
        color=alt.Color("row:N").title(None).scale(domain=names, range=row_colours(evaluation, names)),
        strokeDash=alt.StrokeDash("row:N")
        .title(None)
        .scale(domain=names, range=row_dashes(evaluation, names)),
        strokeWidth=alt.condition(alt.datum.row == evaluation.router, alt.value(2.6), alt.value(1.6)),
        opacity=alt.condition(picked, alt.value(1), alt.value(0.12)),
        tooltip=[alt.Tooltip("row:N"), alt.Tooltip("x:Q", format=".0%"), alt.Tooltip("y:Q", format=".3f")],
    ).add_params(picked)
