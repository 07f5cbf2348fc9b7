"""How many models share the prompts at each budget."""

from __future__ import annotations

import altair as alt

from routoo.evaluation.diagnostics.budget_lines import along_budget
from routoo.evaluation.diagnostics.diagnostic import Diagnostic, Spec
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.metrics.effective_models import effective_models


def _sentence(evaluation: Evaluation) -> str:
    models = evaluation.published[evaluation.router]["effective_models"]
    return f"On average over all budgets, {models:.1f} models share the prompts"


def _chart(evaluation: Evaluation) -> Spec:
    return along_budget(
        evaluation,
        lambda curve, budgets: effective_models(curve.shares_at(budgets)),
        alt.Y("y:Q").title("effective number of models"),
        foot=1.0,
        form=".2f",
    )


DIAGNOSTIC = Diagnostic(
    key="models",
    heading="Whether the work is shared",
    label="Effective number of models along the budget",
    sentence=_sentence,
    caption=lambda _: "Effective number of models: k where k models get the same, 1 where one gets all.",
    chart=_chart,
)
