"""Mean score of the recorded prompts that are most like a prompt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.preprocessing import normalize

from routoo.data.errors import InputError
from routoo.models.baselines.base_learner import Array, BaseLearner, Embed, Floats, Recorded

_AT_ONCE = 1024  # prompts whose likeness to all recorded ones is held in memory
_ALIKE = 1e-6  # cosines no further apart are the same


class NearestNeighbours(BaseLearner):
    """Mean score of the `k` nearest recorded prompts by cosine, and of those that tie with the last of them.

    The estimator that tuned studies find hard to beat (arXiv 2505.12601).

    Args:
        embed: Texts to vectors.
        k: Neighbours.

    Raises:
        InputError: `k` is not positive.
    """

    def __init__(self, embed: Embed, *, k: int = 100) -> None:
        if k < 1:
            raise InputError(f"k must be at least 1, got {k}")
        self.embed, self.k = embed, k

    def learn(self, known: Recorded) -> None:
        """Keeps the prompts."""
        self._vectors, self._mean = normalize(self.embed(known.texts)), known.mean_score
        self._score, self._observed = np.nan_to_num(known.score), (~np.isnan(known.score)).astype(np.float64)

    def expected(self, texts: list[str], domains: Sequence[str | None]) -> Array:
        """Means over the neighbours; a model's mean where it was run on none of them."""
        vectors = normalize(self.embed(texts))
        blocks = (vectors[at : at + _AT_ONCE] for at in range(0, len(vectors), _AT_ONCE))
        return np.concatenate([self._block(block) for block in blocks])

    def _block(self, vectors: Floats) -> Array:
        likeness = vectors @ self._vectors.T
        last = max(likeness.shape[1] - self.k, 0)
        near = (likeness >= np.partition(likeness, last, axis=1)[:, [last]] - _ALIKE).astype(np.float64)
        count = near @ self._observed
        return np.where(count > 0, near @ self._score / np.maximum(count, 1), self._mean)
