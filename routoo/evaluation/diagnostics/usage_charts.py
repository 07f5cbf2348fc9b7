"""The pictures of what calls use and what batches cost, as Vega-Lite specifications."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import numpy as np
import polars as pl

from routoo.evaluation.diagnostics.chart_style import FAINT, ROUTER, SOFT, Spec, finished, zero
from routoo.evaluation.metrics.usage_errors import ALL_MODELS, Quantity

if TYPE_CHECKING:
    from routoo.evaluation.evaluation import Evaluation
    from routoo.evaluation.metrics.spend_errors import Spend

_KNOWN = 1e-4  # what spends are off by rounding alone
_MOST = 12  # models that are drawn: those whose use is hardest to tell by their mean


def usage_errors(evaluation: Evaluation, quantity: Quantity) -> Spec | None:
    """By what factor predictions are off, model by model, beside each model's mean; None where unknown."""
    errors = [e for e in evaluation.usage if e.quantity == quantity]
    if not errors:
        return None
    single = [error for error in errors if error.model != ALL_MODELS]
    shown = sorted(single, key=lambda error: -error.mean_error)[:_MOST]
    everyone = [error for error in errors if error.model == ALL_MODELS]
    frame = pl.DataFrame(
        [
            {
                "model": error.model,
                "predicted": float(np.exp(error.error)),
                "mean": float(np.exp(error.mean_error)),
                "correlation": None if np.isnan(error.correlation) else error.correlation,
            }
            for error in (*everyone, *shown)
        ],
        schema={"model": pl.String, "predicted": pl.Float64, "mean": pl.Float64, "correlation": pl.Float64},
    )
    base = alt.Chart(frame).encode(
        y=alt.Y("model:N")
        .title(None)
        .sort(frame["model"].to_list())
        .axis(labelLimit=170, ticks=False, domain=False, labelPadding=8),
        tooltip=[
            alt.Tooltip("model:N"),
            alt.Tooltip("predicted:Q", title="predicted, off by a factor of", format=".2f"),
            alt.Tooltip("mean:Q", title="its mean, off by a factor of", format=".2f"),
            alt.Tooltip("correlation:Q", title="rank correlation", format=".2f"),
        ],
    )
    x = (
        alt.X("predicted:Q")
        .title("typical factor: predicted (dot), mean (ring)")
        .axis(tickCount=5)
        .scale(zero=False)
    )
    link = base.mark_rule(color=FAINT, strokeWidth=2).encode(x=x, x2="mean:Q")
    ring = base.mark_point(color=SOFT, size=80, strokeWidth=2, opacity=1).encode(x="mean:Q")
    dot = base.mark_circle(color=ROUTER, size=80, opacity=1).encode(x="predicted:Q")
    return finished(alt.layer(link, ring, dot), height=26 * len(frame))


def spend(evaluation: Evaluation) -> Spec | None:
    """How far batches come out above what was expected, by budget; None where every cost is known before."""
    spending = evaluation.spending
    kinds = {"predicted call by call": spending.spend, "each model's mean": spending.spend_by_mean}
    frame = pl.concat([_offs(name, kind) for name, kind in kinds.items()])
    if frame.is_empty() or frame["off"].abs().max() < _KNOWN:  # type: ignore[operator]  # a number, unlike most
        return None
    base = alt.Chart(frame).encode(
        x=alt.X("share:N")
        .title("budget, as a share of what the best single model costs")
        .sort(list(dict.fromkeys(frame.sort("at")["share"])))
        .axis(labelAngle=0, ticks=False)
        .scale(paddingInner=0.3),
        xOffset=alt.XOffset("costs:N").scale(domain=list(kinds)),
        color=alt.Color("costs:N")
        .title(None)
        .scale(domain=list(kinds), range=[ROUTER, FAINT])
        .legend(symbolType="circle", symbolSize=70),
        tooltip=[
            alt.Tooltip("costs:N"),
            alt.Tooltip("predicted:Q", title="expected, USD", format=".4~g"),
            alt.Tooltip("recorded:Q", title="spent, USD", format=".4~g"),
            *(alt.Tooltip(f"{key}:Q", format="+.1%") for key in ("off", "low", "high")),
        ],
    )
    y = alt.Y("off:Q").title("spent above what was expected").axis(format="+.0%", tickCount=5)
    span = base.mark_rule(strokeWidth=2.2).encode(y=alt.Y("low:Q"), y2="high:Q")
    dot = base.mark_circle(size=80, opacity=1).encode(y=y)
    return finished(alt.layer(zero("y"), span, dot), height=260)


def _offs(name: str, kind: Spend) -> pl.DataFrame:
    rows = [
        {
            "costs": name,
            "at": error.share,
            "share": f"{error.share:.0%}",
            "off": error.off,
            "low": error.off if error.excess is None else error.excess.low,
            "high": error.off if error.excess is None else error.excess.high,
            "predicted": error.predicted_usd,
            "recorded": error.recorded_usd,
        }
        for error in kind.errors
        if not np.isnan(error.off)
    ]
    numbers = ("off", "low", "high", "predicted", "recorded")
    return pl.DataFrame(
        rows,
        schema={"costs": pl.String, "at": pl.Float64, "share": pl.String}
        | dict.fromkeys(numbers, pl.Float64),
    )
