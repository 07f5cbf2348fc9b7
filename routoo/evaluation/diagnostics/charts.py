"""The pictures of an evaluation that say what quality costs, as Vega-Lite specifications."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import numpy as np
import polars as pl

from routoo.data.curves import hull
from routoo.evaluation.diagnostics.chart_style import (
    FAINT,
    INK,
    ROUTER,
    SOFT,
    Spec,
    axis_ends,
    cost_title,
    finished,
    relative,
    row_colours,
    row_dashes,
    ticks,
)
from routoo.evaluation.trial.curve import Curve
from routoo.evaluation.trial.policy import HULL, MIXING, ORACLE

if TYPE_CHECKING:
    from routoo.evaluation.evaluation import Evaluation

SHARES = tuple(f"var(--share-{number})" for number in range(1, 9))
REST = "other models"

_BUDGETS = 81  # budgets at which shares are drawn
_RIGHT = 1.02  # where the cost axis ends
_MIDDLE = 0.6  # names of dearer models stand to their left
_ROOM = 480  # pixels of width below which names of models would lie on the lines
_LEAST_SHARE = 0.02  # a model that never gets more is one of the others
_POINT = (
    alt.Tooltip("cost:Q", title="cost", format=".1%"),
    alt.Tooltip("score:Q", title="score", format=".4f"),
)


def cost_quality(evaluation: Evaluation) -> Spec:
    """Mean score against mean cost: every row as its hull, the router's settings, the single models.

    A box to tick leaves the oracle and weak models out, so that the rest is seen closer.
    """
    names = [row.name for row in evaluation.rows if row.kind != "single"]
    lines = pl.concat([_hull_line(evaluation, name) for name in names])
    near = axis_ends(lines.filter(pl.col("row") != ORACLE)["score"])
    models = _single_models(evaluation)
    far = axis_ends(pl.concat([lines["score"], models["score"]]))
    closer = alt.param(
        "closer", value=False, bind=alt.binding_checkbox(name="look closer, without the oracle ")
    )
    x = (
        alt.X("cost:Q")
        .title(cost_title(evaluation))
        .axis(format="%", tickCount=ticks(10))
        .scale(domain=[0, _RIGHT], nice=False)
    )
    y = (
        alt.Y("score:Q")
        .title("mean score")
        .scale(
            domainMin=alt.ExprRef(f"closer ? {near[0]} : {far[0]}"),
            domainMax=alt.ExprRef(f"closer ? {near[1]} : {far[1]}"),
            nice=False,
            zero=False,
        )
    )
    picked = alt.selection_point("picked", fields=["row"], bind="legend")
    base = (
        alt.Chart(lines)
        .transform_filter(f"!closer || datum.row != '{ORACLE}'")
        .mark_line(interpolate="linear", clip=True)
        .encode(
            x=x,
            y=y,
            color=alt.Color("row:N").title(None).scale(domain=names, range=row_colours(evaluation, names)),
            strokeDash=alt.StrokeDash("row:N")
            .title(None)
            .scale(domain=names, range=row_dashes(evaluation, names)),
            strokeWidth=alt.condition(alt.datum.row == evaluation.router, alt.value(3), alt.value(1.7)),
            opacity=alt.condition(picked, alt.value(1), alt.value(0.12)),
            tooltip=[alt.Tooltip("row:N"), *_POINT],
        )
        .add_params(picked, closer)
    )
    return finished(alt.layer(base, _settings(evaluation), *_singles(evaluation, models)), height=460)


def shares_along_budget(evaluation: Evaluation) -> Spec:
    """Which models the router calls at each budget, from cheap to dear."""
    frame, names = _shares(evaluation)
    chart = (
        alt.Chart(frame)
        .mark_area(interpolate="linear", strokeWidth=0.6, stroke="var(--paper)")
        .encode(
            x=alt.X("cost:Q")
            .title(cost_title(evaluation))
            .axis(format="%", tickCount=ticks(10))
            .scale(domain=[0, 1]),
            y=alt.Y("share:Q")
            .title("share of the prompts")
            .axis(format="%")
            .scale(domain=[0, 1])
            .stack("zero"),
            color=alt.Color("model:N")
            .title("cheap to dear")
            .sort(names)
            .scale(domain=names, range=_share_colours(names))
            .legend(symbolType="square", symbolSize=120, labelLimit=230, titleFontWeight="normal"),
            order=alt.Order("rank:Q"),
            tooltip=[
                alt.Tooltip("model:N"),
                alt.Tooltip("cost:Q", title="cost", format=".0%"),
                alt.Tooltip("share:Q", format=".1%"),
            ],
        )
    )
    return finished(chart, height=340, legend="right")


def _hull_line(evaluation: Evaluation, name: str) -> pl.DataFrame:
    """The hull of a row between the cheapest and the best single model's cost."""
    best, cheapest = evaluation.best_single, evaluation.cheapest_single
    singles = np.array([(model.cost_usd, model.score) for model in evaluation.singles])
    if name == MIXING:
        points = np.array([(model.cost_usd, model.score) for model in (cheapest, best)])
    elif name == HULL:
        points = singles
    else:
        points = np.vstack([evaluation.curves[name].points, [(cheapest.cost_usd, cheapest.score)]])
    vertices = hull(points)
    low, high = cheapest.cost_usd, best.cost_usd
    inside = (vertices[:, 0] > low) & (vertices[:, 0] < high)
    costs = np.unique(np.concatenate([[low], vertices[inside, 0], [high]]))
    scores = np.interp(costs, vertices[:, 0], vertices[:, 1])
    return pl.DataFrame({"row": name, "cost": relative(costs, evaluation), "score": scores})


