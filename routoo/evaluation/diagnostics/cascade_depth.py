"""After how many calls cascades settle a prompt, at each budget."""

from __future__ import annotations

import altair as alt
import numpy as np
import polars as pl

from routoo.evaluation.diagnostics.chart_style import cost_axis, finished, money
from routoo.evaluation.diagnostics.diagnostic import Diagnostic, Spec
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.in_words import percent, seconds
from routoo.evaluation.trial.policy import CASCADE

_BUDGETS = 81  # budgets at which shares are drawn
_COLOURS = tuple(f"var(--share-{number})" for number in (2, 4, 6, 7, 8, 8))
_HALF = "spend@0.5"


def _sentence(evaluation: Evaluation) -> str:
    found = evaluation.cascades
    setting = None if found is None else found.setting(_HALF)
    if setting is None:
        return "How many models are asked"
    return f"At half of the cost, one call settles {percent(setting.settled[0])} of the prompts"


def _caption(evaluation: Evaluation) -> str:
    found = evaluation.cascades
    setting = None if found is None else found.setting(_HALF)
    words = "Share of the prompts that cascades settle after each number of calls."
    if setting is None:
        return words
    words += (
        f" At half of the cost they ask {setting.calls:.2f} models a prompt, and {percent(setting.wasted)} "
        "of the money goes to answers that are not given"
    )
    if np.isnan(setting.median_s):
        return f"{words}."
    half, most = seconds(setting.median_s), seconds(setting.p95_s)
    return f"{words}; half of the prompts take up to {half} s, {percent(0.95)} up to {most} s."


def _chart(evaluation: Evaluation) -> Spec | None:
    if evaluation.cascades is None:
        return None
    curve = evaluation.curves[CASCADE]
    budgets = np.linspace(evaluation.cheapest_single.cost_usd, evaluation.best_single.cost_usd, _BUDGETS)
    shares = [curve.at(budgets, column) for column in evaluation.cascades.settled.T]
    names = [f"{count} call{'' if count == 1 else 's'}" for count in range(1, len(shares) + 1)]
    costs = evaluation.volume.of(budgets)
    frame = pl.concat(
        [
            pl.DataFrame({"calls": name, "rank": rank, "cost": costs, "share": share})
            for rank, (name, share) in enumerate(zip(names, shares, strict=True))
        ]
    )
    x = cost_axis(evaluation, "cost", most=5)
    areas = (
        alt.Chart(frame)
        .mark_area(interpolate="linear", strokeWidth=0.6, stroke="var(--paper)")
        .encode(
            x=x,
            y=alt.Y("share:Q")
            .title("share of the prompts")
            .axis(format="%", tickCount=5)
            .scale(domain=[0, 1])
            .stack("zero"),
            color=alt.Color("calls:N")
            .title("settled after")
            .scale(domain=names, range=_COLOURS[: len(names)])
            .legend(symbolType="square", symbolSize=120, titleFontWeight="normal"),
            order=alt.Order("rank:Q"),
        )
    )
    columns = {name: f"share_{rank}" for rank, name in enumerate(names)}
    wide = pl.DataFrame({"cost": costs, **dict(zip(columns.values(), shares, strict=True))})
    tooltips = [alt.Tooltip(f"{column}:Q", title=name, format=".1%") for name, column in columns.items()]
    strips = alt.Chart(wide).mark_rule(opacity=0, strokeWidth=9)
    pointed = strips.encode(x=x, tooltip=[money(evaluation, "cost"), *tooltips])
    return finished(alt.layer(areas, pointed), height=300)


DIAGNOSTIC = Diagnostic(
    key="depths",
    heading="How many models are asked",
    label="Share of the prompts settled after each number of calls, along the budget",
    sentence=_sentence,
    caption=_caption,
    chart=_chart,
)
