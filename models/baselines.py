"""Estimators that do not look at the text: what every claim about one that does is held against."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from routoo.data.batch import prompt_texts
from routoo.data.domains import domain_names
from routoo.data.errors import InputError
from routoo.data.recorded_costs import recorded_cost_usd
from routoo.data.scores import Scores

if TYPE_CHECKING:
    from routoo.data.chat import Prompt
    from routoo.data.outcomes import Outcomes
    from routoo.data.pool import Pool

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Recorded:
    """The prompts an estimator learns from, and the means it falls back to."""

    outcomes: Outcomes
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
            outcomes=known,
            models=pool.names,
            texts=known.texts,
            domains=known.domains or [None] * len(known),
            score=matrices.score,
            mean_score=_means(matrices.score, fallback=0.5),
            mean_cost_usd=_means(recorded_cost_usd(known, pool), fallback=np.nan),
            mean_latency_s=_means(matrices.latency_s, fallback=np.nan),
        )

    def scores(self, p_correct: Array) -> Scores:
        """Scores with these probabilities and each model's mean cost and latency."""
        return Scores(
            p_correct.clip(0, 1).astype(np.float32),
            np.broadcast_to(self.mean_cost_usd, p_correct.shape).astype(np.float32),
            np.broadcast_to(self.mean_latency_s, p_correct.shape).astype(np.float32),
            self.models,
        )


class SingleModelMeans:
    """Each model's mean score, the same for every prompt.

    Choosing by it is choosing one model for everything: the zero router of RouterBench (arXiv 2403.12031).
    """

    def fit(self, outcomes: Outcomes, pool: Pool) -> Self:
        """Takes the means of the prompts in ``train`` and ``val``, or of all when there is no split."""
        self._known = Recorded.of(outcomes, pool)
        return self

    def predict(self, prompts: Iterable[Prompt], domains: Iterable[str | None] | None = None) -> Scores:
        """The means, once a prompt."""
        return self._known.scores(np.tile(self._known.mean_score, (len(prompt_texts(prompts)), 1)))


class DomainTable:
    """Mean score per domain and model, shrunk towards the model's mean.

    Args:
        strength: Prompts of evidence that the overall mean counts for.
    """

    def __init__(self, *, strength: float = 20.0) -> None:
        self.strength = strength

    def fit(self, outcomes: Outcomes, pool: Pool) -> Self:
        """Fills the table from the prompts in ``train`` and ``val``.

        Raises:
            InputError: The prompts carry no domain.
        """
        known = self._known = Recorded.of(outcomes, pool)
        labels = np.array([label or "" for label in known.domains], dtype=object)
        if not any(known.domains):
            raise InputError("a domain table needs a domain column in the prompts; there is none")
        self._table = {
            label: _shrunk_mean(known.score[labels == label], known.mean_score, self.strength)
            for label in sorted(set(labels) - {""})
        }
        return self

    def predict(self, prompts: Iterable[Prompt], domains: Iterable[str | None] | None = None) -> Scores:
        """The row of each prompt's domain; the overall means where the domain is unknown."""
        n_prompts = len(prompt_texts(prompts))
        labels = [None] * n_prompts if domains is None else domain_names(domains, n_prompts)
        overall = self._known.mean_score
        rows = [self._table.get(label, overall) if label else overall for label in labels]
        return self._known.scores(np.array(rows).reshape(n_prompts, -1))


def _shrunk_mean(score: Array, overall: Array, strength: float) -> Array:
    known = (~np.isnan(score)).sum(0)
    shrunk: Array = (np.nansum(score, 0) + strength * overall) / (known + strength)
    return shrunk


def _means(values: Array, *, fallback: float) -> Array:
    """Mean of what is known in each column."""
    known = ~np.isnan(values)
    means: Array = np.where(known.any(0), np.where(known, values, 0).sum(0) / known.sum(0).clip(1), fallback)
    return means
