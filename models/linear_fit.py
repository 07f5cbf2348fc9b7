"""Penalised linear maps of features, fitted in full batches, their penalty chosen on prompts held out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from routoo.models.encoder.feature_cache import Features

Loss = Callable[[Tensor, Tensor], Tensor]
"""Mean loss of outputs ``(n, n_outputs)`` for these rows of the prompts."""

_PENALTIES = (1.0, 0.3, 0.1, 0.03, 0.01)
_HELD_OUT = 0.2
_WORSE = 1.001
_LEAST_PROMPTS = 20
_STEPS = 30


@dataclass(frozen=True, eq=False)
class LinearMap:
    """Features to outputs: ``x @ weight + bias``, with ``(n_features, n_outputs)`` and ``(n_outputs,)``."""

    weight: Tensor
    bias: Tensor


def fit_linear_map(
    features: Features, loss: Loss, bias: Tensor, *, rank: int | None = None, seed: int = 0
) -> LinearMap:
    """The map of least mean loss plus a ridge penalty on its standardised weights.

    The penalty is the one that serves best on a fifth of the prompts held out, from the strongest
    on until it serves worse; then the map is fitted on all of them.

    Args:
        features: ``(n_prompts, n_features)``.
        loss: Mean loss of outputs.
        bias: What is said where the features tell nothing, ``(n_outputs,)``: where fitting begins.
        rank: Weights are a product of two matrices of this rank, each with its own penalty.
        seed: Of the prompts held out and of the two matrices.
    """
    mean, std = features.mean(0), features.std(0).clip(1e-6)
    x = torch.from_numpy((features - mean) / std)
    random = torch.Generator().manual_seed(seed)
    start = [bias.clone(), *_weights(x.shape[1], len(bias), rank, random)]
    order = torch.randperm(len(x), generator=random)
    n_held = int(len(x) * _HELD_OUT)
    penalty, best = _PENALTIES[2], float("inf")
    if len(x) >= _LEAST_PROMPTS:
        fitting, held = order[n_held:], order[:n_held]
        begin = start
        for tried in _PENALTIES:
            found = _minimise(x[fitting], fitting, loss, begin, tried)
            value = float(loss(_outputs(found, x[held]), held))
            if value > best * _WORSE:
                break
            if value < best:
                penalty, best, start = tried, value, found
            if rank is None:  # a product that a strong penalty has made zero would stay zero
                begin = found
    bias, *factors = _minimise(x, torch.arange(len(x)), loss, start, penalty)
    weight = _product(factors) / torch.from_numpy(std)[:, None]
    return LinearMap(weight, bias - torch.from_numpy(mean) @ weight)


def _weights(n_in: int, n_out: int, rank: int | None, random: torch.Generator) -> list[Tensor]:
    if rank is None:
        return [torch.zeros(n_in, n_out)]
    into = torch.randn(n_in, rank, generator=random) * 0.01
    out = torch.ones(rank, n_out) if rank == 1 else torch.randn(rank, n_out, generator=random)
    return [into, out]


def _product(factors: list[Tensor]) -> Tensor:
    return factors[0] if len(factors) == 1 else factors[0] @ factors[1]


def _outputs(parameters: list[Tensor], x: Tensor) -> Tensor:
    bias, *factors = parameters
    for factor in factors:
        x = x @ factor
    return x + bias


def _minimise(x: Tensor, rows: Tensor, loss: Loss, start: list[Tensor], penalty: float) -> list[Tensor]:
    """Parameters after L-BFGS from `start`."""
    found = [value.clone().requires_grad_() for value in start]
    optimizer = torch.optim.LBFGS(found, max_iter=_STEPS, line_search_fn="strong_wolfe")
    n_out = len(start[0])

    def closure() -> Tensor:
        optimizer.zero_grad()
        size = torch.stack([(value**2).sum() for value in found[1:]]).sum()
        value = loss(_outputs(found, x), rows) + penalty / (2 * n_out) * size
        value.backward()  # type: ignore[no-untyped-call]  # torch
        return value

    with torch.enable_grad():
        optimizer.step(closure)  # type: ignore[no-untyped-call]  # torch
    return [value.detach() for value in found]