def _settings(evaluation: Evaluation) -> alt.Chart:
    """What the router realises at each price, as faint dots."""
    curve = evaluation.curves[evaluation.router]
    costs = relative(curve.cost_usd, evaluation)
    frame = pl.DataFrame({"cost": costs, "score": curve.score, "price": curve.prices})
    frame = frame.unique(["cost", "score"], keep="first", maintain_order=True)
    dots: alt.Chart = alt.Chart(frame.filter(pl.col("cost") <= _RIGHT)).mark_circle(
        size=16, color=ROUTER, opacity=0.45, clip=True
    )
    price = alt.Tooltip("price:Q", title="score per USD", format=",.4~g")
    return dots.encode(x="cost:Q", y="score:Q", tooltip=[price, *_POINT])


def _single_models(evaluation: Evaluation) -> pl.DataFrame:
    """The single models up to the best one's cost, with the names of those on their hull."""
    points = np.array([(model.cost_usd, model.score) for model in evaluation.singles])
    on_hull = {tuple(vertex) for vertex in hull(points).tolist()}
    return pl.DataFrame(
        {
            "model": evaluation.models,
            "cost": relative(points[:, 0], evaluation),
            "score": points[:, 1],
            "label": [
                name if tuple(point) in on_hull else ""
                for name, point in zip(evaluation.models, points.tolist(), strict=True)
            ],
        }
    ).filter(pl.col("cost") <= _RIGHT)


def _singles(evaluation: Evaluation, models: pl.DataFrame) -> list[alt.Chart]:
    """Rings of the single models, and the names of those on their hull."""
    rings = alt.Chart(models).mark_point(
        size=46, color=INK, filled=False, strokeWidth=1.4, opacity=0.8, clip=True
    )
    texts = [text for outline in (4.0, 0.0) for text in _labels(models, outline)]
    return [rings.encode(x="cost:Q", y="score:Q", tooltip=[alt.Tooltip("model:N"), *_POINT]), *texts]


def _labels(models: pl.DataFrame, outline: float) -> list[alt.Chart]:
    """Names of models; an outline in the colour of the paper keeps them readable across a line.

    A narrow picture has no room for them beside the lines: there they are told by pointing at a ring.
    """
    named = models.filter(pl.col("label") != "")
    left, right = named.filter(pl.col("cost") < _MIDDLE), named.filter(pl.col("cost") >= _MIDDLE)
    seen = alt.ExprRef(f"width < {_ROOM} ? 0 : 1")
    ink = "var(--paper)" if outline else "transparent"
    texts = [
        alt.Chart(left).mark_text(
            align="left", dx=7, dy=13, color=SOFT, stroke=ink, strokeWidth=outline, opacity=seen
        ),
        alt.Chart(right).mark_text(
            align="right", dy=20, color=SOFT, stroke=ink, strokeWidth=outline, opacity=seen
        ),
    ]
    return [text.encode(x="cost:Q", y="score:Q", text="label:N") for text in texts]


def _shares(evaluation: Evaluation) -> tuple[pl.DataFrame, list[str]]:
    """Shares of the models called most, the others together; and their names from cheap to dear."""
    curve: Curve = evaluation.curves[evaluation.router]
    low, high = evaluation.cheapest_single.cost_usd, evaluation.best_single.cost_usd
    budgets = np.linspace(low, high, _BUDGETS)
    shares = curve.shares_at(budgets)
    busiest = np.argsort(-shares.mean(0), kind="stable")[: len(SHARES)]
    cost = np.array([model.cost_usd for model in evaluation.singles])
    shown = sorted((j for j in busiest if shares[:, j].max() > _LEAST_SHARE), key=lambda j: cost[j])
    columns = {evaluation.models[j]: shares[:, j] for j in shown}
    rest = 1 - sum(columns.values(), np.zeros(len(budgets)))
    if (rest > 1e-9).any():
        columns = {REST: np.clip(rest, 0, 1), **columns}
    frames = [
        pl.DataFrame({"model": name, "rank": rank, "cost": relative(budgets, evaluation), "share": share})
        for rank, (name, share) in enumerate(columns.items())
    ]
    return pl.concat(frames), list(columns)


def _share_colours(names: list[str]) -> list[str]:
    """Colours from cheap to dear, spread over the scale; the rest is grey."""
    ranked = [name for name in names if name != REST]
    steps = np.linspace(0, len(SHARES) - 1, len(ranked)).round().astype(int)
    return [*([FAINT] if REST in names else []), *(SHARES[step] for step in steps)]
