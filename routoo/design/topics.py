"""Groups of prompts that share words: what stands in for domains where nobody recorded any."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse.linalg import svds
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import normalize

_CHARACTERS = 4000  # read of a prompt
_WIDTH = 32
_PROMPTS_EACH, _MOST = 100, 64


class Topics:
    """Topics of some prompts, to which any prompt belongs by its words: one for a hundred, at most 64.

    Words are hashed and weighed by how rare they are, reduced by a singular value decomposition (Deerwester
    and others 1990), and grouped by k-means.

    Args:
        texts: Of the prompts.
        seed: Of the decomposition and of k-means.

    >>> texts = ["boil the rice in salted water", "sum the odd numbers below ten"] * 100
    >>> Topics(texts).groups(["odd numbers", "salted rice"]).tolist() in ([0, 1], [1, 0])
    True
    """

    def __init__(self, texts: Sequence[str], *, seed: int = 0) -> None:
        hashed = HashingVectorizer(
            preprocessor=_read, token_pattern=r"\w+", n_features=1 << 16, alternate_sign=False, norm=None
        )
        self.words = make_pipeline(hashed, TfidfTransformer(norm=None, sublinear_tf=True))
        weights = self.words.fit_transform(texts)
        width = min(_WIDTH, len(texts) - 1)
        self.directions: npt.NDArray[np.float64] = np.zeros((weights.shape[1], 1))
        if width and weights.nnz:
            start = np.random.default_rng(seed).standard_normal(len(texts))
            self.directions = svds(weights, k=width, v0=start)[2].T
        meaning = normalize(weights @ self.directions)
        n_topics = np.clip(len(texts) // _PROMPTS_EACH, 1, min(_MOST, len(np.unique(meaning, axis=0))))
        self.clusters = KMeans(int(n_topics), n_init=1, random_state=seed).fit(meaning)

    def __len__(self) -> int:
        return len(self.clusters.cluster_centers_)

    def groups(self, texts: Sequence[str]) -> npt.NDArray[np.intp]:
        """Number of the topic of each prompt, ``(n_prompts,)``."""
        meaning = normalize(self.words.transform(texts) @ self.directions)
        return np.asarray(self.clusters.predict(meaning), np.intp)


def _read(text: str) -> str:
    return text[:_CHARACTERS].casefold().encode("utf-8", "replace").decode()
