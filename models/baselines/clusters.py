"""Mean score in the nearest clusters of prompts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.cluster import KMeans
from sklearn.preprocessing import normalize

from routoo.models.baselines.base_learner import Array, EmbeddingLearner, Recorded

_CLUSTERS, _NEAREST = 60, 4  # at the most; with fewer clusters, fewer in proportion are looked at
_PROMPTS = 10  # a cluster at the least


class Clusters(EmbeddingLearner):
    """Mean score in the nearest clusters of embeddings, as in Avengers (arXiv 2505.19797, 2508.12631).

    As in Avengers-Pro there are 60 clusters, of which the four nearest are looked at; that does not shrink.
    """

    def learn(self, known: Recorded) -> None:
        """Groups the prompts, and takes each model's shrunk mean in each group."""
        vectors = normalize(self.embed(known.texts))
        size = max(1, min(_CLUSTERS, len(vectors) // _PROMPTS, len(np.unique(vectors, axis=0))))
        self._means = KMeans(size, n_init=1, random_state=0).fit(vectors)
        groups = [self._means.labels_ == at for at in range(size)]
        self._table = known.shrunk_means(groups)
        self._nearest = max(1, round(_NEAREST * size / _CLUSTERS))

    def expected(self, texts: list[str], domains: Sequence[str | None]) -> Array:
        """Means over the nearest clusters' rows."""
        order = np.argsort(self._means.transform(normalize(self.embed(texts))), axis=1, kind="stable")
        return np.asarray(self._table[order[:, : self._nearest]].mean(1), np.float64)
