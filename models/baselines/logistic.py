"""A logistic regression for each model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from routoo.models.baselines.base_learner import Array, EmbeddingLearner, Floats, Recorded

_PENALTIES = (1.0, 0.3, 0.1, 0.03)  # of half the squared weights, beside the mean loss
_HELD_OUT = 0.2


class LogisticRegressions(EmbeddingLearner):
    """A logistic regression for each model, on standardised embeddings, with a ridge penalty.

    All models have the penalty that serves best on a fifth of the prompts held out.
    """

    def learn(self, known: Recorded) -> None:
        """Fits the regressions.

        Raises:
            InputError: There is one prompt.
        """
        known.require_two("a logistic regression")
        vectors = self.embed(known.texts)
        self._scaler = StandardScaler().fit(vectors)
        x, y = self._scaler.transform(vectors), known.score
        fit_x, held_x, fit_y, held_y = train_test_split(x, y, test_size=_HELD_OUT, random_state=0)

        def loss(penalty: float) -> float:
            p = _probability(held_x, *_regressions(fit_x, fit_y, penalty)).clip(1e-3, 1 - 1e-3)
            return float(-np.nansum(held_y * np.log(p) + (1 - held_y) * np.log(1 - p)))

        self._fitted = _regressions(x, y, min(_PENALTIES, key=loss))

    def expected(self, texts: list[str], domains: Sequence[str | None]) -> Array:
        """The regressions' probabilities."""
        return _probability(self._scaler.transform(self.embed(texts)), *self._fitted)


def _regressions(x: Floats, score: Array, penalty: float) -> tuple[Array, Array]:
    """Weights ``(width, n_models)`` and intercepts ``(n_models,)``."""
    fits = [_regression(x[~np.isnan(y)], y[~np.isnan(y)], penalty) for y in score.T]
    return np.concatenate([fit.coef_ for fit in fits]).T, np.concatenate([fit.intercept_ for fit in fits])


def _regression(x: Floats, y: Array, penalty: float) -> LogisticRegression:
    """One model's regression: a score counts as that share of a success, and the rest as a failure.

    One more prompt, of mean features, has come out half and half, so that there are both.
    """
    x, y = np.vstack([x, np.zeros((1, x.shape[1]), x.dtype)]), np.append(y, 0.5)
    success, share = np.repeat([1, 0], len(y)), np.concatenate([y, 1 - y])
    seen = np.flatnonzero(share)
    fit = LogisticRegression(C=1 / (penalty * len(y)), max_iter=1000)
    return fit.fit(x[seen % len(y)], success[seen], sample_weight=share[seen])


def _probability(x: Floats, weight: Array, bias: Array) -> Array:
    return np.asarray(expit(x @ weight + bias), np.float64)
