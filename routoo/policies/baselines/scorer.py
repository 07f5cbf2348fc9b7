"""FrugalGPT's scorer: the probability that an answer is right, from the prompt and the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from routoo.data.outcomes import Outcomes
from routoo.policies.baselines.baseline import Pair, Vector, learned
from routoo.predictor import Predictor


class AnswerScorer:
    """A scorer of answers (Chen, Zaharia and Zou 2023, arXiv 2305.05176): one for each small model.

    Args:
        predictors: By small model, each of texts of a prompt and its answer.
    """

    reads = "answer"

    def __init__(self, predictors: dict[str, Predictor]) -> None:
        self.predictors = predictors

    @classmethod
    def learn(
        cls, outcomes: Outcomes, pairs: Sequence[Pair], *, seed: int = 0, **options: Any
    ) -> AnswerScorer:
        """See `Baseline.learn`."""
        predictors = {}
        for model in sorted({small for small, _ in pairs}):
            rows = outcomes.outcomes.filter(pl.col("model") == model)
            texts = _texts(outcomes, model)
            predictors[model] = learned(
                texts, rows.select("prompt_id", "model", "score"), seed=seed, **options
            )
        return cls(predictors)

    def signals(self, outcomes: Outcomes, pairs: Sequence[Pair]) -> dict[Pair, Vector]:
        """See `Baseline.signals`."""
        p = {
            model: self.predictors[model].predict(_texts(outcomes, model)["prompt"])
            for model in sorted({small for small, _ in pairs})
        }
        return {pair: p[pair[0]].p_correct[:, 0].astype(np.float64) for pair in pairs}


def _texts(outcomes: Outcomes, model: str) -> pl.DataFrame:
    """The prompts, each with the answer of a model below it."""
    answers = outcomes.outcomes.filter(pl.col("model") == model).select(
        "prompt_id", answer=pl.col("response")
    )
    kept = [name for name in ("prompt_id", "prompt", "domain") if name in outcomes.prompts.columns]
    joined = outcomes.prompts.select(kept).join(answers, on="prompt_id", how="left", maintain_order="left")
    text = pl.col("prompt") + "\nAnswer: " + pl.col("answer").cast(pl.String).fill_null("")
    return joined.with_columns(prompt=text).drop("answer")
