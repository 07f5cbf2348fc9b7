"""Experts: small predictors on the features of a prompt, modules that are fitted in seconds and exported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from routoo.data.errors import InputError

Kind = Literal["means", "linear", "table", "neighbours", "clusters"]

_LEAST = 1e-3
_ALIKE = 1e-6  # cosines no further apart are the same


@dataclass(frozen=True, kw_only=True)
class ExpertConfig:
    """What an expert looks like; kept in the bundle to build it again.

    Args:
        kind: Which expert, see `build_expert`.
        n_features: Width of the features of a prompt.
        n_models: Models of the pool.
        size: Domains, exemplars or clusters that it holds; 0 where it holds none.
        nearest: Exemplars or clusters that a prompt is held against.
        span: First and last but one of the features that are its embedding, as in a slice.
        width: Directions of the embedding in which exemplars are held; 0 for the embedding itself.
        fading: Exemplars count less the less they are nearer than the last of the nearest, which counts
            nothing: what is said changes smoothly with the embedding. Otherwise they count by likeness alone.

    Raises:
        InputError: A size is not positive, or the kind is unknown.
    """

    kind: Kind
    n_features: int
    n_models: int
    size: int = 0
    nearest: int = 1
    span: tuple[int, int | None] = (0, None)
    width: int = 0
    fading: bool = False

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise InputError(f"kind must be one of {', '.join(_KINDS)}, got {self.kind!r}")
        held = ("size", "nearest") if self.kind in ("table", "neighbours", "clusters") else ()
        for field in ("n_features", "n_models", *held):
            if getattr(self, field) < 1:
                raise InputError(f"{field} must be at least 1, got {getattr(self, field)}")
        if self.width < 0:
            raise InputError(f"width must be at least 0, got {self.width}")
        object.__setattr__(self, "span", (self.span[0], self.span[1]))


class Expert(nn.Module):
    """Features ``(n_prompts, n_features)`` and, where known, domains to logits ``(n_prompts, n_models)``.

    All that it knows is in its buffers. Those named in `columns` have the models as their last axis.
    """

    columns: tuple[str, ...] = ()

    def __init__(self, config: ExpertConfig) -> None:
        super().__init__()
        self.config = config

    def hold(self, name: str, *shape: int) -> None:
        """Registers a buffer of zeros, to be filled when the expert is fitted or loaded."""
        self.register_buffer(name, torch.zeros(shape))

    @property
    def n_embedded(self) -> int:
        """Width of the embedding."""
        return len(range(*slice(*self.config.span).indices(self.config.n_features)))

    def embedding(self, features: Tensor) -> Tensor:
        """The part of the features that tells what is similar, scaled to unit length."""
        first, last = self.config.span
        return F.normalize(features[:, first:last].float(), dim=1)

    def forward(self, features: Tensor, domain: Tensor | None = None) -> Tensor:
        """Logits of the expected scores.

        Args:
            features: ``(n_prompts, n_features)``.
            domain: Number of each prompt's domain, -1 where it is not known, ``(n_prompts,)`` int64.
        """
        raise NotImplementedError


class Means(Expert):
    """Each model's mean, whatever the prompt: what the others are shrunk towards."""

    columns = ("bias",)
    bias: Tensor

    def __init__(self, config: ExpertConfig) -> None:
        super().__init__(config)
        self.hold("bias", config.n_models)

    def forward(self, features: Tensor, domain: Tensor | None = None) -> Tensor:
        """The means, once a prompt."""
        return self.bias.expand(len(features), -1)


class Linear(Expert):
    """One linear map: logistic regression, or a matrix factorisation or item response form multiplied out."""

    columns = ("weight", "bias")
    weight: Tensor
    bias: Tensor

    def __init__(self, config: ExpertConfig) -> None:
        super().__init__(config)
        self.hold("weight", config.n_features, config.n_models)
        self.hold("bias", config.n_models)

    def forward(self, features: Tensor, domain: Tensor | None = None) -> Tensor:
        """The linear map of the features."""
        return torch.addmm(self.bias, features.float(), self.weight)


