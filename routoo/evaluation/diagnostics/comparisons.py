"""The pictures of an evaluation that hold the router against its rivals, as Vega-Lite specifications."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import polars as pl

from routoo.evaluation.compare.differences import AT_COST
from routoo.evaluation.diagnostics.chart_style import Spec, finished, row_colours, ticks, zero
from routoo.evaluation.diagnostics.findings import rivals
from routoo.evaluation.metrics.budgets import BUDGET_SHARES

if TYPE_CHECKING:
    from routoo.evaluation.evaluation import Evaluation

_SCHEMA = {"row": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64}
_RANGE = [alt.Tooltip(f"{key}:Q", format="+.4f") for key in ("value", "low", "high")]


def differences(evaluation: Evaluation) -> Spec | None:
    """Area of the router above that of every other row but the oracle, with its range over resamples."""
    kinds = {row.name: row.kind for row in evaluation.rows}
    gaps = {
        found.other: found.figures["area"]
        for found in evaluation.differences
        if "area" in found.figures and kinds[found.other] != "oracle"
    }
    if not gaps:
        return None
    frame = pl.DataFrame(
        [{"row": name, "value": g.value, "low": g.low, "high": g.high} for name, g in gaps.items()],
        schema=_SCHEMA,
    )
    names = list(gaps)
    base = alt.Chart(frame).encode(
        y=alt.Y("row:N").title(None).sort(names).axis(labelLimit=170, ticks=False, domain=False),
        color=alt.Color("row:N").legend(None).scale(domain=names, range=row_colours(evaluation, names)),
        tooltip=[alt.Tooltip("row:N", title=f"{evaluation.router} above"), *_RANGE],
    )
    x = (
        alt.X("value:Q")
        .title(f"area of {evaluation.router} above it")
        .axis(format="+.3~f", tickCount=ticks(5))
    )
    span = base.mark_rule(strokeWidth=2.5).encode(x=alt.X("low:Q"), x2="high:Q")
    dot = base.mark_circle(size=110, opacity=1).encode(x=x)
    return finished(alt.layer(zero("x"), span, dot), height=max(38 * len(names), 76))


def equal_cost(evaluation: Evaluation) -> Spec | None:
    """Score of the router above its rivals' at the same cost, with ranges, at several budgets."""
    names = rivals(evaluation)
    rows = [
        {"row": name, "share": f"{share:.0%}", "value": g.value, "low": g.low, "high": g.high}
        for share, key in zip(BUDGET_SHARES, AT_COST, strict=True)
        for name in names
        if (g := evaluation.over(name).figures.get(key)) is not None
    ]
    if not rows:
        return None
    frame = pl.DataFrame(rows, schema={**_SCHEMA, "share": pl.String})
    shares = [f"{share:.0%}" for share in BUDGET_SHARES if f"{share:.0%}" in set(frame["share"])]
    title = f"cost, as a share of what {evaluation.best_single.name} costs"
    base = alt.Chart(frame).encode(
        x=alt.X("share:N").title(title).sort(shares).axis(labelAngle=0, ticks=False).scale(paddingInner=0.3),
        xOffset=alt.XOffset("row:N").scale(domain=names),
        color=alt.Color("row:N")
        .title(None)
        .scale(domain=names, range=row_colours(evaluation, names))
        .legend(symbolType="circle", symbolSize=70),
        tooltip=[alt.Tooltip("row:N", title=f"{evaluation.router} above"), alt.Tooltip("share:N"), *_RANGE],
    )
    y = alt.Y("value:Q").title(f"score of {evaluation.router} above it").axis(format="+.3~f", tickCount=6)
    span = base.mark_rule(strokeWidth=2.2).encode(y=alt.Y("low:Q"), y2="high:Q")
    dot = base.mark_circle(size=80, opacity=1).encode(y=y)
    return finished(alt.layer(zero("y"), span, dot), height=260)
