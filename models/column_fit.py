"""Fitting one column: few records of a new model, and what the columns of other models say beforehand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

Array = npt.NDArray[np.float64]

_OWN = 0.3  # of the spread among the known columns: what a model may be of its own, beside a large pool
_LEVEL = 0.5  # in log-odds or in log units: how far off all known levels a model may be
_NOISE = np.geomspace(3e-3, 3.0, 16)  # variances among which the likeliest is taken
_STEPS = 50


@dataclass(frozen=True, eq=False)
class ColumnPrior:
    """What is known of a column before its model was run: a normal distribution about the pool's mean.

    Its covariance is that of the known columns, for models differ from one another in few ways, with some of
    the spread in each weight alone, and a level that is free.

    Args:
        mean: ``(n_inputs,)``.
        factor: ``(n_inputs, r)``; the covariance is ``factor @ factor.T``.
        level: The change of a column that moves all that it says by one, ``(n_inputs,)``.
    """

    mean: Array
    factor: Array
    level: Array

    @classmethod
    def of(cls, columns: Array, level: Array, *, members: int = 1) -> ColumnPrior:
        """The prior that the columns of a pool give (empirical Bayes: Efron and Morris 1975).

        Args:
            columns: Of the known models, ``(n_inputs, n_models)``.
            level: The change of a column that moves all that it says by one, ``(n_inputs,)``.
            members: Of the network, whose mean a column gives: a model's own ways show in all of them.

        >>> ColumnPrior.of(np.array([[1.0, 3.0]]), np.array([1.0])).mean.tolist()
        [2.0]
        """
        n = columns.shape[1]
        mean = columns.mean(1)
        away = columns - mean[:, None]
        # One more column, as far off as the mean is large: two models say little of how far models spread.
        alone = np.sqrt(((away**2).sum(1) + (mean**2 + (mean**2).mean()) / 2) / n)
        shared = away / np.sqrt(max(n - 1, 1))
        # What few models share says little of the next one: the fewer they are, the more it may differ.
        own = np.sqrt((_OWN**2 + 1 / n) * members) * alone
        return cls(mean, np.column_stack([shared, np.diag(own), _LEVEL * level]), level)


def fit_score(
    inputs: Array, score: Array, prior: ColumnPrior, *, gain: Array | float = 1.0, offset: Array | float = 0.0
) -> Array:
    """The likeliest column of log-odds, ``(n_inputs,)``, after scores in [0, 1] were seen.

    Logistic regression with soft labels under the prior, by Newton's method: the objective is convex.

    Args:
        inputs: ``(n_prompts, n_inputs)``.
        score: ``(n_prompts,)``.
        prior: What is known beforehand.
        gain: What the log-odds of each prompt are multiplied with, ``(n_prompts,)``.
        offset: What is added then.
    """
    gains = np.broadcast_to(gain, score.shape)
    fixed = (inputs @ prior.mean) * gains + offset
    slopes, right = _spanned((inputs @ prior.factor) * gains[:, None])

    def loss(at: Array) -> float:
        z = fixed + slopes @ at
        return float((np.logaddexp(0, z) - score * z).sum() + at @ at / 2)

    found = np.zeros(slopes.shape[1])
    now = loss(found)
    for _ in range(_STEPS):
        p = expit(fixed + slopes @ found)
        gradient = slopes.T @ (p - score) + found
        curvature = (slopes.T * (p * (1 - p))) @ slopes + np.eye(len(found))
        step = np.linalg.solve(curvature, gradient)
        while (after := loss(found - step)) > now and np.abs(step).max() > 1e-9:
            step = step / 2
        if not now - after > 1e-10:
            break
        found, now = found - step, after
    column: Array = prior.mean + prior.factor @ (right.T @ found)
    return column


def _spanned(slopes: Array) -> tuple[Array, Array]:
    """The same slopes by fewer unknowns, and these unknowns' directions.

    The likeliest weights lie in the span of what was measured: as many unknowns as prompts are enough.
    """
    left, size, right = np.linalg.svd(slopes, full_matrices=False)
    return left * size, right


def standard_error(
    inputs: Array,
    column: Array,
    prior: ColumnPrior,
    *,
    gain: Array | float = 1.0,
    offset: Array | float = 0.0,
) -> float:
    """How far off the log-odds of a fitted column are, on a prompt like those that it was fitted to.

    The curvature of the objective at its minimum gives the covariance of the column (Laplace). Each prompt is
    judged by what the others tell, root mean square over the prompts: by what all tell, those that were
    scored would look better known than those that were not.

    Args:
        inputs: ``(n_prompts, n_inputs)``, at least one prompt.
        column: As `fit_score` found it.
        prior: What was known beforehand.
        gain: What the log-odds of each prompt were multiplied with, ``(n_prompts,)``.
        offset: What was added then.

    >>> prior = ColumnPrior(np.zeros(1), np.ones((1, 1)), np.ones(1))
    >>> [round(standard_error(np.ones((n, 1)), np.zeros(1), prior), 2) for n in (1, 10, 1000)]
    [1.0, 0.55, 0.06]
    """
    gains = np.broadcast_to(gain, len(inputs))
    p = expit((inputs @ column) * gains + offset)
    told = p * (1 - p)
    slopes, _ = _spanned((inputs @ prior.factor) * gains[:, None])
    covariance = np.linalg.inv((slopes.T * told) @ slopes + np.eye(slopes.shape[1]))
    variance = np.einsum("pi,ij,pj->p", slopes, covariance, slopes)
    without = variance / (1 - told * variance)
    return float(np.sqrt((without / gains**2).mean()))


def fit_log(inputs: Array, value: Array, prior: ColumnPrior) -> Array:
    """The likeliest column of logarithms, ``(n_inputs,)``, after some were seen.

    Ridge regression under the prior, with the noise that the records make likeliest. A logarithm predicts a
    median: the level is then moved so that predicted and recorded values have one mean (smearing, Duan 1983).

    Args:
        inputs: ``(n_prompts, n_inputs)``.
        value: Logarithms, ``(n_prompts,)``.
        prior: What is known beforehand.
    """
    if not len(value):
        return prior.mean
    left, size, right = np.linalg.svd(inputs @ prior.factor, full_matrices=False)
    rest = value - inputs @ prior.mean
    along = left.T @ rest
    beside = max(float(rest @ rest - along @ along), 0.0)

    def evidence(noise: float) -> float:
        seen = size**2 + noise
        determinant = np.log(seen).sum() + (len(value) - len(size)) * np.log(noise)
        return -float((along**2 / seen).sum() + beside / noise + determinant)

    noise = max(_NOISE, key=evidence)
    column = prior.mean + prior.factor @ (right.T @ (size / (size**2 + noise) * along))
    predicted = inputs @ column
    smearing = np.log(np.exp(value).mean() / np.exp(predicted).mean())
    return np.asarray(column + smearing * prior.level)
