"""Mean score in the nearest clusters of prompts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.cluster import KMeans
from sklearn.preprocessing import normalize

from routoo.models.baselines.base_learner import Array, BaseLearner, Embed, Recorded

_PROMPTS = 10  # a cluster at the least


class Clusters(BaseLearner):
    """Mean score in the nearest clusters of embeddings, as in Avengers (arXiv 2505.19797, 2508.12631).

    Avengers-Pro has 60 clusters, looks at the four nearest, and does not shrink.

    Args:
        embed: Texts to vectors.
        n_clusters: Clusters at the most: one for ten prompts.
        nearest: Clusters that a prompt is held against; fewer in proportion where there are fewer clusters.
        strength: Prompts of evidence that the model's mean counts for in each cluster.
        seed: Of the first centres.
    """

    def __init__(
        self, embed: Embed, *, n_clusters: int = 60, nearest: int = 4, strength: float = 20.0, seed: int = 0
    ) -> None:
        self.embed, self.n_clusters, self.nearest = embed, n_clusters, nearest
        self.strength, self.seed = strength, seed

    def learn(self, known: Recorded) -> None:
        """Groups the prompts, and takes each model's shrunk mean in each group."""
        vectors = normalize(self.embed(known.texts))
        size = max(1, min(self.n_clusters, len(vectors) // _PROMPTS, len(np.unique(vectors, axis=0))))
        self._means = KMeans(size, n_init=1, random_state=self.seed).fit(vectors)
        groups = [self._means.labels_ == at for at in range(size)]
        self._table = known.shrunk_means(groups, self.strength)
        self._nearest = max(1, round(self.nearest * size / self.n_clusters))

    def expected(self, texts: list[str], domains: Sequence[str | None]) -> Array:
        """Means over the nearest clusters' rows."""
        order = np.argsort(self._means.transform(normalize(self.embed(texts))), axis=1, kind="stable")
        return np.asarray(self._table[order[:, : self._nearest]].mean(1), np.float64)
