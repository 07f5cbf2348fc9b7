"""The stack: experts that have a say beside the heads of a network, in the same forward pass."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn

from routoo.models.experts import Expert, ExpertConfig, build_expert
from routoo.models.network.heads import HeadConfig, Heads

Part = Expert | Heads


@dataclass(frozen=True)
class StackConfig:
    """What a stack is made of.

    Args:
        experts: See `ExpertConfig`.
        heads: Heads beside those of the network.
    """

    experts: tuple[ExpertConfig, ...] = ()
    heads: tuple[HeadConfig, ...] = ()

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> StackConfig:
        """The configuration that `dataclasses.asdict` wrote, after its trip through JSON."""
        return cls(
            tuple(ExpertConfig(**expert) for expert in values["experts"]),
            tuple(HeadConfig(**heads) for heads in values["heads"]),
        )

    def with_models(self, n_models: int) -> StackConfig:
        """The configuration for another number of models."""
        return StackConfig(
            tuple(dataclasses.replace(expert, n_models=n_models) for expert in self.experts),
            tuple(dataclasses.replace(heads, n_models=n_models) for heads in self.heads),
        )


class Stack(nn.Module):
    """A weighted mean of logits: the network's heads first, then experts, then further heads.

    There are two sets of weights: where the domain of a prompt is known, other parts know best.

    Args:
        config: Its parts.
        n_models: Models of the pool.
    """

    weight: Tensor

    def __init__(self, config: StackConfig, n_models: int) -> None:
        super().__init__()
        self.config = config
        self.experts = nn.ModuleList(build_expert(expert) for expert in config.experts)
        self.heads = nn.ModuleList(Heads(heads) for heads in config.heads)
        weight = torch.zeros(2, 1 + len(self.experts) + len(self.heads), n_models)
        weight[:, 0] = 1.0
        self.register_buffer("weight", weight)

    @classmethod
    def of(cls, parts: list[tuple[Part, tuple[float, float]]], n_models: int) -> Self:
        """A stack of parts and their weights; the network's heads have what is left to 1.

        The first weight of a part is for prompts whose domain is guessed, the second for those whose domain
        is known. Parts without weight are left out, and heads come last.
        """
        parts = [(part, weights) for part, weights in parts if max(weights) > 0]
        parts.sort(key=lambda pair: isinstance(pair[0], Heads))
        config = StackConfig(
            tuple(part.config for part, _ in parts if isinstance(part, Expert)),
            tuple(part.config for part, _ in parts if isinstance(part, Heads)),
        )
        stack = cls(config, n_models)
        for own, (part, _) in zip([*stack.experts, *stack.heads], parts, strict=True):
            own.load_state_dict(part.state_dict())
        weights = torch.tensor([weights for _, weights in parts]).T
        shares = torch.cat([1 - weights.sum(1, keepdim=True), weights], dim=1)
        stack.weight.copy_(shares[:, :, None].expand(-1, -1, n_models))
        return stack.eval()

    def forward(self, features: Tensor, logits: Tensor, domain: Tensor | None = None) -> Tensor:
        """Logits ``(n_prompts, n_models)`` of the heads and of all parts, averaged.

        Args:
            features: ``(n_prompts, n_features)``.
            logits: What the network's heads say, ``(n_prompts, n_models)``.
            domain: Number of each prompt's domain, -1 where it is not known; None where none is.
        """
        said = [logits, *(expert(features, domain) for expert in self.experts)]
        said += [heads(features, domain).logits.mean(0) for heads in self.heads]
        guessed, told = (torch.stack(said) * self.weight[:, :, None]).sum(1)
        return guessed if domain is None else torch.where(domain[:, None] >= 0, told, guessed)

    def with_models(self, kept: list[int], *, added: int = 0) -> Stack:
        """The stack for some of its models, by place, and so many more for which the heads speak alone."""
        changed = Stack(self.config.with_models(len(kept) + added), len(kept) + added)
        state = self.state_dict()
        for name in self._columns():
            rest = state[name].new_zeros(*state[name].shape[:-1], added)
            if name == "weight":
                rest[:, 0] = 1.0
            state[name] = torch.cat([state[name][..., kept], rest], dim=-1)
        changed.load_state_dict(state)
        return changed.eval()

    def _columns(self) -> list[str]:
        """Names in the state of what has the models as its last axis."""
        names = ["weight"]
        for at, expert in enumerate(self.experts):
            assert isinstance(expert, Expert)  # for the type checker: a ModuleList holds any module
            names += [f"experts.{at}.{name}" for name in expert.columns]
        for at, heads in enumerate(self.heads):
            assert isinstance(heads, Heads)  # for the type checker
            names += [f"heads.{at}.{name}" for group in heads.columns.values() for name in group]
        return names
