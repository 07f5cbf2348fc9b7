"""What is lost by choosing by predicted scores, at prices that are drawn at random."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_SHARPNESS = 20.0
"""Of the soft choice: models whose values are 0.05 apart are chosen e to 1."""

_GAPS = (0.05, 1.0)
"""Differences of score that a router trades for money."""


def mean_regret(p_correct: Tensor, score: Tensor, mean_cost: Tensor) -> Tensor:
    """Utility that the best model of each prompt would have had over the one that is chosen, averaged.

    The utility of a model is its score less price times cost. The choice is a softmax over the predicted
    utilities, so that it has a gradient; each prompt gets a price of its own, log-uniform where the cost
    differences of the pool are worth a difference of score. The gradient is that of the expected utility.

    Args:
        p_correct: Predicted scores, ``(members, n_prompts, n_models)``.
        score: Recorded ones, ``(n_prompts, n_models)``; what is missing (NaN) is not chosen from.
        mean_cost: What a call of each model costs, ``(n_models,)`` in USD.

    Returns:
        A number of the scale of a score; 0 where no two models differ in cost.

    Example:
        >>> sure = torch.tensor([[[0.0, 1.0]]])
        >>> costs = torch.tensor([2e-6, 1e-6])
        >>> bool(mean_regret(sure, torch.tensor([[0.0, 1.0]]), costs) < 1e-6)
        True
        >>> bool(mean_regret(1 - sure, torch.tensor([[0.0, 1.0]]), costs) > 0.1)
        True
    """
    span = _price_span(mean_cost)
    if span is None:
        return p_correct.sum() * 0.0
    low, high = span
    drawn = torch.rand(len(score), 1, device=score.device)
    spent = mean_cost * torch.exp(low + drawn * (high - low))
    known = ~torch.isnan(score)
    utility = torch.where(known, score - spent, -torch.inf)
    best = utility.amax(1, keepdim=True)
    lost = torch.where(known, best - utility, 0.0)
    chosen = (_SHARPNESS * (p_correct.float() - spent)).masked_fill(~known, -1e9).softmax(-1)
    some = known.any(1)
    return (chosen * lost).sum(-1)[:, some].mean() if some.any() else p_correct.sum() * 0.0


def _price_span(mean_cost: Tensor) -> tuple[float, float] | None:
    """Logs of the least and the greatest price at which a choice may turn; None where none can."""
    cost = torch.unique(mean_cost)  # ascending
    if len(cost) < 2:
        return None
    first, second, last = cost[0].item(), cost[1].item(), cost[-1].item()
    return math.log(_GAPS[0] / (last - first)), math.log(_GAPS[1] / (second - first))
