"""What a baseline learns from, and the two halves that each of them has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from routoo.data.chat import Prompt
from routoo.data.checks.batch import prompt_texts
from routoo.data.costs.recorded_costs import recorded_cost_usd
from routoo.data.domains import domain_names
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.scores import Scores
from routoo.models.gaps import column_means, shrunk_means

Floats = npt.NDArray[np.floating[Any]]
Array = npt.NDArray[np.float64]

Embed = Callable[[Sequence[str]], npt.NDArray[np.float32]]
"""Texts to vectors, ``(n_prompts, width)``."""


@dataclass(frozen=True, eq=False)
class Recorded:
    """The prompts that are learned from, and each model's means over them.

    Args:
        models: Names of the columns.
        texts: Of the prompts.
        domains: Of the prompts; None where one is not known.
        score: ``(n_prompts, n_models)``, NaN where a model was not run.
        mean_score: ``(n_models,)``; one half for a model that was never run.
        mean_cost_usd: ``(n_models,)``.
        mean_latency_s: ``(n_models,)``, NaN where none was recorded.
    """

    models: tuple[str, ...]
    texts: list[str]
    domains: list[str | None]
    score: Array
    mean_score: Array
    mean_cost_usd: Array
    mean_latency_s: Array

    @classmethod
    def of(cls, outcomes: Outcomes, pool: Pool) -> Recorded:
        """The prompts in ``train`` and ``val``, or all when there is no split."""
        known = outcomes.select(pool.names)
        known = known.part("train", "val") if known.has_split else known
        matrices = known.to_matrices(pool.names)
        return cls(
            models=pool.names,
            texts=known.texts,
            domains=known.domains or [None] * len(known),
            score=matrices.score,
            mean_score=np.nan_to_num(column_means(matrices.score), nan=0.5),
            mean_cost_usd=column_means(recorded_cost_usd(known, pool)),
            mean_latency_s=column_means(matrices.latency_s),
        )

    def require_two(self, method: str) -> None:
        """Refuses what cannot be split into prompts to fit on and prompts left out.

        Raises:
            InputError: There is one prompt.
        """
        if len(self.texts) < 2:
            raise InputError(f"{method} needs at least two prompts to learn from, got {len(self.texts)}")

    def shrunk_means(self, groups: Iterable[npt.NDArray[np.bool_]]) -> Array:
        """Mean scores in each group, as if twenty further prompts had come out as the model's mean."""
        return shrunk_means(self.score, groups, self.mean_score)


class BaseLearner(ABC):
    """A learner of expected scores; of cost and latency it knows the models' means."""

    def fit(self, outcomes: Outcomes, pool: Pool) -> Self:
        """Learns from the prompts in ``train`` and ``val``, or from all when there is no split.

        Raises:
            InputError: The outcomes lack what it learns from.
        """
        self._known = Recorded.of(outcomes, pool)
        self.learn(self._known)
        return self

    def predict(self, prompts: Iterable[Prompt], domains: Iterable[str | None] | None = None) -> Scores:
        """Expected scores of each prompt, with each model's mean cost and latency."""
        texts = prompt_texts(prompts)
        known = [None] * len(texts) if domains is None else domain_names(domains, len(texts))
        p_correct = self.expected(texts, known).clip(0, 1).astype(np.float32)
        cost, latency = (
            np.broadcast_to(means, p_correct.shape).astype(np.float32)
            for means in (self._known.mean_cost_usd, self._known.mean_latency_s)
        )
        return Scores(p_correct, cost, latency, self._known.models)

    @abstractmethod
    def learn(self, known: Recorded) -> None:
        """Fits what is to be fitted."""

    @abstractmethod
    def expected(self, texts: list[str], domains: Sequence[str | None]) -> Array:
        """Expected scores ``(n_prompts, n_models)``, within 0..1 or nearly so."""


class EmbeddingLearner(BaseLearner):
    """A learner that reads vectors of the prompts.

    Args:
        embed: Texts to vectors.
    """

    def __init__(self, embed: Embed) -> None:
        self.embed = embed
