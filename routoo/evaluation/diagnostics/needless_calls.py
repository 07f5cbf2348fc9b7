"""Which calls a cheaper model would have answered as well, at each budget."""

from __future__ import annotations

import altair as alt
import numpy as np

from routoo.evaluation.diagnostics.budget_lines import along_budget
from routoo.evaluation.diagnostics.diagnostic import Diagnostic, Spec
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.in_words import percent


def _sentence(evaluation: Evaluation) -> str:
    curve = evaluation.curves[evaluation.router]
    most = np.array([evaluation.best_single.cost_usd])
    return f"At full cost, {percent(float(curve.needless_at(most)[0]))} of the calls are dearer than needed"


def _caption(evaluation: Evaluation) -> str:
    collapse = percent(evaluation.published[evaluation.router]["collapse"])
    return (
        "Share of the calls for which a cheaper model scores no less, known in hindsight. A router that "
        "collapses onto the best model as money allows rises steeply. When money is no object, "
        f"{collapse} of the calls go to {evaluation.best_single.name} for nothing (the collapse index)."
    )


def _chart(evaluation: Evaluation) -> Spec:
    return along_budget(
        evaluation,
        lambda curve, budgets: curve.needless_at(budgets),
        alt.Y("y:Q").title("calls dearer than needed").axis(format="%", tickCount=5),
        foot=0.0,
        form=".1%",
    )


DIAGNOSTIC = Diagnostic(
    key="needless",
    heading="Whether dear calls are needed",
    label="Calls dearer than needed along the budget",
    sentence=_sentence,
    caption=_caption,
    chart=_chart,
)
