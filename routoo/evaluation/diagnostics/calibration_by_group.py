"""What was predicted and what came, domain by domain and model by model."""

from __future__ import annotations

from functools import partial

import altair as alt
import polars as pl

from routoo.evaluation.diagnostics.chart_style import finished, linked_pairs, name_axis, ticks
from routoo.evaluation.diagnostics.diagnostic import Diagnostic, Spec
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.in_words import number
from routoo.evaluation.metrics.group_calibration import Group

_MOST = 12  # groups of a kind that are drawn: those whose predictions are furthest off


def _sentence(evaluation: Evaluation, *, by: Group) -> str:
    worst = evaluation.furthest_off(by)
    if worst is None:
        return ""
    predicted, achieved = number(worst.p_correct), number(worst.score)
    return f"Furthest off about {worst.name}: predicted {predicted}, achieved {achieved}"


def _chart(evaluation: Evaluation, *, by: Group) -> Spec | None:
    groups = [c for c in evaluation.calibration[evaluation.router] if c.by == by and c.count]
    if not groups:
        return None
    shown = sorted(groups, key=lambda group: -abs(group.bias))[:_MOST]
    names = [group.name for group in sorted(shown, key=lambda group: -group.bias)]
    frame = pl.DataFrame([group.to_dict() for group in shown], infer_schema_length=None)
    tooltip = [
        alt.Tooltip("name:N"),
        alt.Tooltip("p_correct:Q", title="predicted", format=".3f"),
        alt.Tooltip("score:Q", title="achieved", format=".3f"),
        alt.Tooltip("count:Q", title="predictions", format=","),
    ]
    x = (
        alt.X("p_correct:Q")
        .title("predicted score (ring), achieved (dot)")
        .axis(tickCount=ticks(6))
        .scale(zero=False)
    )
    base = alt.Chart(frame).encode(y=name_axis(names, "name"), tooltip=tooltip)
    pairs = linked_pairs(base, x, x2="score:Q", ring="p_correct:Q", dot="score:Q")
    return finished(pairs, height=max(30 * len(shown), 60))


BY_DOMAIN = Diagnostic(
    key="by_domain",
    heading="Domain by domain",
    label="Calibration by domain",
    sentence=partial(_sentence, by="domain"),
    caption=lambda evaluation: (
        f"What {evaluation.router} predicted and what came, in the domains where it is furthest off."
    ),
    chart=partial(_chart, by="domain"),
)

BY_MODEL = Diagnostic(
    key="by_model",
    heading="Model by model",
    label="Calibration by model",
    sentence=partial(_sentence, by="model"),
    caption=lambda evaluation: (
        f"What {evaluation.router} predicted and what came, for the models about which it is furthest off."
    ),
    chart=partial(_chart, by="model"),
)
