"""A linear layer for each of several members that are trained side by side."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Dense(nn.Module):
    """A linear layer for each member: ``(members, n, n_in)`` to ``(members, n, n_out)``.

    Args:
        members: How many.
        n_in: Inputs of each.
        n_out: Outputs of each.
        scale: Of the weights at first, beside one over the root of `n_in`.
    """

    def __init__(self, members: int, n_in: int, n_out: int, *, scale: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(members, n_in, n_out) * (scale / math.sqrt(n_in)))
        self.bias = nn.Parameter(torch.zeros(members, 1, n_out))

    def forward(self, x: Tensor) -> Tensor:
        """What each member makes of its input."""
        return torch.baddbmm(self.bias, x, self.weight)
