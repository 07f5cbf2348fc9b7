"""What a score costs: mean score against mean cost."""

from __future__ import annotations

import altair as alt
import numpy as np
import polars as pl

from routoo.data.curves import hull
from routoo.evaluation.diagnostics.budget_lines import row_hull, row_lines
from routoo.evaluation.diagnostics.chart_style import (
    INK,
    ROUTER,
    SOFT,
    axis_ends,
    cost_axis,
    finished,
    hover,
    money,
)
from routoo.evaluation.diagnostics.diagnostic import Diagnostic, Spec
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.in_words import number
from routoo.evaluation.trial.policy import HULL, MIXING, ORACLE

_RIGHT = 1.02  # where the cost axis ends
_MIDDLE = 0.6  # names of dearer models stand to their left
_ROOM = 480  # pixels of width below which names of models would lie on the lines
_CLEAR = 0.03  # share of the height that a line has to be above the best single model to leave room below
_STEPS = 101  # points of a line, beside its vertices


def _sentence(evaluation: Evaluation) -> str:
    gap = evaluation.row(evaluation.router).over_hull
    if gap is None:
        return "What a score costs"
    if not gap.excludes_zero:
        return f"{evaluation.router} does not stand out from the {HULL}"
    return f"{evaluation.router} lies {'above' if gap.value > 0 else 'below'} the {HULL}"


def _caption(evaluation: Evaluation) -> str:
    best, volume = evaluation.best_single, evaluation.volume
    outside = len(evaluation.models) - len(_singles(evaluation))
    ceiling = evaluation.curves[ORACLE].score.max()
    words = [
        "Each line is what one way of choosing reaches at every budget between the cheapest and the best "
        f"single model, {best.name}, which costs {volume.usd(best.cost_usd)} USD per {volume}. "
        f"Rings are single models, the {HULL} is their best mixtures, and {MIXING} that of the cheapest and "
        f"the best; small dots are settings of {evaluation.router}. Point at anything to read it, click a "
        "name to follow its line.",
        f"The {ORACLE}, which knows every outcome beforehand, would reach {number(float(ceiling))}.",
    ]
    if outside:
        models = (
            "1 single model costs more or scores"
            if outside == 1
            else f"{outside} single models cost more or score"
        )
        words.append(f"{models} less than is shown.")
    return " ".join(words)


def _chart(evaluation: Evaluation) -> Spec:
    names = [row.name for row in evaluation.rows if row.kind not in ("single", "oracle")]
    lines = pl.concat([_line(evaluation, name) for name in names])
    x = cost_axis(evaluation, "cost", end=_RIGHT)
    low, high = axis_ends(lines["score"])
    y = alt.Y("score:Q").title("mean score").scale(domain=[low, high], nice=False, zero=False)
    point = [
        money(evaluation, "cost"),
        alt.Tooltip("share:Q", title="share of the best's cost", format=".1%"),
        alt.Tooltip("score:Q", title="score", format=".4f"),
    ]
    base = row_lines(evaluation, lines, names).encode(x=x, y=y)
    pointed = hover(lines, x, y, [alt.Tooltip("row:N"), *point])
    settings = _settings(evaluation).encode(
        x=x, y=y, tooltip=[alt.Tooltip("price:Q", title="price, score per USD", format=",.4~g"), *point]
    )
    models = _singles(evaluation)
    rings = alt.Chart(models).mark_point(
        size=46, color=INK, filled=False, strokeWidth=1.4, opacity=0.8, clip=True
    )
    single = rings.encode(x=x, y=y, tooltip=[alt.Tooltip("model:N"), *point])
    below = float(lines["score"].to_numpy().max()) - evaluation.best_single.score > _CLEAR * (high - low)
    texts = [
        text.encode(x=x, y=y) for outline in (4.0, 0.0) for text in _labels(models, outline, below=below)
    ]
    return finished(alt.layer(base, pointed, settings, single, *texts), height=460)


def _line(evaluation: Evaluation, name: str) -> pl.DataFrame:
    """The hull of a row between the cheapest and the best single model's cost."""
    best, cheapest = evaluation.best_single, evaluation.cheapest_single
    vertices = row_hull(evaluation, name)
    low, high = cheapest.cost_usd, best.cost_usd
    inside = (vertices[:, 0] > low) & (vertices[:, 0] < high)
    costs = np.unique(np.concatenate([np.linspace(low, high, _STEPS), vertices[inside, 0]]))
    scores = np.interp(costs, vertices[:, 0], vertices[:, 1])
    return pl.DataFrame({"row": name, **_costs(evaluation, costs), "score": scores})


def _costs(evaluation: Evaluation, cost_usd: np.ndarray) -> dict[str, np.ndarray]:
    """Costs as they are stated, and shares of the best single model's; all of it where that is free."""
    whole = evaluation.best_single.cost_usd
    return {
        "cost": evaluation.volume.of(cost_usd),
        "share": cost_usd / whole if whole else np.ones_like(cost_usd),
    }


def _settings(evaluation: Evaluation) -> alt.Chart:
    """What the router realises at each price, as faint dots."""
    curve = evaluation.curves[evaluation.router]
    frame = pl.DataFrame({**_costs(evaluation, curve.cost_usd), "score": curve.score, "price": curve.prices})
    frame = frame.unique(["cost", "score"], keep="first", maintain_order=True)
    shown = frame.filter(pl.col("share") <= _RIGHT)
    dots: alt.Chart = alt.Chart(shown).mark_circle(size=16, color=ROUTER, opacity=0.45, clip=True)
    return dots


def _singles(evaluation: Evaluation) -> pl.DataFrame:
    """The single models in the picture, with the names of those on their hull."""
    points = np.array([(model.cost_usd, model.score) for model in evaluation.singles])
    on_hull = {tuple(vertex) for vertex in hull(points).tolist()}
    least = axis_ends(_line(evaluation, HULL)["score"])[0]
    frame = pl.DataFrame(
        {
            "model": evaluation.models,
            **_costs(evaluation, points[:, 0]),
            "score": points[:, 1],
            "label": [
                name if tuple(point) in on_hull else ""
                for name, point in zip(evaluation.models, points.tolist(), strict=True)
            ],
        }
    )
    return frame.filter(pl.col("share") <= _RIGHT, pl.col("score") >= least)


def _labels(models: pl.DataFrame, outline: float, *, below: bool) -> list[alt.Chart]:
    """Names of models; an outline in the colour of the paper keeps them readable across a line.

    Those of dear models stand below, or above where no line passes there. A narrow picture has no room for
    them beside the lines: there they are seen by pointing at a ring.
    """
    named = models.filter(pl.col("label") != "")
    left, right = named.filter(pl.col("share") < _MIDDLE), named.filter(pl.col("share") >= _MIDDLE)
    seen = alt.ExprRef(f"width < {_ROOM} ? 0 : 1")
    ink = "var(--paper)" if outline else "transparent"
    texts = [
        alt.Chart(left).mark_text(
            align="left", dx=7, dy=13, color=SOFT, stroke=ink, strokeWidth=outline, opacity=seen, clip=True
        ),
        alt.Chart(right).mark_text(
            align="right",
            dx=4,
            dy=20 if below else -13,
            color=SOFT,
            stroke=ink,
            strokeWidth=outline,
            opacity=seen,
            clip=True,
        ),
    ]
    return [text.encode(text="label:N") for text in texts]


DIAGNOSTIC = Diagnostic(
    key="curve",
    heading="What a score costs",
    label="Mean score against mean cost",
    sentence=_sentence,
    caption=_caption,
    chart=_chart,
    wide=True,
)
