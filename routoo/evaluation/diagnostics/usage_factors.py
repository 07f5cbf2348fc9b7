"""By what factor predicted output tokens and seconds are off, model by model."""

from __future__ import annotations

import math
from functools import partial

import altair as alt
import numpy as np
import polars as pl

from routoo.evaluation.diagnostics.chart_style import SOFT, finished, linked_pairs, name_axis
from routoo.evaluation.diagnostics.diagnostic import Diagnostic, Spec
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.metrics.usage_errors import ALL_MODELS, Quantity

_MOST = 12  # models that are drawn: those whose use is hardest to tell by their mean


def _sentence(evaluation: Evaluation, *, quantity: Quantity, word: str) -> str:
    for error in evaluation.usage:
        if error.quantity == quantity and error.model == ALL_MODELS:
            ours, mean = math.exp(error.error), math.exp(error.mean_error)
            return f"{word} are off by a factor of {ours:.2f}; each model's mean is off by {mean:.2f}"
    return ""


def _chart(evaluation: Evaluation, *, quantity: Quantity) -> Spec | None:
    errors = [e for e in evaluation.usage if e.quantity == quantity]
    if not errors:
        return None
    single = [error for error in errors if error.model != ALL_MODELS]
    shown = sorted(single, key=lambda error: -error.mean_error)[:_MOST]
    everyone = [error for error in errors if error.model == ALL_MODELS]
    frame = pl.DataFrame(
        [
            {
                "model": error.model,
                "predicted": float(np.exp(error.error)),
                "mean": float(np.exp(error.mean_error)),
                "correlation": None if np.isnan(error.correlation) else error.correlation,
            }
            for error in (*everyone, *shown)
        ],
        schema={"model": pl.String, "predicted": pl.Float64, "mean": pl.Float64, "correlation": pl.Float64},
    )
    base = alt.Chart(frame).encode(
        y=name_axis(frame["model"].to_list(), "model"),
        tooltip=[
            alt.Tooltip("model:N"),
            alt.Tooltip("predicted:Q", title="predicted, off by a factor of", format=".2f"),
            alt.Tooltip("mean:Q", title="its mean, off by a factor of", format=".2f"),
            alt.Tooltip("correlation:Q", title="rank correlation", format=".2f"),
        ],
    )
    x = (
        alt.X("predicted:Q")
        .title("typical factor: predicted (dot), mean (ring)")
        .axis(tickCount=5)
        .scale(zero=False)
    )
    pairs = linked_pairs(base, x, x2="mean:Q", ring="mean:Q", dot="predicted:Q", ring_colour=SOFT)
    return finished(pairs, height=30 * len(frame))


OUTPUT_TOKENS = Diagnostic(
    key="tokens",
    heading="How long answers are",
    label="Errors of output tokens by model",
    sentence=partial(_sentence, quantity="output_tokens", word="Output tokens"),
    caption=lambda _: (
        "Typical factor between predicted and recorded output tokens, for the models that vary most. "
        "1 is exact."
    ),
    chart=partial(_chart, quantity="output_tokens"),
)

LATENCY = Diagnostic(
    key="latency",
    heading="How long answers take",
    label="Errors of latency by model",
    sentence=partial(_sentence, quantity="latency_s", word="Seconds"),
    caption=lambda _: "Typical factor between predicted and recorded seconds. 1 is exact.",
    chart=partial(_chart, quantity="latency_s"),
)
