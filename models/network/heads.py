"""The heads: from features of a prompt to a score, a length and a latency for every model of the pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from routoo.data.errors import InputError
from routoo.models.label_heads import LabelHeads, ToldLabels
from routoo.models.network.dense import Dense

_FAR = 10.0
"""Standard deviations beyond which a feature says no more: in training it may have hardly varied."""

HeadKind = Literal["factorised", "free"]


@dataclass(frozen=True, kw_only=True)
class HeadConfig:
    """What the heads look like; kept in the bundle to build them again.

    Args:
        n_features: Width of the features of a prompt.
        n_models: Models of the pool.
        n_domains: Domains that the auxiliary head tells apart; 0 for none.
        labels: Values of each further label that auxiliary heads tell apart.
        kind: `factorised`: difficulty and abilities shared between the models, so that few outcomes suffice;
            `free`: a vector of its own for each model.
        width: Hidden units.
        rank: Abilities of the factorised head.
        members: Heads trained side by side from different starts and averaged in logits.
        dropout: Share of the hidden units left out in training; half of it for the features.
        output_tokens: Whether expected output tokens were learned.
        latency: Whether latency was learned.

    Raises:
        InputError: A size is not positive, or the kind is unknown.
    """

    n_features: int
    n_models: int
    n_domains: int = 0
    labels: tuple[int, ...] = ()
    kind: HeadKind = "factorised"
    width: int = 128
    rank: int = 16
    members: int = 3
    dropout: float = 0.3
    output_tokens: bool = False
    latency: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", tuple(self.labels))  # a list, where JSON kept it
        for field in ("n_features", "n_models", "width", "rank", "members"):
            if getattr(self, field) < 1:
                raise InputError(f"{field} must be at least 1, got {getattr(self, field)}")
        if self.kind not in ("factorised", "free"):
            raise InputError(f"kind must be 'factorised' or 'free', got {self.kind!r}")
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout must lie in [0, 1), got {self.dropout}")


Said = Literal["logits", "log_tokens", "log_latency"]
"""What the heads say of each model: fields of `HeadOutputs`."""


class HeadOutputs(NamedTuple):
    """What the heads say, each with a first axis of members.

    `logits`, `log_tokens` and `log_latency` are ``(members, n_prompts, n_models)``; `domain_logits` is
    ``(members, n_prompts, n_domains)``, and `label_logits` has such a tensor for each label. `logits` know no
    label: `told` has what those that are known say. What was not learned is None, and so is `told` where
    nothing was to be told.
    """

    logits: Tensor
    domain_logits: Tensor | None
    log_tokens: Tensor | None
    log_latency: Tensor | None
    label_logits: tuple[Tensor, ...] = ()
    told: ToldLabels | None = None

    @property
    def told_logits(self) -> Tensor:
        """The logits of those who know the labels too."""
        return self.logits if self.told is None else self.logits + self.told.row - self.told.guess


class Heads(nn.Module):
    """All heads of all members, as a handful of matrix products.

    The score head is linear in the hidden units, ``logit = base_j(x) + w_j · h(x)`` (`free`), or an item
    response form, ``logit = base_j(x) + a_j · difficulty(x) + u_j · h(x)`` (`factorised`). With domains,
    ``base_j(x)`` is a table of domains by models, read through a posterior over domains that an auxiliary
    head guesses from the text; without, it is the model's own mean. Each further label has a head and a
    table of its own, whose word is added.

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
        s, m, width = config.members, config.n_models, config.width
        self.register_buffer("mean", torch.zeros(config.n_features))
        self.register_buffer("std", torch.ones(config.n_features))
        self.hidden = Dense(s, config.n_features, width)
        self.base = nn.Parameter(torch.zeros(s, max(config.n_domains, 1), m))
        self.domain = Dense(s, width, config.n_domains) if config.n_domains else None
        self.labels = None
        if config.labels:
            self.labels = LabelHeads(
                members=s, width=width, values=config.labels, n_domains=config.n_domains, n_models=m
            )
        if config.kind == "factorised":
            self.abilities = Dense(s, width, 1 + config.rank, scale=0.3)
            self.loadings = nn.Parameter(torch.randn(s, 1 + config.rank, m) * 0.1)
            with torch.no_grad():
                self.loadings[:, 0] = 1.0  # every model starts out hurt alike by difficulty
        else:
            self.abilities = Dense(s, width, m, scale=0.1)
        self.tokens = Dense(s, width, m, scale=0.1) if config.output_tokens else None
        self.latency = Dense(s, width, m, scale=0.1) if config.latency else None

    @property
    def columns(self) -> dict[Said, tuple[str, ...]]:
        """Parameters with a column a model (the last axis), by what is said with them, linearly in each."""
        score = ("base", "loadings") if self.config.kind == "factorised" else ("base", *_dense("abilities"))
        if self.labels is not None:
            score = (*score, "labels.table")
        names: dict[Said, tuple[str, ...]] = {"logits": score}
        if self.tokens is not None:
            names["log_tokens"] = _dense("tokens")
        if self.latency is not None:
            names["log_latency"] = _dense("latency")
        return names

    def forward(
        self, features: Tensor, domain: Tensor | None = None, labels: Tensor | None = None
    ) -> HeadOutputs:
        """What the heads say of features ``(n_prompts, n_features)``.

        Args:
            features: Of each prompt.
            domain: Number of each prompt's domain where it is known, else -1, ``(n_prompts,)``: it is then
                read from the table instead of the posterior that the heads guess.
            labels: Likewise the number of its value of each label, ``(n_prompts, n_labels)``.
        """
        config = self.config
        h = self.hidden_units(features)
        logits = self.abilities(h)
        if config.kind == "factorised":
            logits = torch.bmm(logits, self.loadings)
        domain_logits = None
        if self.domain is None:
            logits = logits + self.base
        else:
            domain_logits = self.domain(h)
            based = torch.bmm(_posterior(domain_logits, domain), self.base)
            logits = logits + based
        label_logits: tuple[Tensor, ...] = ()
        told = None
        if self.labels is not None:
            label_logits = self.labels.guesses(h)
            logits = logits + self.labels.guessed(label_logits)
            if labels is not None:
                told = self.labels.told(label_logits, labels)
                if domain_logits is not None:
                    known = self.labels.domains_told(domain_logits, labels)
                    moved = torch.bmm(_posterior(known, domain), self.base) - based
                    told = told._replace(row=told.row + moved)
        return HeadOutputs(
            logits,
            domain_logits,
            self.tokens(h) if self.tokens is not None else None,
            self.latency(h) if self.latency is not None else None,
            label_logits,
            told,
        )

    def hidden_units(self, features: Tensor) -> Tensor:
        """What each member's hidden layer says of features: ``(members, n_prompts, width)``."""
        dropout = self.config.dropout
        x = ((features.float() - self.mean) / self.std).clamp(-_FAR, _FAR)
        x = F.dropout(x.expand(self.config.members, *x.shape), dropout / 2, self.training)
        return F.dropout(F.gelu(self.hidden(x)), dropout, self.training)


def _posterior(logits: Tensor, domain: Tensor | None) -> Tensor:
    """Probabilities of the domains, ``(members, n_prompts, n_domains)``: one or none where it is known."""
    posterior = logits.softmax(-1)
    if domain is None:
        return posterior
    told = (domain[:, None] == torch.arange(logits.shape[-1], device=domain.device)).float()
    return told + (1 - told.sum(-1, keepdim=True)) * posterior


def _dense(name: str) -> tuple[str, str]:
    return f"{name}.weight", f"{name}.bias"
