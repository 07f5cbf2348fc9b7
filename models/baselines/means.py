"""Each model's mean score, whatever the prompt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from routoo.models.baselines.base_learner import Array, BaseLearner, Recorded


class SingleModelMeans(BaseLearner):
    """Each model's mean score, the same for every prompt.

    Choosing by it is choosing one model for everything: the zero router of RouterBench (arXiv 2403.12031).
    """

    def learn(self, known: Recorded) -> None:
        """Takes the means."""
        self._mean = known.mean_score

    def expected(self, texts: list[str], domains: Sequence[str | None]) -> Array:
        """The means, once a prompt."""
        return np.tile(self._mean, (len(texts), 1))
