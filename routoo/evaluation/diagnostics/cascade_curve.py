"""What reading answers adds: router, cascades, single models and oracle in one picture of cost and score."""

from __future__ import annotations

import altair as alt
import numpy as np
import polars as pl

from routoo.evaluation.diagnostics.budget_lines import row_hull, row_lines, tidy
from routoo.evaluation.diagnostics.chart_style import (
    CASCADES,
    FAINT,
    ROUTER,
    SOFT,
    axis_ends,
    finished,
    hover,
    log_cost_axis,
    money,
)
from routoo.evaluation.diagnostics.diagnostic import Diagnostic, Spec
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.in_words import percent, signed
from routoo.evaluation.trial.policy import CASCADE, HULL, ORACLE

_STEPS = 161  # points of a line
_LEFT, _RIGHT = 0.97, 1.04  # where the axis begins and ends


def _sentence(evaluation: Evaluation) -> str:
    found = evaluation.cascades
    gap = None if found is None or found.over_router is None else found.over_router.metrics.get("area")
    if gap is None:
        return "What reading answers adds"
    sure = "" if gap.excludes_zero else ", which may be chance"
    return f"For the same money, cascades score {signed(gap)} above {evaluation.router}{sure}"


def _caption(evaluation: Evaluation) -> str:
    found, router = evaluation.cascades, evaluation.router
    assert found is not None  # for the type checker: there is a chart
    routed, read = (percent(evaluation.row(name).closed, 1) for name in (router, CASCADE))
    return (
        f"{router} reads a prompt and asks one model. A cascade begins like it, reads the answer, and asks "
        f"another model where that is worth its price, up to {found.max_calls} in all; every call is paid. "
        f"The {HULL} reads nothing, the {ORACLE} knows every outcome beforehand. On average over budgets up "
        f"to what {evaluation.best_single.name} costs (the dashed upright), {router} goes {routed} of the "
        f"way between these two, and cascades {read}. Dots are settings."
    )


def _chart(evaluation: Evaluation) -> Spec | None:
    if evaluation.cascades is None:
        return None
    names = [HULL, evaluation.router, CASCADE, ORACLE]
    hulls = {name: row_hull(evaluation, name) for name in names}
    best = evaluation.best_single.cost_usd
    least = min(float(vertices[0, 0]) for vertices in hulls.values())
    most = max(best, *(float(vertices[-1, 0]) for vertices in hulls.values()))
    if least <= 0:
        return None
    low, high = _LEFT * least, _RIGHT * most
    lines = {}
    for name, vertices in hulls.items():
        inside = vertices[:, 0].tolist()
        costs = np.unique([*np.geomspace(inside[0], high, _STEPS), *inside])
        lines[name] = evaluation.volume.of(costs), np.interp(costs, *vertices.T)
    frame = tidy(lines)
    x = log_cost_axis(evaluation, "x", low, high)
    ends = axis_ends(frame["y"])
    y = alt.Y("y:Q").title("mean score").scale(domain=ends, nice=False, zero=False)
    tooltip = [money(evaluation, "x"), alt.Tooltip("y:Q", title="score", format=".4f")]
    drawn = row_lines(evaluation, frame, names).encode(x=x, y=y)
    dots = [
        _settings(evaluation, name, colour, low, high).encode(x=x, y=y, tooltip=tooltip)
        for name, colour in ((evaluation.router, ROUTER), (CASCADE, CASCADES))
    ]
    pointed = hover(frame, x, y, [alt.Tooltip("row:N"), *tooltip])
    return finished(alt.layer(*_upright(evaluation, x), drawn, *dots, pointed), height=400)


def _settings(evaluation: Evaluation, name: str, colour: str, low: float, high: float) -> alt.Chart:
    """What a row realises at each price, as faint dots."""
    curve = evaluation.curves[name]
    frame = pl.DataFrame({"cost": curve.cost_usd, "y": curve.score}).unique(maintain_order=True)
    frame = frame.filter(pl.col("cost").is_between(low, high))
    frame = frame.with_columns(pl.Series("x", evaluation.volume.of(frame["cost"].to_numpy())))
    dots: alt.Chart = alt.Chart(frame.select("x", "y")).mark_circle(
        size=14, color=colour, opacity=0.4, clip=True
    )
    return dots


def _upright(evaluation: Evaluation, x: alt.X) -> list[alt.Chart]:
    """What the best single model costs, and its name."""
    best = evaluation.best_single
    base = alt.Chart(pl.DataFrame({"x": [float(evaluation.volume.of(best.cost_usd))], "name": [best.name]}))
    rule = base.mark_rule(color=FAINT, strokeDash=[4, 4], strokeWidth=1.2).encode(x=x)
    text = base.mark_text(align="right", baseline="bottom", dx=-6, dy=-6, color=SOFT)
    return [rule, text.encode(x=x, y=alt.value(alt.ExprRef("height")), text="name:N")]


DIAGNOSTIC = Diagnostic(
    key="cascade",
    heading="What reading answers adds",
    label="Mean score against mean cost, of the router, of cascades and of the oracle",
    sentence=_sentence,
    caption=_caption,
    chart=_chart,
    wide=True,
)
