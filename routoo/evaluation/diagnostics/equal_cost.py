"""What the router scores above its rivals where all spend the same."""

from __future__ import annotations

import altair as alt
import polars as pl

from routoo.evaluation.compare.differences import AT_COST
from routoo.evaluation.diagnostics.chart_style import (
    finished,
    labels,
    row_colours,
    share_of_cost,
    signed_axis,
    zero,
)
from routoo.evaluation.diagnostics.diagnostic import Diagnostic, Spec
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.in_words import percent, signed
from routoo.evaluation.metrics.budgets import BUDGET_SHARES
from routoo.evaluation.trial.policy import BEST_SINGLE, HULL, MIXING

_NUMBERS = ("value", "low", "high")


def _sentence(evaluation: Evaluation) -> str:
    gap = evaluation.over_mixtures(0.5)
    if gap is None:
        return "At the same cost"
    sure = "" if gap.excludes_zero else ", which may be chance"
    return f"At half of the cost it scores {signed(gap)} above the {HULL}{sure}"


def _rivals(evaluation: Evaluation) -> list[str]:
    """All rows but the oracle and what the hull of single models holds."""
    kinds = {row.name: row.kind for row in evaluation.rows}
    others = [found.other for found in evaluation.differences]
    return [name for name in others if kinds[name] != "oracle" and name not in (BEST_SINGLE, MIXING)]


def _chart(evaluation: Evaluation) -> Spec | None:
    names = _rivals(evaluation)
    rows = [
        {"row": name, "share": percent(share), "value": g.value, "low": g.low, "high": g.high}
        for share, key in zip(BUDGET_SHARES, AT_COST, strict=True)
        for name in names
        if (g := evaluation.over(name).metrics.get(key)) is not None
    ]
    if not rows:
        return None
    frame = pl.DataFrame(
        rows, schema={"row": pl.String, "share": pl.String} | dict.fromkeys(_NUMBERS, pl.Float64)
    )
    budgets = share_of_cost(evaluation, BUDGET_SHARES)
    shares = [share for share in budgets if share in set(frame["share"])]
    base = alt.Chart(frame).encode(
        x=alt.X("share:N")
        .title(f"USD per {evaluation.volume}, and share of what {evaluation.best_single.name} costs")
        .sort(shares)
        .axis(labelAngle=0, ticks=False, labelExpr=labels(budgets), labelOverlap=False)
        .scale(paddingInner=0.3),
        xOffset=alt.XOffset("row:N").scale(domain=names),
        color=alt.Color("row:N")
        .title(None)
        .scale(domain=names, range=row_colours(evaluation, names))
        .legend(symbolType="circle", symbolSize=70),
        tooltip=[
            alt.Tooltip("row:N", title=f"{evaluation.router} above"),
            alt.Tooltip("share:N", title="at this share of the cost"),
            *(alt.Tooltip(f"{key}:Q", format="+.4f") for key in _NUMBERS),
        ],
    )
    y = alt.Y("value:Q").title(f"score of {evaluation.router} above it").axis(signed_axis("+.3~f", 6))
    span = base.mark_rule(strokeWidth=2.2).encode(y=alt.Y("low:Q"), y2="high:Q")
    dot = base.mark_circle(size=80, opacity=1).encode(y=y)
    return finished(alt.layer(zero("y"), span, dot), height=260)


DIAGNOSTIC = Diagnostic(
    key="equal_cost",
    heading="At the same cost",
    label="Score above each rival at equal cost",
    sentence=_sentence,
    caption=lambda evaluation: (
        f"Score of {evaluation.router} less that of each rival when both spend the same. Above the dashed "
        f"line {evaluation.router} is better; bars hold 95 % of {evaluation.samples:,} resamples of the "
        "prompts."
    ),
    chart=_chart,
)
