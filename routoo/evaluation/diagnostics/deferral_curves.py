"""What predictions make of the cheapest and the best single model alone."""

from __future__ import annotations

import math

import altair as alt
import numpy as np

from routoo.evaluation.diagnostics.budget_lines import row_lines, tidy
from routoo.evaluation.diagnostics.chart_style import axis_ends, dashed, finished, hover
from routoo.evaluation.diagnostics.diagnostic import Diagnostic, Spec
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.in_words import percent
from routoo.evaluation.trial.policy import ORACLE

_STEPS = 101  # points of a line


def _sentence(evaluation: Evaluation) -> str:
    found = evaluation.deferral.get(evaluation.router)
    if found is None or math.isnan(found.cpt(0.5)):
        return "With two models alone"
    return f"Deferring {percent(found.cpt(0.5))} of the prompts to {found.strong} closes half of the gap"


def _chart(evaluation: Evaluation) -> Spec | None:
    deferral = {name: found for name, found in evaluation.deferral.items() if name != ORACLE}
    if not deferral:
        return None
    shares = np.linspace(0, 1, _STEPS)
    frame = tidy({n: (shares, np.interp(shares, d.share, d.score)) for n, d in deferral.items()})
    ends = deferral[evaluation.router]
    low, high = axis_ends(frame["y"])
    x = alt.X("x:Q").title(f"share of the prompts deferred to {ends.strong}").axis(format="%", tickCount=5)
    y = alt.Y("y:Q").title("mean score").scale(domain=[low, high], nice=False)
    straight = dashed("x", "y", (0.0, float(ends.score[0])), (1.0, float(ends.score[-1])))
    lines = row_lines(evaluation, frame, list(deferral)).encode(x=x, y=y)
    tooltip = [
        alt.Tooltip("row:N"),
        alt.Tooltip("x:Q", title="deferred", format=".0%"),
        alt.Tooltip("y:Q", title="score", format=".4f"),
    ]
    points = hover(frame, x, y, tooltip)
    return finished(alt.layer(straight.encode(y=y), lines, points), height=300)


DIAGNOSTIC = Diagnostic(
    key="deferral",
    heading="With two models alone",
    label="Deferral curves",
    sentence=_sentence,
    caption=lambda evaluation: (
        f"{evaluation.cheapest_single.name} answers, and the prompts with the greatest predicted gain are "
        f"deferred to {evaluation.best_single.name}. The dashed line defers at random."
    ),
    chart=_chart,
)
