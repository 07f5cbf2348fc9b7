"""How often a change that should not matter sends a prompt to another model."""

from __future__ import annotations

import altair as alt
import polars as pl

from routoo.evaluation.diagnostics.chart_style import ROUTER, finished, name_axis
from routoo.evaluation.diagnostics.diagnostic import Diagnostic, Spec
from routoo.evaluation.evaluation import Evaluation


def _chart(evaluation: Evaluation) -> Spec | None:
    if not evaluation.robustness:
        return None
    rows = [
        {key: value for key, value in kind.to_dict().items() if key != "gain"}
        | {"gain": None if kind.gain is None else kind.gain.value}
        for kind in evaluation.robustness
    ]
    frame = pl.DataFrame(rows, infer_schema_length=None)
    bars = (
        alt.Chart(frame)
        .mark_bar(color=ROUTER, height=12, cornerRadiusEnd=3)
        .encode(
            x=alt.X("flips:Q")
            .title("share of the choices that go elsewhere")
            .axis(format=".0%", tickCount=5)
            .scale(domain=[0, max(0.1, *(1.1 * kind.flips for kind in evaluation.robustness))]),
            y=name_axis(frame["name"].to_list(), "name"),
            tooltip=[
                alt.Tooltip("name:N"),
                alt.Tooltip("flips:Q", format=".1%"),
                alt.Tooltip("spend:Q", title="spend after / before", format=".3f"),
                alt.Tooltip("shift:Q", title="mean change of a prediction", format=".3f"),
                alt.Tooltip("gain:Q", title="score gained", format="+.4f"),
            ],
        )
    )
    return finished(bars, height=30 * len(frame))


DIAGNOSTIC = Diagnostic(
    key="flips",
    heading="What upsets a choice",
    label="Flips by kind of change",
    sentence=lambda evaluation: evaluation.flips_in_words(),
    caption=lambda evaluation: (
        "How often a change that should not matter sends a prompt to another model, on "
        f"{evaluation.robustness[0].prompts if evaluation.robustness else 0} prompts, at about a quarter, a "
        "half and three quarters of the greatest spend."
    ),
    chart=_chart,
)
