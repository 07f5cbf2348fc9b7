"""Fits what can be seen of answers, given which of them are right, on answers whose scores are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import betaln, expit, ndtr, ndtri, xlogy

from routoo.data.observation import ObservationModel
from routoo.models.signals.generation import Vector
from routoo.models.signals.left_out import log_odds

Codes = npt.NDArray[np.int64]

_LEVELS = 3
_QUANTILES = 24
"""Levels begin at quantiles of so many equal shares."""
_LEVEL_STRENGTH = 3.0
"""Answers by which the shares of levels of right and of wrong ones are shrunk towards those of all."""
_ANSWERS = 200_000
"""That loadings are fitted on at most, which takes some seconds."""
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(25)
_START, _MOST = 0.5, 1.8  # of the inverse hyperbolic tangent of a loading
_LOADING_STD = 0.4
"""Of the same about the mean of all models: a prior that a hundred prompts outweigh."""
_CERTAIN = 0.005
_NEWTON = 8
_STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)


def fit_observation(
    models: Sequence[str],
    *,
    p_correct: Vector,
    score: Vector,
    log_ratio: Vector,
    codes: Codes,
    seed: int = 0,
) -> ObservationModel:
    """The observation model of recorded answers.

    Loadings and their slope maximise the marginal likelihood of the scores (the factor integrated out by
    Gauss-Hermite quadrature at 25 nodes; on at most 200,000 answers), with a normal prior of standard
    deviation 0.4 of their inverse hyperbolic tangents about the mean; their sum is not negative. Levels are
    the three ranges of a model's log ratio, bounded by quantiles, that tell most of what is right; their
    shares are those of answers that were as likely to be right by prediction (overlap weights), and the same
    for right and wrong answers of a model without signals. The rates at which two models agree are
    beta-distributed about those of all pairs, as closely as maximises the marginal likelihood (empirical
    Bayes); how those of wrong answers rise with what was expected is fitted over all pairs.

    Args:
        models: The models.
        p_correct: What was expected of each answer by a predictor that had not seen the prompt,
            ``(n_prompts, n_models)``.
        score: What it achieved, in 0..1, the same shape; NaN where it is not known, which masks the cell.
        log_ratio: What its signals say (`AnswerModel.log_ratio`), the same shape; NaN where it has none.
        codes: Which answers are the same (`answer_codes`), the same shape.
        seed: Of the choice of prompts.
    """
    levels = [_levels(*of) for of in zip(log_ratio.T, score.T, p_correct.T, strict=True)]
    chosen = np.random.default_rng(seed).permutation(len(score))[: -(-_ANSWERS // len(models))]
    loading, loading_slope = _loading(p_correct[chosen], score[chosen])
    agreement = _agreement(score, codes)
    even, slope = _even_odds(
        agreement[..., 0], score[chosen], codes[chosen], p_correct[chosen].clip(_CERTAIN, 1 - _CERTAIN)
    )
    return ObservationModel(
        models=tuple(models),
        loading=loading,
        loading_slope=loading_slope,
        level_right=np.array([right for right, _ in levels]),
        level_wrong=np.array([wrong for _, wrong in levels]),
        agreement=np.concatenate([even[:, :, None], agreement[..., 1:]], axis=2),
        agreement_slope=slope,
        n_prompts=len(score),
    )


def _loading(p_correct: Vector, score: Vector) -> tuple[Vector, float]:
    """How far the score of each model follows the factor that all share, ``(n_models,)``, and the slope."""
    n = score.shape[1]
    if n == 1:
        return np.zeros(1), 0.0  # which nothing tells: its mean is the same whatever the loading
    known = ~np.isnan(score)[:, :, None]
    right = np.nan_to_num(score)[:, :, None]
    level = ndtri(p_correct.clip(_CERTAIN, 1 - _CERTAIN))[:, :, None]
    log_weights = np.log(_WEIGHTS / _WEIGHTS.sum())

    def loss(values: Vector) -> tuple[float, Vector]:
        of_models, slope = values[:-1], values[-1]
        r = np.tanh(of_models[:, None] + slope * level)
        spread = np.sqrt(1 - r**2)
        z = (level + r * _NODES) / spread
        p = ndtr(z).clip(1e-9, 1 - 1e-9)
        joint = np.where(known, right * np.log(p) + (1 - right) * np.log1p(-p), 0).sum(1) + log_weights
        most = joint.max(1, keepdims=True)
        weight = np.exp(joint - most)
        total = weight.sum(1, keepdims=True)
        by_p = np.where(known, (right - p) / (p * (1 - p)), 0)
        by_z = by_p * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
        by_r = (by_z * (_NODES + z * r / spread) / spread * (weight / total)[:, None]).sum(2)
        by_tanh = by_r * (1 - r[..., 0] ** 2)
        away = (of_models - of_models.mean()) / _LOADING_STD
        value = (np.log(total) + most).sum() - away @ away / 2 - slope**2 / 2
        gradient = np.append(by_tanh.sum(0) - away / _LOADING_STD, (by_tanh * level[..., 0]).sum() - slope)
        return -float(value), -gradient

    bounds = [(-_MOST, _MOST)] * n + [(-1.0, 1.0)]
    start = np.append(np.full(n, _START), 0.0)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    loading, slope = np.tanh(found[:-1]), float(found[-1])
    return (loading, slope) if loading.sum() >= 0 else (-loading, -slope)  # a factor turned round is the same


def _levels(log_ratio: Vector, score: Vector, p_correct: Vector) -> tuple[Vector, Vector]:
    """Shares of a model's right and of its wrong answers at each level, ``(n_levels,)`` each."""
    known = ~np.isnan(log_ratio) & ~np.isnan(score)
    x, weights = log_ratio[known], _overlap(score[known], p_correct[known])
    level = np.searchsorted(_telling_cuts(x, weights), x, side="right")
    counts = [np.bincount(level, weight, _LEVELS) for weight in weights]
    overall = (counts[0] + counts[1] + 1) / (weights.sum() + _LEVELS)
    first, second = ((n + _LEVEL_STRENGTH * overall) / (n.sum() + _LEVEL_STRENGTH) for n in counts)
    return first, second


