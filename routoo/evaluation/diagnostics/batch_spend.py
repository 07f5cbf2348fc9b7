"""What a batch was expected to cost, and what it cost."""

from __future__ import annotations

import math

import altair as alt
import numpy as np
import polars as pl

from routoo.evaluation.diagnostics.chart_style import (
    FAINT,
    ROUTER,
    finished,
    labels,
    share_of_cost,
    signed_axis,
    zero,
)
from routoo.evaluation.diagnostics.diagnostic import Diagnostic, Spec
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.in_words import percent, signed
from routoo.evaluation.metrics.budgets import BUDGET_SHARES
from routoo.evaluation.metrics.spend_errors import Spend

_KNOWN = 1e-4  # what spends are off by rounding alone
_NUMBERS = ("off", "low", "high", "predicted", "recorded")


def _sentence(evaluation: Evaluation) -> str:
    errors = [abs(error.off) for error in evaluation.spending.spend.errors if not math.isnan(error.off)]
    if not errors:
        return "What a batch was to cost, and cost"
    return f"A batch costs within {percent(max(errors), 1)} of what was expected"


def _caption(evaluation: Evaluation) -> str:
    words = (
        "A budget holds for predicted cost. Recorded spend above the predicted one, with 95 % ranges: costs "
        "predicted call by call, and each model's mean cost for every call. assign --budget-confidence keeps "
        "a reserve for that."
    )
    found = evaluation.spending.difference
    if found is None or "area" not in found.metrics:
        return words
    gap = found.metrics["area"]
    sure = "" if gap.excludes_zero else ", which may be chance"
    return (
        f"{words} Choosing by costs predicted call by call, and not by each model's mean, changes the area "
        f"by {signed(gap)}{sure}."
    )


def _chart(evaluation: Evaluation) -> Spec | None:
    spending = evaluation.spending
    kinds = {"predicted call by call": spending.spend, "each model's mean": spending.spend_by_mean}
    frame = pl.concat([_offs(name, kind) for name, kind in kinds.items()])
    if frame.is_empty() or frame["off"].abs().max() < _KNOWN:  # type: ignore[operator]  # a number, unlike most
        return None
    budgets = share_of_cost(evaluation, BUDGET_SHARES)
    base = alt.Chart(frame).encode(
        x=alt.X("share:N")
        .title(f"budget, USD per {evaluation.volume}, and share of what {evaluation.best_single.name} costs")
        .sort([share for share in budgets if share in set(frame["share"])])
        .axis(labelAngle=0, ticks=False, labelExpr=labels(budgets), labelOverlap=False)
        .scale(paddingInner=0.3),
        xOffset=alt.XOffset("costs:N").scale(domain=list(kinds)),
        color=alt.Color("costs:N")
        .title(None)
        .scale(domain=list(kinds), range=[ROUTER, FAINT])
        .legend(symbolType="circle", symbolSize=70),
        tooltip=[
            alt.Tooltip("costs:N"),
            alt.Tooltip("predicted:Q", title="batch expected, USD", format=",.4~r"),
            alt.Tooltip("recorded:Q", title="batch spent, USD", format=",.4~r"),
            *(alt.Tooltip(f"{key}:Q", format="+.1%") for key in ("off", "low", "high")),
        ],
    )
    y = alt.Y("off:Q").title("spent above what was expected").axis(signed_axis("+.2~p", 5))
    span = base.mark_rule(strokeWidth=2.2).encode(y=alt.Y("low:Q"), y2="high:Q")
    dot = base.mark_circle(size=80, opacity=1).encode(y=y)
    return finished(alt.layer(zero("y"), span, dot), height=260)


def _offs(name: str, kind: Spend) -> pl.DataFrame:
    rows = [
        {
            "costs": name,
            "share": percent(error.share),
            "off": error.off,
            "low": error.off if error.excess is None else error.excess.low,
            "high": error.off if error.excess is None else error.excess.high,
            "predicted": error.predicted_usd,
            "recorded": error.recorded_usd,
        }
        for error in kind.errors
        if not np.isnan(error.off)
    ]
    schema = {"costs": pl.String, "share": pl.String} | dict.fromkeys(_NUMBERS, pl.Float64)
    return pl.DataFrame(rows, schema=schema)


DIAGNOSTIC = Diagnostic(
    key="spend",
    heading="What a batch costs",
    label="Spend above what was expected, by budget",
    sentence=_sentence,
    caption=_caption,
    chart=_chart,
)
