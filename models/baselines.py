"""Plain estimators: what every claim about a learned predictor is held against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from routoo.data.errors import InputError
from routoo.data.pricing import recorded_cost_usd
from routoo.data.scores import Scores

if TYPE_CHECKING:
    from routoo.data.outcomes import Outcomes
    from routoo.data.pool import Pool

Array = npt.NDArray[np.float64]
Embed = Callable[[Sequence[str]], npt.NDArray[np.float32]]
"""Prompts to vectors, ``(n_prompts, width)``."""


@dataclass(frozen=True, eq=False)
class _Recorded:
    """The prompts a baseline learns from, and the means it falls back to."""

    models: tuple[str, ...]
    texts: list[str]
    domains: list[str | None]
    score: Array
    mean_score: Array
    mean_cost_usd: Array
    mean_latency_s: Array

    @classmethod
    def of(cls, outcomes: Outcomes, pool: Pool) -> _Recorded:
        known = outcomes.select(pool.names)
        known = known.part("train", "val") if known.has_split else known
        matrices = known.to_matrices(pool.names)
        return cls(
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
        self._known = _Recorded.of(outcomes, pool)
        return self

    def predict(self, prompts: Sequence[str], domains: Sequence[str | None] | None = None) -> Scores:
        """The means, once a prompt."""
        return self._known.scores(np.tile(self._known.mean_score, (len(prompts), 1)))


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
        known = self._known = _Recorded.of(outcomes, pool)
        labels = np.array([label or "" for label in known.domains], dtype=object)
        if not any(known.domains):
            raise InputError("a domain table needs a domain column in the prompts; there is none")
        self._table = {
            label: _shrunk_mean(known.score[labels == label], known.mean_score, self.strength)
            for label in sorted(set(labels) - {""})
        }
        return self

    def predict(self, prompts: Sequence[str], domains: Sequence[str | None] | None = None) -> Scores:
        """The row of each prompt's domain; the overall means where the domain is unknown."""
        labels = domains if domains is not None else [None] * len(prompts)
        overall = self._known.mean_score
        rows = [self._table.get(label, overall) if label else overall for label in labels]
        return self._known.scores(np.array(rows).reshape(len(prompts), -1))


class NearestExemplars:
    """Mean score of the most similar recorded prompts, shrunk towards the model's mean.

    k nearest neighbours by cosine similarity, the estimator that tuned studies find hard to beat
    (arXiv 2505.12601).

    Args:
        embed: Prompts to vectors.
        k: Neighbours.
        strength: Prompts of evidence that the overall mean counts for.
    """

    def __init__(self, embed: Embed, *, k: int = 100, strength: float = 0.0) -> None:
        if k < 1:
            raise InputError(f"k must be at least 1, got {k}")
        self.embed, self.k, self.strength = embed, k, strength

    def fit(self, outcomes: Outcomes, pool: Pool) -> Self:
        """Keeps the exemplars: the prompts in ``train`` and ``val`` with their scores."""
        self._known = _Recorded.of(outcomes, pool)
        self._vectors = _unit(self.embed(self._known.texts))
        self._observed = (~np.isnan(self._known.score)).astype(np.float32)
        self._score = np.nan_to_num(self._known.score).astype(np.float32)
        return self

    def predict(self, prompts: Sequence[str], domains: Sequence[str | None] | None = None) -> Scores:
        """The means over each prompt's neighbours."""
        out = np.empty((len(prompts), len(self._known.models)))
        k = min(self.k, len(self._vectors))
        vectors = _unit(self.embed(prompts))
        for start in range(0, len(prompts), 512):
            similarity = vectors[start : start + 512] @ self._vectors.T
            near = np.argpartition(-similarity, k - 1, axis=1)[:, :k]
            total = self._score[near].sum(1) + self.strength * self._known.mean_score
            count = self._observed[near].sum(1) + self.strength
            out[start : start + 512] = np.where(
                count > 0, total / np.maximum(count, 1e-9), self._known.mean_score
            )
        return self._known.scores(out)


def _shrunk_mean(score: Array, overall: Array, strength: float) -> Array:
    known = (~np.isnan(score)).sum(0)
    shrunk: Array = (np.nansum(score, 0) + strength * overall) / (known + strength)
    return shrunk


def _means(values: Array, *, fallback: float) -> Array:
    """Mean of what is known in each column."""
    known = ~np.isnan(values)
    means: Array = np.where(known.any(0), np.where(known, values, 0).sum(0) / known.sum(0).clip(1), fallback)
    return means


def _unit(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9), np.float32)