def _overlap(score: Vector, p_correct: Vector) -> Vector:
    """Weights of answers as right and as wrong ones, with which both are as likely to be right by prediction.

    Overlap weights (Li, Morgan and Zaslavsky 2018): what one knows from the prompt is no news in an answer.
    """
    p = p_correct.clip(_CERTAIN, 1 - _CERTAIN)
    return np.stack([score * (1 - p), (1 - score) * p])


def _telling_cuts(x: Vector, weights: Vector) -> Vector:
    """The two cuts, of all quantiles, whose levels tell most of what is right (mutual information)."""
    order = np.argsort(x, kind="stable")
    cuts = np.unique(x[order][np.arange(1, _QUANTILES) * len(x) // _QUANTILES]) if len(x) else np.zeros(1)
    sums = np.pad(np.cumsum(weights[:, order], axis=1), ((0, 0), (1, 0)))
    first, second = np.triu_indices(len(cuts))
    below = sums[:, np.searchsorted(x[order], cuts)]
    counts = np.stack([below[:, first], below[:, second] - below[:, first], sums[:, [-1]] - below[:, second]])
    tells = xlogy(counts, counts / counts.sum(1, keepdims=True).clip(1e-300)).sum((0, 1))
    at = tells.argmax()
    return np.array([cuts[first[at]], cuts[second[at]]])


def _agreement(score: Vector, codes: Codes) -> Vector:
    """How often two models agree where none, one, or both are right, ``(n_models, n_models, 3)``."""
    n = score.shape[1]
    right, wrong = np.nan_to_num(score), np.nan_to_num(1 - score)
    seen, same = np.empty((2, n, n, 3))
    for at in range(n):
        here, there = right[:, [at]], wrong[:, [at]]
        weight = np.stack([there * wrong, here * wrong + there * right, here * right], axis=2)
        equal = (codes == codes[:, [at]]) & (codes >= 0)
        seen[at], same[at] = weight.sum(0), (weight * equal[:, :, None]).sum(0)
    pairs = np.triu_indices(n, 1)
    return np.stack([_shrunk(seen[..., t], same[..., t], pairs) for t in range(3)], axis=2)


def _even_odds(rate: Vector, score: Vector, codes: Codes, p_correct: Vector) -> tuple[Vector, float]:
    """Rates at which wrong answers agree where both models had even odds, and the slope; see the record.

    The slope is that of a logistic regression on the mean log-odds of both models, over all pairs, each with
    its own rate at the mean of its prompts; its prior is normal about 0 with standard deviation 1.
    """
    wrong, x = np.nan_to_num(1 - score), log_odds(p_correct)
    n = score.shape[1]
    pairs = [(at, wrong[:, [at]] * wrong, (x[:, [at]] + x) / 2) for at in range(n)]
    pairs = [(at, np.where(np.arange(n) == at, 0, weight), mean) for at, weight, mean in pairs]
    totals = np.stack([weight.sum(0) for _, weight, _ in pairs])
    centre = np.stack([(weight * mean).sum(0) for _, weight, mean in pairs]) / totals.clip(1e-12)
    level, slope = log_odds(rate), 0.0
    for _ in range(_NEWTON):
        gradient, curvature = -slope, 1.0
        for at, weight, mean in pairs:
            away = mean - centre[at]
            p = expit(level[at] + slope * away)
            same = (codes == codes[:, [at]]) & (codes >= 0)
            gradient += (weight * (same - p) * away).sum() / 2  # each pair is met twice
            curvature += (weight * p * (1 - p) * away**2).sum() / 2
        slope += gradient / curvature
    return expit(level - slope * centre), float(slope)


def _shrunk(seen: Vector, same: Vector, pairs: tuple[npt.NDArray[np.intp], ...]) -> Vector:
    """Rates of each pair, shrunk towards that of all pairs, which stands on the diagonal."""
    k, m = same[pairs], seen[pairs]
    pool = (k.sum() + 0.5) / (m.sum() + 1)

    def log_likelihood(strength: float) -> float:
        a, b = strength * pool, strength * (1 - pool)
        return float((betaln(k + a, m - k + b) - betaln(a, b)).sum())

    strength = max(_STRENGTHS, key=log_likelihood)
    rate = np.asarray((same + strength * pool) / (seen + strength))
    np.fill_diagonal(rate, pool)
    return rate
