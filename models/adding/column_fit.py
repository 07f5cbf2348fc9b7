"""What a new model is like, given a few of its scores and what models of the pool are like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import softmax

from routoo.models.gaps import Array, filled_in

_OWN = (1.0, 10.0)
"""What is tried for how much of a new model is its own, times what is the own of models of the pool."""

_LEAST = 1e-6  # of a variance


@dataclass(frozen=True, eq=False)
class Known:
    """What the pool says of the prompts on which a new model was scored.

    Args:
        directions: The evidence heads' directions of each prompt, ``(n_prompts, n_directions)``.
        attributes: Its attributes, observed less inferred, ``(n_prompts, n_values)``.
        level: Level of each model of the pool, ``(n_models,)``.
        weight: Directions to the models' scores, ``(n_directions, n_models)``.
        table: Attributes to the same, ``(n_values, n_models)``.
        noise: Covariance of their scores beyond that.
        score: What they achieved on the prompts, ``(n_prompts, n_models)``; NaN where not recorded.
    """

    directions: Array
    attributes: Array
    level: Array
    weight: Array
    table: Array
    noise: Array
    score: Array


@dataclass(frozen=True, eq=False)
class NewColumn:
    """A new model: its level, weights and table, as in `Known` for one model.

    Args:
        level: Its level.
        weight: ``(n_directions,)``.
        table: ``(n_values,)``.
        doubt: Variance of its expected score on a prompt, on average.
        noise: Covariance of the scores beyond what is predicted, the new model's last: its own variance is
            the pool's mean, and no less than its covariances need.
    """

    level: float
    weight: Array
    table: Array
    doubt: float
    noise: Array


def fit_column(known: Known, score: Array) -> NewColumn:
    """The posterior mean of a new model's column.

    A model is a level and a loading on each factor that models of the pool share, drawn together as those of
    the pool were; a table of attributes, each value by itself; and weights of its own, as far as theirs are
    beyond the factors.
    Where models of the pool were scored on the same prompts, the factors are those that were seen there: a
    prompt that they found easy or hard counts as that. How much is its own is averaged by evidence.

    Args:
        known: The pool on the prompts.
        score: Of the new model, ``(n_prompts,)``.
    """
    expected = known.directions @ known.weight
    common = known.noise + _LEAST * np.eye(len(known.noise))
    factors = _Factors(expected, common)
    recorded = ~np.isnan(known.score)
    deviation = filled_in(known.score - known.level, recorded, expected, common)
    beyond = (deviation - expected) @ factors.gain
    prior = _Prior(known, factors)
    at_service = expected @ factors.map
    shared = np.hstack([np.ones((len(score), 1)), at_service + beyond, known.attributes])
    design = np.hstack([shared @ prior.root, known.directions * prior.own])
    n_shared = len(prior.mean)
    deviations = [np.sqrt(np.repeat([1.0, own], [n_shared, len(prior.own)])) for own in _OWN]
    noise = factors.typical_noise(beyond)
    found, covariance = _posterior(design, score - shared @ prior.mean, deviations, noise)
    made = prior.mean + prior.root @ found[:n_shared]
    loading = made[1 : 1 + factors.loadings.shape[1]]
    shared[:, 1 : 1 + len(loading)] = at_service
    design[:, :n_shared] = shared @ prior.root
    with_pool = (factors.loadings @ factors.noise @ loading)[:, None]
    least = 1.01 * float(with_pool[:, 0] @ np.linalg.lstsq(known.noise, with_pool[:, 0])[0])
    own = np.array([[max(float(np.diag(common).mean()), least)]])
    return NewColumn(
        level=float(made[0]),
        weight=known.weight @ factors.map @ loading + prior.own * found[n_shared:],
        table=made[1 + len(loading) :],
        doubt=float(((design @ covariance) * design).sum(1).mean()),
        noise=np.block([[known.noise, with_pool], [with_pool.T, own]]),
    )


class _Factors:
    """Factors of the pool's scores: a deviation is ``factors @ loadings.T`` and what is a model's own.

    A model's own is what a regression on the others leaves of it (Guttman 1953), less the more the fewer they
    are (Jöreskog 1963); factors are what stands out beside it. `map` leads from expected deviations to
    expected factors, `gain` from deviations beyond these to factors beyond those, of covariance `noise`.
    """

    def __init__(self, expected: Array, noise: Array) -> None:
        centred = expected - expected.mean(0)
        covariance = noise + centred.T @ centred / len(expected)
        own = (1 - 0.5 / len(noise)) / np.diag(np.linalg.inv(covariance))
        own = np.minimum(own, np.diag(noise))
        root = np.sqrt(own)[:, None]
        lengths, directions = np.linalg.eigh(covariance / root / root.T)
        kept = lengths > 1
        size, directions = np.sqrt(lengths[kept] - 1), directions[:, kept]
        self.own, self.loadings, self.map = own, root * directions * size, directions / root / size
        squares, axes = np.linalg.eigh(self.map.T @ (noise - np.diag(own)) @ self.map)
        self.noise = (axes * np.maximum(squares, 0.0)) @ axes.T
        shared = self.loadings @ self.noise
        self.gain = np.linalg.solve(shared @ self.loadings.T + np.diag(own), shared)

    def typical_noise(self, beyond: Array) -> float:
        """Noise of a model on average, where the factors are known to be `beyond` what is expected."""
        whole = float(((self.loadings @ self.noise) * self.loadings).sum(1).mean())
        seen = float(((beyond @ self.loadings.T) ** 2).mean())
        return float(self.own.mean()) + max(whole - seen, 0.0)


class _Prior:
    """What models are like by those of the pool, and by one more of which nothing is known but their sizes.

    `mean` and `root`, a square root of the covariance, are of level, loadings and table side by side; `own`
    is the standard deviation of each weight of a model's own.
    """

    def __init__(self, known: Known, factors: _Factors) -> None:
        n = len(known.level)
        models = np.hstack([known.level[:, None], factors.loadings, known.table.T])
        self.mean = models.mean(0)
        away = models - self.mean
        covariance = (away.T @ away + np.diag((models**2).mean(0) + _LEAST)) / n
        table = np.arange(len(away.T)) >= len(away.T) - len(known.table)
        apart = (table[:, None] | table) & ~np.eye(len(table), dtype=bool)
        covariance[apart] = 0.0  # a value that was never observed does not follow from the rest
        own = known.weight - known.weight @ factors.map @ factors.loadings.T
        variance = ((own**2).sum(1) + (known.weight**2).mean(1) / n) / n
        self.root, self.own = np.linalg.cholesky(covariance), np.sqrt(variance)


def _posterior(design: Array, left: Array, deviations: Sequence[Array], noise: float) -> tuple[Array, Array]:
    """Mean and covariance of weights, averaged by evidence over what their prior deviations may be."""
    gram, products, identity = design.T @ design, design.T @ left, np.eye(design.shape[1])
    means, covariances, evidence = [], [], []
    for root in deviations:
        factor = cho_factor(identity + gram * root * root[:, None] / noise, lower=True)
        target = root * products / noise
        solved = cho_solve(factor, target)
        means.append(root * solved)
        covariances.append(root[:, None] * cho_solve(factor, identity) * root)
        evidence.append(0.5 * float(target @ solved) - float(np.log(np.diag(factor[0])).sum()))
    belief = softmax(evidence)
    return np.tensordot(belief, means, 1), np.tensordot(belief, covariances, 1)


def fit_log(expected: Array, recorded: Array) -> tuple[float, float]:
    """Shift and slope from what the pool uses on average to what a new model does, in logs.

    Args:
        expected: Mean over the pool of the predicted logs, ``(n_prompts,)``.
        recorded: Logs of what the model used, the same shape.
    """
    centre = float(expected.mean())
    away = expected - centre
    error = float(np.var(recorded - expected)) + 1e-3
    slope = (0.3**-2 + float(away @ (recorded - recorded.mean())) / error) / (
        0.3**-2 + float(away @ away) / error
    )
    shift = float(recorded.mean()) - slope * centre
    missed = np.exp(recorded).mean() / np.exp(shift + slope * expected).mean()
    return shift + float(np.log(missed)), slope
