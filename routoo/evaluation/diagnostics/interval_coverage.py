"""Whether the intervals of predictions hold as often as they say."""

from __future__ import annotations

import altair as alt
import polars as pl

from routoo.evaluation.diagnostics.chart_style import ROUTER, SOFT, dashed, finished, ticks
from routoo.evaluation.diagnostics.diagnostic import Diagnostic, Spec
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.in_words import percent

_SHOWN_LEVEL = 0.9
_KINDS = {"with the interval": "held", "from sampling noise alone": "by_luck"}


def _sentence(evaluation: Evaluation) -> str:
    for found in evaluation.coverage:
        if found.level == _SHOWN_LEVEL:
            return (
                f"{percent(found.level)} intervals hold the mean score of {percent(found.held)} of the groups"
            )
    return ""


def _caption(evaluation: Evaluation) -> str:
    groups = evaluation.coverage[0].groups if evaluation.coverage else 0
    return (
        f"Share of {groups} groups of prompts, each of one domain and of like predictions for one model, "
        "whose mean score lay in the interval, widened by sampling noise. On the dashed line intervals hold "
        "as often as they say; below it they are too narrow."
    )


def _chart(evaluation: Evaluation) -> Spec | None:
    if not evaluation.coverage:
        return None
    frame = pl.DataFrame(
        [
            {"kind": kind, "level": found.level, "held": getattr(found, key)}
            for kind, key in _KINDS.items()
            for found in evaluation.coverage
        ]
    )
    diagonal = dashed("level", "held", (0.4, 0.4), (1.0, 1.0))
    lines = (
        alt.Chart(frame)
        .mark_line(point={"filled": True, "size": 44}, strokeWidth=1.8)
        .encode(
            x=alt.X("level:Q")
            .title("share of the groups that intervals should hold")
            .axis(format="%", tickCount=ticks(6))
            .scale(domain=[0.4, 1]),
            y=alt.Y("held:Q").title("share that they hold").axis(format="%", tickCount=6).scale(zero=False),
            color=alt.Color("kind:N")
            .title(None)
            .scale(domain=list(_KINDS), range=[ROUTER, SOFT])
            .legend(symbolType="circle", symbolSize=70),
            tooltip=[
                alt.Tooltip("kind:N"),
                alt.Tooltip("level:Q", title="should hold", format=".0%"),
                alt.Tooltip("held:Q", title="hold", format=".1%"),
            ],
        )
    )
    return finished(alt.layer(diagonal, lines), height=300)


DIAGNOSTIC = Diagnostic(
    key="coverage",
    heading="Whether it knows what it does not know",
    label="Coverage of intervals",
    sentence=_sentence,
    caption=_caption,
    chart=_chart,
)
