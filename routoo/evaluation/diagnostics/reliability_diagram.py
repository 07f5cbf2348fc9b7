"""What predictions promised against what came, in bins."""

from __future__ import annotations

import altair as alt
import polars as pl

from routoo.evaluation.diagnostics.chart_style import dashed, finished, row_colours
from routoo.evaluation.diagnostics.diagnostic import Diagnostic, Spec
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.in_words import number


def _sentence(evaluation: Evaluation) -> str:
    bins = evaluation.reliability[evaluation.router]
    return f"Predictions are off by {number(bins.ece)} on average over {len(bins.count)} bins of them"


def _chart(evaluation: Evaluation) -> Spec:
    frames = [
        pl.DataFrame({"row": name, "predicted": bins.p_correct, "achieved": bins.score, "n": bins.count})
        for name, bins in evaluation.reliability.items()
    ]
    names = list(evaluation.reliability)
    picked = alt.selection_point("picked", fields=["row"], bind="legend")
    diagonal = dashed("predicted", "achieved", (0.0, 0.0), (1.0, 1.0))
    lines = (
        alt.Chart(pl.concat(frames))
        .mark_line(point={"filled": True, "size": 34}, strokeWidth=1.6)
        .encode(
            x=alt.X("predicted:Q").title("predicted score").axis(tickCount=5).scale(domain=[0, 1]),
            y=alt.Y("achieved:Q").title("achieved score").axis(tickCount=5).scale(domain=[0, 1]),
            color=alt.Color("row:N")
            .title(None)
            .scale(domain=names, range=row_colours(evaluation, names))
            .legend(symbolType="circle", symbolSize=70),
            opacity=alt.condition(picked, alt.value(1), alt.value(0.15)),
            tooltip=[
                alt.Tooltip("row:N"),
                alt.Tooltip("predicted:Q", format=".3f"),
                alt.Tooltip("achieved:Q", format=".3f"),
                alt.Tooltip("n:Q", title="predictions", format=","),
            ],
        )
        .add_params(picked)
    )
    return finished(alt.layer(diagonal, lines), height=340)


DIAGNOSTIC = Diagnostic(
    key="reliability",
    heading="Whether predictions keep their word",
    label="Reliability diagram",
    sentence=_sentence,
    caption=lambda _: (
        "Predicted against achieved score, in 15 bins of equally many predictions. On the dashed line "
        "predictions are right on average."
    ),
    chart=_chart,
)