class Table(Expert):
    """A table of domains by models, read by the domain where it is known, else by a guess of it."""

    columns = ("mean",)
    weight: Tensor
    bias: Tensor
    mean: Tensor

    def __init__(self, config: ExpertConfig) -> None:
        super().__init__(config)
        self.hold("weight", config.n_features, config.size)
        self.hold("bias", config.size)
        self.hold("mean", config.size, config.n_models)

    def posterior(self, features: Tensor, domain: Tensor | None = None) -> Tensor:
        """Probability of each domain, ``(n_prompts, n_domains)``; 1 for the one that is known."""
        guess = torch.addmm(self.bias, features.float(), self.weight).softmax(1)
        if domain is None:
            return guess
        told = torch.eye(self.config.size)[domain.clamp_min(0)]
        return torch.where(domain[:, None] >= 0, told, guess)

    def forward(self, features: Tensor, domain: Tensor | None = None) -> Tensor:
        """The rows of the table, mixed as probabilities."""
        return _logit(self.posterior(features, domain) @ self.mean)


class Neighbours(Expert):
    """Mean score of the nearest exemplars by cosine, weighed by how near they are, shrunk towards the means.

    The exemplars are embeddings of recorded prompts, held in the few directions in which these vary most.
    Those that tie with the last of the nearest count too.
    """

    columns = ("score", "observed", "mean")
    directions: Tensor
    exemplars: Tensor
    score: Tensor
    observed: Tensor
    mean: Tensor
    sharpness: Tensor
    strength: Tensor

    def __init__(self, config: ExpertConfig) -> None:
        super().__init__(config)
        if config.width:
            self.hold("directions", self.n_embedded, config.width)
        self.hold("exemplars", config.size, config.width or self.n_embedded)
        self.hold("score", config.size, config.n_models)
        self.hold("observed", config.size, config.n_models)
        self.hold("mean", config.n_models)
        self.hold("sharpness")
        self.hold("strength")

    def embedding(self, features: Tensor) -> Tensor:
        """The embedding, in the directions of the exemplars, scaled to unit length."""
        whole = super().embedding(features)
        return F.normalize(whole @ self.directions, dim=1) if self.config.width else whole

    def forward(self, features: Tensor, domain: Tensor | None = None) -> Tensor:
        """The logit of the shrunk mean over each prompt's neighbours."""
        similarity = self.embedding(features) @ self.exemplars.T
        best = similarity.topk(min(self.config.nearest, self.config.size), dim=1).values
        first, last = best[:, :1], best[:, -1:]
        weight = ((similarity - first) * self.sharpness).exp() * (similarity >= last)
        if self.config.fading:
            weight = weight * nearer(similarity, first, last)
        total = weight @ self.score + self.strength * self.mean
        count = weight @ self.observed + self.strength
        return _logit(torch.where(count > 0, total / count.clamp_min(1e-9), self.mean))


class Clusters(Expert):
    """Mean score in the nearest clusters of embeddings, as in Avengers (arXiv 2505.19797, 2508.12631)."""

    columns = ("mean",)
    centres: Tensor
    mean: Tensor

    def __init__(self, config: ExpertConfig) -> None:
        super().__init__(config)
        self.hold("centres", config.size, self.n_embedded)
        self.hold("mean", config.size, config.n_models)

    def membership(self, features: Tensor) -> Tensor:
        """Equal shares of the nearest clusters, ``(n_prompts, n_clusters)``."""
        similarity = self.embedding(features) @ self.centres.T
        best = similarity.topk(min(self.config.nearest, self.config.size), dim=1).values
        near = (similarity >= best[:, -1:]).float()
        return near / near.sum(1, keepdim=True)

    def forward(self, features: Tensor, domain: Tensor | None = None) -> Tensor:
        """The logit of the mean over the nearest clusters' rows."""
        return _logit(self.membership(features) @ self.mean)


def nearer(similarity: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """How much nearer than the last of the nearest: 1 for the first of them, 0 for the last and beyond.

    Where all of the nearest are alike, 1 for each. The triangular kernel, as wide as the nearest reach.
    """
    return ((similarity - last + _ALIKE) / (first - last + _ALIKE)).clamp_min(0.0)


def build_expert(config: ExpertConfig) -> Expert:
    """An expert of this configuration whose buffers are yet to be filled.

    >>> build_expert(ExpertConfig(kind="means", n_features=4, n_models=2))(torch.zeros(3, 4)).shape
    torch.Size([3, 2])
    """
    return _KINDS[config.kind](config)


def _logit(p: Tensor) -> Tensor:
    p = p.clamp(_LEAST, 1 - _LEAST)
    return p.log() - (1 - p).log()


_KINDS: dict[Kind, type[Expert]] = {
    "means": Means,
    "linear": Linear,
    "table": Table,
    "neighbours": Neighbours,
    "clusters": Clusters,
}
