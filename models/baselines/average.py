"""The mean of what several baselines say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np

from routoo.data.checks.batch import prompt_texts

if TYPE_CHECKING:
    from routoo.data.chat import Prompt
    from routoo.data.outcomes import Outcomes
    from routoo.data.pool import Pool
    from routoo.data.scores import Scores
    from routoo.models.estimator import Estimator


class Average:
    """The mean of the expected scores of several estimators, each counting alike.

    Args:
        estimators: At least one; cost and latency are those of the first.
    """

    def __init__(self, estimators: Sequence[Estimator]) -> None:
        self.estimators = estimators

    def fit(self, outcomes: Outcomes, pool: Pool) -> Self:
        """Fits each of them."""
        for estimator in self.estimators:
            estimator.fit(outcomes, pool)
        return self

    def predict(self, prompts: Iterable[Prompt], domains: Iterable[str | None] | None = None) -> Scores:
        """The mean of what they expect."""
        texts, known = prompt_texts(prompts), None if domains is None else list(domains)
        each = [estimator.predict(texts, known) for estimator in self.estimators]
        return replace(each[0], p_correct=np.mean([scores.p_correct for scores in each], axis=0))
