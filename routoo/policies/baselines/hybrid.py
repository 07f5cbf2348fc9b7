"""HybridLLM: the probability that the small model does as well as the large one, from the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from routoo.data.outcomes import Outcomes
from routoo.policies.baselines.baseline import Pair, Vector, learned
from routoo.predictor import Predictor


class HybridRouter:
    """A router that learns where the small model matches the large one (Ding et al. 2024, arXiv 2404.14618).

    Args:
        predictor: Of the matches of all pairs.
    """

    reads = "prompt"

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor

    @classmethod
    def learn(
        cls, outcomes: Outcomes, pairs: Sequence[Pair], *, seed: int = 0, **options: Any
    ) -> HybridRouter:
        """See `Baseline.learn`."""
        rows = outcomes.outcomes.select("prompt_id", "model", "score")
        matches = [_matches(rows, pair) for pair in pairs]
        return cls(learned(outcomes.prompts, pl.concat(matches), seed=seed, **options))

    def signals(self, outcomes: Outcomes, pairs: Sequence[Pair]) -> dict[Pair, Vector]:
        """See `Baseline.signals`."""
        found = self.predictor.predict(outcomes.texts)
        at = {name: column for column, name in enumerate(found.models)}
        return {pair: found.p_correct[:, at[_name(pair)]].astype(np.float64) for pair in pairs}


def _name(pair: Pair) -> str:
    return " matches ".join(pair)


def _matches(rows: pl.DataFrame, pair: Pair) -> pl.DataFrame:
    small, large = (rows.filter(pl.col("model") == model) for model in pair)
    both = small.join(large, on="prompt_id", suffix="_large")
    return both.select(
        "prompt_id",
        model=pl.lit(_name(pair)),
        score=(pl.col("score") >= pl.col("score_large")).cast(pl.Float32),
    )
