"""Output tokens and latency: linear heads on what the network sees of a prompt, solved in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

if TYPE_CHECKING:
    from routoo.models.network.heads import Heads
    from routoo.models.training.targets import Targets

Array = npt.NDArray[np.float64]

_STRENGTHS = (3.0, 30.0, 300.0, 3000.0)


def fit_usage(
    heads: Heads,
    hidden: Array,
    targets: Targets,
    *,
    held: npt.NDArray[np.bool_],
    learn_held: bool = True,
) -> dict[str, float]:
    """Fits the heads of output tokens and latency anew, by ridge regression of the logs; returns how well.

    Whatever epoch of the scores is kept, these are then at their best. A factor on each model's
    predictions makes their mean the recorded mean (Duan 1983, smearing): a log predicts too little.
    A model of which nothing was recorded is taken to be as the others are on average.

    Args:
        heads: Trained; those of tokens and latency are fitted anew.
        hidden: What each member's hidden layer says of the prompts, ``(members, n_prompts, width)``.
        targets: Recorded usage of the same prompts.
        held: Prompts on which the strength of the ridge is chosen, ``(n_prompts,)``.
        learn_held: Whether these are then learned from too.

    Returns:
        Share of the variance of the log within each model that is explained on the held prompts, by output.
    """
    explained = {}
    for name, head, recorded in (
        ("output_tokens", heads.tokens, targets.log_tokens),
        ("latency_s", heads.latency, targets.log_latency),
    ):
        if head is None or recorded is None:
            continue
        known = recorded.astype(np.float64)
        tried = [_share_explained(_predict(hidden, known, ~held, s)[held], known[held]) for s in _STRENGTHS]
        best = int(np.argmax(tried))
        rows = np.ones(len(known), bool) if learn_held else ~held
        weight, bias = _ridge(hidden, known, rows, _STRENGTHS[best])
        bias += _smearing((hidden[:, rows] @ weight + bias[:, None]).mean(0), known[rows])
        unknown = np.isnan(known).all(0)
        if unknown.any():
            weight[..., unknown] = weight[..., ~unknown].mean(-1, keepdims=True)
            bias[:, unknown] = bias[:, ~unknown].mean(-1, keepdims=True)
        with torch.no_grad():
            head.weight.copy_(torch.from_numpy(weight))
            head.bias.copy_(torch.from_numpy(bias[:, None]))
        explained[f"val_{name}_explained"] = float(tried[best])
    return explained


def ridge(inputs: Array, target: Array, strength: float) -> tuple[Array, Array]:
    """Weights ``(n_inputs, n_models)`` and levels ``(n_models,)`` of penalised least squares.

    Args:
        inputs: ``(n_prompts, n_inputs)``.
        target: ``(n_prompts, n_models)``, NaN where missing; an empty column gets the overall mean.
        strength: Penalty on the squared weights; levels are free.
    """
    known = ~np.isnan(target)
    weight = np.zeros((inputs.shape[1], target.shape[1]))
    level = np.full(target.shape[1], target[known].mean() if known.any() else 0.0)
    patterns, which = np.unique(known, axis=1, return_inverse=True)
    for at, rows in enumerate(patterns.T):
        columns = np.flatnonzero(which.ravel() == at)
        if not rows.any():
            continue
        x, y = inputs[rows], target[np.ix_(rows, columns)]
        centre, mean = x.mean(0), y.mean(0)
        x = x - centre
        gram = x.T @ x
        gram.flat[:: len(gram) + 1] += strength
        solved = np.linalg.solve(gram, x.T @ (y - mean))
        weight[:, columns], level[columns] = solved, mean - centre @ solved
    return weight, level


def _ridge(hidden: Array, target: Array, rows: npt.NDArray[np.bool_], strength: float) -> tuple[Array, Array]:
    """Weights ``(members, width, n_models)`` and levels ``(members, n_models)``."""
    solved = [ridge(member[rows], target[rows], strength) for member in hidden]
    return np.stack([weight for weight, _ in solved]), np.stack([level for _, level in solved])


def _predict(hidden: Array, target: Array, rows: npt.NDArray[np.bool_], strength: float) -> Array:
    weight, level = _ridge(hidden, target, rows, strength)
    return np.asarray((hidden @ weight + level[:, None]).mean(0))


def _share_explained(guess: Array, target: Array) -> float:
    known = ~np.isnan(target)
    if not known.any():
        return 0.0
    count = known.sum(0).clip(1)
    centred = np.where(known, target - np.where(known, target, 0).sum(0) / count, 0)
    return 1 - float((np.where(known, guess - target, 0) ** 2).sum() / max((centred**2).sum(), 1e-12))


def _smearing(log_guess: Array, log_known: Array) -> Array:
    """Log of the factor that makes each model's mean prediction its mean record."""
    known = ~np.isnan(log_known)
    recorded = np.where(known, np.exp(np.where(known, log_known, 0)), 0).sum(0)
    predicted = np.where(known, np.exp(log_guess), 0).sum(0)
    return np.where(known.any(0), np.log(recorded.clip(1e-9) / predicted.clip(1e-9)), 0.0)
