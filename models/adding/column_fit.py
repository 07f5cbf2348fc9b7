"""What a new model is like, given a few of its scores and what models of the pool are like."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve

from routoo.models.evidence.gaps import filled_in

Array = npt.NDArray[np.float64]

_MOST_COMPONENTS = 32
_WIDENED = (0.3, 1.0, 3.0)
_OWN = (0.0, 0.03, 0.3)
"""What is tried for the prior variance: of how a new model differs from the pool's, times theirs; and of what
is its own, over the noise."""


@dataclass(frozen=True, eq=False)
class Known:
    """What the pool says of the prompts on which a new model was scored.

    Args:
        directions: The evidence heads' directions of each prompt, ``(n_prompts, n_directions)``.
        attributes: What its attributes are beyond what was guessed, ``(n_prompts, n_values)``.
        level: Level of each model of the pool, ``(n_models,)``.
        weight: Directions to the models' scores, ``(n_directions, n_models)``.
        told: Attributes to the same, ``(n_values, n_models)``.
        noise: Covariance of their scores beyond that.
        score: What they achieved on the prompts, ``(n_prompts, n_models)``; NaN where not recorded.
    """

    directions: Array
    attributes: Array
    level: Array
    weight: Array
    told: Array
    noise: Array
    score: Array


@dataclass(frozen=True, eq=False)
class NewColumn:
    """A new model: its level, weights and table, as in `Known` for one model.

    Args:
        level: Its level.
        weight: ``(n_directions,)``.
        told: ``(n_values,)``.
        doubt: Variance of its expected score on a prompt, on average.
        loading: What of each model of the pool it is made of, ``(n_models,)``.
        noise: Variance of its scores beyond what is predicted.
    """

    level: float
    weight: Array
    told: Array
    doubt: float
    loading: Array
    noise: float


def fit_column(known: Known, score: Array) -> NewColumn:
    """The posterior mean of a new model's column.

    The scores of the pool are taken for a few components of their covariance. A model is a level and a
    loading on each component, drawn as those of the pool were; a table of attributes, likewise; and weights
    of its own. Where models of the pool were scored on the same prompts, the components are those that were
    seen there: a prompt that they found easy or hard counts as that. How far a new model may differ, and how
    much is its own, is averaged by evidence.

    Args:
        known: The pool on the prompts.
        score: Of the new model, ``(n_prompts,)``.
    """
    expected = known.directions @ known.weight
    recorded = ~np.isnan(known.score)
    seen = np.where(recorded, known.score - known.level, 0.0)
    values = filled_in(seen, recorded, expected, known.noise) if recorded.any() else expected
    components = _Components.of(expected, known.noise)
    prior = _Prior.of(known, components)
    noise = float(np.diag(known.noise).mean())
    design = np.hstack(
        [np.ones((len(score), 1)), values @ components.map, known.attributes, known.directions]
    )
    sums = _Sums(design.T @ design, design.T @ (score - design @ prior.mean), len(score))
    residual = float(((score - design @ prior.mean) ** 2).sum())
    tried = [
        _posterior(sums, residual, prior.variance(widened, own * noise), noise)
        for widened in _WIDENED
        for own in _OWN
    ]
    belief = np.exp(np.array([each.evidence for each in tried]) - max(each.evidence for each in tried))
    belief /= belief.sum()
    mean = prior.mean + sum(share * each.mean for share, each in zip(belief, tried, strict=True))
    at_service = design.copy()
    at_service[:, components.columns] = expected @ components.map
    doubt = sum(
        share * ((at_service @ each.covariance) * at_service).sum(1).mean()
        for share, each in zip(belief, tried, strict=True)
    )
    loading = components.map @ mean[components.columns]
    n_told = known.attributes.shape[1]
    own_at = 1 + components.map.shape[1] + n_told
    return NewColumn(
        level=float(mean[0]),
        weight=known.weight @ loading + mean[own_at:],
        told=mean[own_at - n_told : own_at],
        doubt=float(doubt),
        loading=loading,
        noise=noise,
    )


@dataclass(frozen=True, eq=False)
class _Components:
    """Components of the pool's scores, of unit variance.

    Args:
        map: Deviations of the models' scores to components, ``(n_models, n_components)``.
        loadings: How much of each component is in each model, the same shape.
    """

    map: Array
    loadings: Array
    columns: slice = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", slice(1, 1 + self.map.shape[1]))

    @classmethod
    def of(cls, expected: Array, noise: Array) -> _Components:
        """Those of what is predicted for some prompts, with the noise."""
        centred = expected - expected.mean(0)
        lengths, directions = np.linalg.eigh(centred.T @ centred / len(expected) + noise)
        root = np.sqrt(np.maximum(lengths, 1e-9))[::-1][:_MOST_COMPONENTS]
        directions = directions[:, ::-1][:, :_MOST_COMPONENTS]
        return cls(directions / root, directions * root)


@dataclass(frozen=True, eq=False)
class _Prior:
    """What models of the pool are like: level, loadings, table; and nothing of a model's own."""

    mean: Array
    deviation: Array
    n_own: int

    @classmethod
    def of(cls, known: Known, components: _Components) -> _Prior:
        models = np.hstack([known.level[:, None], components.loadings, known.told.T])
        n_own = known.directions.shape[1]
        deviation = models.std(0, ddof=1) if len(models) > 1 else np.abs(models[0]) + 0.1
        return cls(np.concatenate([models.mean(0), np.zeros(n_own)]), np.maximum(deviation, 1e-3), n_own)

    def variance(self, widened: float, own: float) -> Array:
        """Prior variances, where models differ so much more, and so much is their own."""
        return np.concatenate([widened * self.deviation**2, np.full(self.n_own, max(own, 1e-12))])


@dataclass(frozen=True, eq=False)
class _Sums:
    gram: Array
    products: Array
    n: int


@dataclass(frozen=True, eq=False)
class _Posterior:
    mean: Array
    covariance: Array
    evidence: float


def _posterior(sums: _Sums, residual: float, variance: Array, noise: float) -> _Posterior:
    """Mean and covariance of weights of normal prior, and the log evidence but for a constant."""
    root = np.sqrt(variance)
    scaled = np.eye(len(root)) + sums.gram * root * root[:, None] / noise
    factor = cho_factor(scaled, lower=True)
    target = root * sums.products / noise
    solved = cho_solve(factor, target)
    log_determinant = 2 * float(np.log(np.diag(factor[0])).sum())
    evidence = 0.5 * float(target @ solved) - 0.5 * log_determinant - 0.5 * residual / noise
    return _Posterior(root * solved, root[:, None] * cho_solve(factor, np.eye(len(root))) * root, evidence)


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
