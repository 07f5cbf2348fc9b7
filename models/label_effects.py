"""What labels say at first, before heads learn: read off the outcomes of training."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from routoo.models.training.targets import Array, Targets

_ROUNDS = 3
_STRENGTH = 20.0


def label_effects(targets: Targets, base: Array) -> tuple[Array, Array]:
    """What each value of each label adds to log-odds beside the domain, and the variance of that.

    Both are ``(n_values, n_models)``, one label below the other. Labels may say the same of a prompt: each is
    fitted in turn to what the others leave, by a step of Newton's method that is shrunk as if by 20 further
    prompts on which the value makes no difference.

    Args:
        targets: Of the prompts that are trained on, with labels.
        base: Log-odds per domain and model, as `shrunk_log_odds` has them.
    """
    known, score = ~np.isnan(targets.score), np.nan_to_num(targets.score)
    start = np.broadcast_to(base[0], score.shape)
    if len(targets.domains):
        start = np.where(targets.domain[:, None] >= 0, base[targets.domain], base.mean(0))
    effects = [np.zeros((label.n_values, score.shape[1])) for label in targets.labels]
    variances = [np.zeros_like(effect) for effect in effects]
    numbers = _columns(targets)
    rows = [np.maximum(column, 0) for column in numbers]
    has = [(column >= 0)[:, None] for column in numbers]
    for _ in range(_ROUNDS):
        for at, effect in enumerate(effects):
            p = expit(start + sum(e[r] * h for e, r, h in zip(effects, rows, has, strict=True)))
            counted = known & has[at]
            missed, curvature = np.zeros_like(effect), np.full_like(effect, _STRENGTH / 4)
            np.add.at(missed, rows[at], np.where(counted, score - p, 0.0))
            np.add.at(curvature, rows[at], np.where(counted, p * (1 - p), 0.0))
            effect += (missed - _STRENGTH / 4 * effect) / curvature
            variances[at] = 1 / curvature
    return np.concatenate(effects).astype(np.float32), np.concatenate(variances).astype(np.float32)


def domain_odds(targets: Targets) -> Array:
    """How much likelier each domain is where a label has a value, as a logarithm, ``(n_values, n_domains)``.

    Counts of each value are shrunk as if by 20 further prompts of the usual domains.

    Args:
        targets: Of the prompts that are trained on, with labels.
    """
    n_domains = len(targets.domains)
    named = targets.domain >= 0
    usual = (np.bincount(targets.domain[named], minlength=n_domains) + 1.0) / (named.sum() + n_domains)
    odds = []
    for label, numbers in zip(targets.labels, _columns(targets), strict=True):
        counts = np.zeros((label.n_values, n_domains))
        both = named & (numbers >= 0)
        np.add.at(counts, (numbers[both], targets.domain[both]), 1.0)
        shrunk = (counts + _STRENGTH * usual) / (counts.sum(1, keepdims=True) + _STRENGTH)
        odds.append(np.log(shrunk / usual))
    return np.concatenate(odds).astype(np.float32)


def _columns(targets: Targets) -> list[npt.NDArray[np.int64]]:
    """Numbers of the values of each label, of all prompts."""
    return [] if targets.label is None else list(targets.label.T)
