"""FORC: a meta-model predicts each model's success from the prompt, and the difference decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from routoo.data.outcomes import Outcomes
from routoo.policies.baselines.baseline import Pair, Vector, learned
from routoo.predictor import Predictor


class MetaModel:
    """Routing by a meta-model (Šakota, Peyrard and West 2024, arXiv 2308.06077): the predicted gain.

    Args:
        predictor: Of all models of the pairs.
    """

    reads = "prompt"

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor

    @classmethod
    def learn(cls, outcomes: Outcomes, pairs: Sequence[Pair], *, seed: int = 0, **options: Any) -> MetaModel:
        """See `Baseline.learn`."""
        scores = outcomes.select(sorted({model for pair in pairs for model in pair})).outcomes
        return cls(
            learned(outcomes.prompts, scores.select("prompt_id", "model", "score"), seed=seed, **options)
        )

    def p_correct(self, outcomes: Outcomes) -> dict[str, Vector]:
        """What is predicted of each model, ``(n_prompts,)``."""
        found = self.predictor.predict(outcomes.texts)
        return {model: found.p_correct[:, at].astype(np.float64) for at, model in enumerate(found.models)}

    def signals(self, outcomes: Outcomes, pairs: Sequence[Pair]) -> dict[Pair, Vector]:
        """See `Baseline.signals`."""
        p = self.p_correct(outcomes)
        return {(small, large): p[small] - p[large] for small, large in pairs}
