"""The heads that Lightning trains: a score for every model, and the attributes of a prompt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_FAR = 10.0
"""Standard deviations beyond which a feature says no more: in training it may have hardly varied."""


@dataclass(frozen=True, kw_only=True)
class HeadConfig:
    """What the heads look like; kept in the bundle to build them again.

    Args:
        n_features: Width of the features of a prompt.
        n_models: Models that were trained on.
        n_domains: Domains that are inferred; 0 for none.
        attributes: How many values each further attribute has.
        width: Hidden units.
        members: Heads trained side by side, each without prompts of its own (see `RouterModule`).
        dropout: Share of the hidden units left out in training; half of it for the features.
    """

    n_features: int
    n_models: int
    n_domains: int = 0
    attributes: tuple[int, ...] = ()
    width: int = 128
    members: int = 5
    dropout: float = 0.3

    @property
    def inferred(self) -> tuple[int, ...]:
        """How many values each attribute has that is inferred: the domain first, if any, then the others."""
        return ((self.n_domains,) if self.n_domains else ()) + self.attributes


class HeadOutputs(NamedTuple):
    """What the heads say, each with a first axis of members.

    `logits` are ``(members, n_prompts, n_models)``; `attribute_logits` has for each attribute logits
    ``(members, n_prompts, n_values)``.
    """

    logits: Tensor
    attribute_logits: tuple[Tensor, ...]


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


class Heads(nn.Module):
    """All heads of all members, as a handful of matrix products on one hidden layer.

    The logit of a score is linear in the hidden units, on top of a level; with domains the level is a table
    of domains by models, read through the inferred domain.

    Example:
        >>> heads = Heads(HeadConfig(n_features=8, n_models=3, members=2))
        >>> heads.eval()(torch.zeros(5, 8)).logits.shape
        torch.Size([2, 5, 3])
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        self.config = config
        members, width = config.members, config.width
        self.register_buffer("mean", torch.zeros(config.n_features))
        self.register_buffer("std", torch.ones(config.n_features))
        self.hidden = Dense(members, config.n_features, width)
        self.level = nn.Parameter(torch.zeros(members, max(config.n_domains, 1), config.n_models))
        self.score = Dense(members, width, config.n_models, scale=0.0)
        self.attributes = nn.ModuleList(Dense(members, width, size) for size in config.inferred)

    def forward(self, features: Tensor) -> HeadOutputs:
        """What each member makes of features ``(n_prompts, n_features)``."""
        x = ((features - self.mean) / self.std).clamp(-_FAR, _FAR)
        x = F.dropout(x, self.config.dropout / 2, self.training).expand(self.config.members, -1, -1)
        hidden = F.dropout(F.gelu(self.hidden(x)), self.config.dropout, self.training)
        attributes = tuple(head(hidden) for head in self.attributes)
        level = torch.bmm(attributes[0].softmax(-1), self.level) if self.config.n_domains else self.level
        return HeadOutputs(self.score(hidden) + level, attributes)
