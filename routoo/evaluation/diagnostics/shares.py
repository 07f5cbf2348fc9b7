"""Which models are called at each budget."""

from __future__ import annotations

import altair as alt
import numpy as np
import polars as pl

from routoo.evaluation.diagnostics.chart_style import FAINT, cost_axis, finished, money
from routoo.evaluation.diagnostics.diagnostic import Diagnostic, Spec
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.in_words import percent
from routoo.evaluation.trial.curve import NEARLY_FREE

_COLOURS = tuple(f"var(--share-{number})" for number in range(1, 9))
_REST = "other models"
_BUDGETS = 81  # budgets at which shares are drawn
_LEAST = 0.02  # a model that never gets more is one of the others


def _sentence(evaluation: Evaluation) -> str:
    best = evaluation.models.index(evaluation.best_single.name)
    share = float(evaluation.curves[evaluation.router].shares[NEARLY_FREE, best])
    return f"When money is no object, {evaluation.best_single.name} gets {percent(share)} of the prompts"


def _chart(evaluation: Evaluation) -> Spec:
    frame, names = _shares(evaluation)
    x = cost_axis(evaluation, "cost")
    areas = (
        alt.Chart(frame)
        .mark_area(interpolate="linear", strokeWidth=0.6, stroke="var(--paper)")
        .encode(
            x=x,
            y=alt.Y("share:Q")
            .title("share of the prompts")
            .axis(format="%")
            .scale(domain=[0, 1])
            .stack("zero"),
            color=alt.Color("model:N")
            .title("dear to cheap")
            .scale(domain=names[::-1], range=_colours(names)[::-1])
            .legend(symbolType="square", symbolSize=120, labelLimit=280, titleFontWeight="normal"),
            order=alt.Order("rank:Q"),
        )
    )
    return finished(alt.layer(areas, _pointed(evaluation, frame, names, x)), height=340, legend="right")


def _pointed(evaluation: Evaluation, frame: pl.DataFrame, names: list[str], x: alt.X) -> alt.Chart:
    """The shares of all models at the budget that is pointed at."""
    columns = {name: f"share_{at}" for at, name in enumerate(names)}
    budgets = frame.filter(pl.col("model") == names[0]).select("cost")
    for name, column in columns.items():
        budgets = budgets.with_columns(frame.filter(pl.col("model") == name)["share"].alias(column))
    strips: alt.Chart = alt.Chart(budgets).mark_rule(opacity=0, strokeWidth=9)
    shares = [alt.Tooltip(f"{columns[name]}:Q", title=name, format=".1%") for name in reversed(names)]
    return strips.encode(x=x, tooltip=[money(evaluation, "cost"), *shares])


def _shares(evaluation: Evaluation) -> tuple[pl.DataFrame, list[str]]:
    """Shares of the models called most, the others together; and their names from cheap to dear."""
    curve = evaluation.curves[evaluation.router]
    low, high = evaluation.cheapest_single.cost_usd, evaluation.best_single.cost_usd
    budgets = np.linspace(low, high, _BUDGETS)
    shares = curve.shares_at(budgets)
    busiest = np.argsort(-shares.mean(0), kind="stable")[: len(_COLOURS)]
    cost = np.array([model.cost_usd for model in evaluation.singles])
    shown = sorted((j for j in busiest if shares[:, j].max() > _LEAST), key=lambda j: cost[j])
    columns = {evaluation.models[j]: shares[:, j] for j in shown}
    rest = 1 - sum(columns.values(), np.zeros(len(budgets)))
    if (rest > 1e-9).any():
        columns = {_REST: np.clip(rest, 0, 1), **columns}
    frames = [
        pl.DataFrame({"model": name, "rank": rank, "cost": evaluation.volume.of(budgets), "share": share})
        for rank, (name, share) in enumerate(columns.items())
    ]
    return pl.concat(frames), list(columns)


def _colours(names: list[str]) -> list[str]:
    """Colours from cheap to dear, spread over the scale; the rest is grey."""
    ranked = [name for name in names if name != _REST]
    steps = np.linspace(0, len(_COLOURS) - 1, len(ranked)).round().astype(int)
    return [*([FAINT] if _REST in names else []), *(_COLOURS[step] for step in steps)]


DIAGNOSTIC = Diagnostic(
    key="shares",
    heading="Who answers at which budget",
    label="Share of each model along the budget",
    sentence=_sentence,
    caption=lambda evaluation: (
        f"Share of the prompts that {evaluation.router} sends to each model, from cheap models below to dear "
        "ones above."
    ),
    chart=_chart,
    wide=True,
)
