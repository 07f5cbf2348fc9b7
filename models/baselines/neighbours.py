"""Mean score of the recorded prompts that are most like a prompt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.preprocessing import normalize

from routoo.data.checks.arguments import number
from routoo.models.baselines.base_learner import Array, Embed, EmbeddingLearner, Floats, Recorded

_AT_ONCE = 1024  # prompts whose likeness to all recorded ones is held in memory
ALIKE = 1e-6
"""Cosines no further apart are the same."""


class NearestNeighbours(EmbeddingLearner):
    """Mean score of the `k` nearest recorded prompts by cosine, and of those that tie with the last of them.

    The estimator that tuned studies find hard to beat (arXiv 2505.12601). Kept of each candidate are its unit
    vector, in `vectors`, and what it says of each model, in `value`, NaN for nothing; `mean` is what is
    expected of the models where no neighbour says anything.

    Args:
        embed: Texts to vectors.
        k: Neighbours.
        weighted: Whether neighbours count by their cosine, in place of all alike.

    Raises:
        InputError: `k` is not positive.
    """

    def __init__(self, embed: Embed, *, k: int = 100, weighted: bool = False) -> None:
        super().__init__(embed)
        self.k, self.weighted = number("k", k, least=1, whole=True), weighted

    def learn(self, known: Recorded) -> None:
        """Keeps the prompts."""
        self.keep(known.texts, known.score, known.mean_score)

    def keep(self, texts: Sequence[str], value: Array, mean: Array) -> None:
        """Makes these texts the candidates."""
        self.vectors: Floats = normalize(self.embed(texts))
        self.value, self.mean = value, mean

    def expected(self, texts: list[str], domains: Sequence[str | None]) -> Array:
        """Means over the neighbours; what is expected anyway where none of them says anything."""
        vectors = normalize(self.embed(texts))
        blocks = (vectors[at : at + _AT_ONCE] for at in range(0, len(vectors), _AT_ONCE))
        return np.concatenate([self._means(block @ self.vectors.T) for block in blocks])

    def left_out(self) -> Array:
        """The same of each candidate by all others, ``(n_candidates, n_models)``."""
        likeness = self.vectors @ self.vectors.T
        np.fill_diagonal(likeness, -np.inf)
        return self._means(likeness)

    def _means(self, likeness: Floats) -> Array:
        last = max(likeness.shape[1] - self.k, 0)
        near = likeness >= np.partition(likeness, last, axis=1)[:, [last]] - ALIKE
        weight = np.where(near & (likeness > -np.inf), likeness.clip(ALIKE) if self.weighted else 1.0, 0.0)
        said = ~np.isnan(self.value)
        total = weight @ said.astype(np.float64)
        found = weight @ np.nan_to_num(self.value) / np.where(total > 0, total, 1)
        return np.where(total > 0, found, self.mean)
