"""The mean of what several baselines expect."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from routoo.models.baselines.base_learner import Array, BaseLearner, Recorded


class Average(BaseLearner):
    """The mean of the expected scores of several learners, each counting alike.

    Args:
        learners: At least one.
    """

    def __init__(self, learners: Sequence[BaseLearner]) -> None:
        self.learners = learners

    def learn(self, known: Recorded) -> None:
        """Each learns."""
        for learner in self.learners:
            learner.learn(known)

    def expected(self, texts: list[str], domains: Sequence[str | None]) -> Array:
        """The mean of what they expect, each held within 0..1."""
        each = [learner.expected(texts, domains).clip(0, 1) for learner in self.learners]
        return np.asarray(np.mean(each, axis=0))
