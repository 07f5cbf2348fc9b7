"""What the router has above every other row, over all budgets."""

from __future__ import annotations

import altair as alt
import polars as pl

from routoo.evaluation.diagnostics.chart_style import finished, name_axis, row_colours, signed_axis, zero
from routoo.evaluation.diagnostics.diagnostic import Diagnostic, Spec
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.in_words import listed
from routoo.evaluation.trial.bootstrap import Interval

_SCHEMA = {"row": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64}


def _gaps(evaluation: Evaluation) -> dict[str, Interval]:
    """The difference in area to every row but the oracle."""
    kinds = {row.name: row.kind for row in evaluation.rows}
    return {
        found.other: found.metrics["area"]
        for found in evaluation.differences
        if "area" in found.metrics and kinds[found.other] != "oracle"
    }


def _sentence(evaluation: Evaluation) -> str:
    gaps = _gaps(evaluation)
    ahead = [name for name, gap in gaps.items() if gap.low > 0]
    behind = [name for name, gap in gaps.items() if gap.high < 0]
    open_ = [name for name in gaps if name not in ahead and name not in behind]
    parts = []
    if ahead:
        parts.append(f"ahead of {listed(ahead)}")
    if behind:
        parts.append(f"behind {listed(behind)}")
    if open_:
        parts.append(f"too close to call with {listed(open_)}")
    return f"Over all budgets, {evaluation.router} is {'; '.join(parts)}" if parts else "Against each rival"


def _chart(evaluation: Evaluation) -> Spec | None:
    gaps = _gaps(evaluation)
    if not gaps:
        return None
    frame = pl.DataFrame(
        [{"row": name, "value": g.value, "low": g.low, "high": g.high} for name, g in gaps.items()],
        schema=_SCHEMA,
    )
    names = list(gaps)
    base = alt.Chart(frame).encode(
        y=name_axis(names, "row"),
        color=alt.Color("row:N").legend(None).scale(domain=names, range=row_colours(evaluation, names)),
        tooltip=[
            alt.Tooltip("row:N", title=f"{evaluation.router} above"),
            *(alt.Tooltip(f"{key}:Q", format="+.4f") for key in ("value", "low", "high")),
        ],
    )
    x = alt.X("value:Q").title(f"area of {evaluation.router} above it").axis(signed_axis("+.3~f", 5))
    span = base.mark_rule(strokeWidth=2.5).encode(x=alt.X("low:Q"), x2="high:Q")
    dot = base.mark_circle(size=110, opacity=1).encode(x=x)
    return finished(alt.layer(zero("x"), span, dot), height=max(38 * len(names), 76))


DIAGNOSTIC = Diagnostic(
    key="differences",
    heading="Over all budgets",
    label="Differences in area with their ranges",
    sentence=_sentence,
    caption=lambda evaluation: (
        f"Area under the line of {evaluation.router} in the first picture less that under each other line, "
        "with ranges over the same resamples. A bar that touches the dashed line may be chance."
    ),
    chart=_chart,
)
