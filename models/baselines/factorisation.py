"""Scores as a product of factors of prompts, which are linear in their embeddings, and of models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.preprocessing import StandardScaler

from routoo.models.baselines.base_learner import Array, EmbeddingLearner, Recorded

_PENALTIES = np.geomspace(1e1, 1e5, 9)
_ROUNDS = 5
_RANK = 16


class MatrixFactorisation(EmbeddingLearner):
    """Reduced-rank ridge regression: models share a few directions of the embeddings.

    The form of EmbedLLM (arXiv 2410.02223) in least squares, where the best factors are singular vectors
    (Izenman 1975). The penalty is chosen by leaving out each prompt. Missing scores are filled with what the
    fit says of them, a few times over, from the models' means on.
    """

    def learn(self, known: Recorded) -> None:
        """Fits the factors.

        Raises:
            InputError: There is one prompt.
        """
        known.require_two("matrix factorisation")
        vectors = self.embed(known.texts)
        self._scaler = StandardScaler().fit(vectors)
        x, missing = self._scaler.transform(vectors), np.isnan(known.score)
        filled = np.where(missing, known.mean_score, known.score)
        ridge = Ridge(RidgeCV(_PENALTIES).fit(x, filled).alpha_)
        for _ in range(_ROUNDS if missing.any() else 1):
            weight = np.atleast_2d(ridge.fit(x, filled).coef_).T
            models = np.linalg.svd(x @ weight, full_matrices=False)[2][:_RANK]
            self._weight, self._bias = weight @ models.T @ models, ridge.intercept_
            filled = np.where(missing, x @ self._weight + self._bias, known.score)

    def expected(self, texts: list[str], domains: Sequence[str | None]) -> Array:
        """The product, which may leave 0..1 a little."""
        return np.asarray(self._scaler.transform(self.embed(texts)) @ self._weight + self._bias, np.float64)
