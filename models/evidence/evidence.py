"""The evidence heads as a module of the graph: one matrix product on everything that is known of a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn

from routoo.models.evidence.kernel import Kernel

_EDGE = 1e-3  # what a probability keeps from 0 and 1


@dataclass(frozen=True, kw_only=True)
class EvidenceConfig:
    """What the evidence heads look like; kept in the bundle to build them again.

    Args:
        n_features: Width of the features of a prompt.
        skipped: Features before those that the kernel reads.
        n_centres: Centres of the kernel.
        n_heads: Models of which the network's heads have a score.
        inferred: How many values each attribute has that the heads infer.
        n_models: Models that are predicted: those of the heads, less those that left, and those that joined.
        output_tokens: Whether expected output tokens were learned.
        latency: Whether latency was learned.
    """

    n_features: int
    skipped: int
    n_centres: int
    n_heads: int
    inferred: tuple[int, ...]
    n_models: int
    output_tokens: bool = False
    latency: bool = False

    @property
    def n_inputs(self) -> int:
        """Inputs of the matrix product: length, likeness to centres, attributes and scores by the heads."""
        return 1 + self.n_centres + sum(self.inferred) + self.n_heads

    @property
    def likeness(self) -> slice:
        """Which of them are of likeness to the centres."""
        return slice(1, 1 + self.n_centres)


class HeadPredictions(NamedTuple):
    """What the heads predict: scores ``(n_prompts, n_heads)``, and posteriors of the attributes.

    `members` has both of each member by itself, posteriors first, ``(members, n_prompts, n_values +
    n_heads)``; None where the variance that comes of it is not asked for.
    """

    p: Tensor
    posteriors: tuple[Tensor, ...]
    members: Tensor | None = None


class Predictions(NamedTuple):
    """What one forward pass says, each ``(n_prompts, n_models)`` float32; NaN where nothing was learned.

    `logit_std` is the standard error of the log-odds of `p_correct`.
    """

    p_correct: Tensor
    logit_std: Tensor
    output_tokens: Tensor
    latency_s: Tensor


class Column(NamedTuple):
    """What belongs to one model: see the buffers of `Evidence` of these names."""

    level: Tensor
    weight: Tensor
    spread: Tensor
    unlike: Tensor
    doubt: Tensor
    table: Tensor
    tokens: Tensor
    latency: Tensor


class Evidence(nn.Module):
    """Inputs to scores, their variance, output tokens and latency.

    The score of a model is ``level + q @ weight`` with ``q = inputs @ basis - offset``; its variance is
    ``q² @ spread + doubt``, `doubt` being the level's. To it come `unlike`, the prior variance of what
    likeness tells, times the share of the prompt that no centre covers, and what the heads' members
    disagree on (`disagreement`). An observed attribute adds the difference between its observed and
    inferred values, less the mean of that, `bias`, times `table`. `tokens` and `latency` are maps from the
    inputs to logs; their last row is the level. `noise` is the covariance of scores beyond what is
    predicted, for models that join.
    """

    basis: Tensor
    offset: Tensor
    level: Tensor
    weight: Tensor
    spread: Tensor
    unlike: Tensor
    doubt: Tensor
    bias: Tensor
    table: Tensor
    tokens: Tensor
    latency: Tensor
    noise: Tensor

    def __init__(self, config: EvidenceConfig) -> None:
        super().__init__()
        self.config = config
        n, models = config.n_inputs, config.n_models
        self.kernel = Kernel(config.n_features, config.skipped, config.n_centres)
        self.register_buffer("basis", torch.zeros(n, n))
        self.register_buffer("offset", torch.zeros(n))
        self.register_buffer("level", torch.zeros(models))
        self.register_buffer("weight", torch.zeros(n, models))
        self.register_buffer("spread", torch.zeros(n, models))
        self.register_buffer("unlike", torch.zeros(models))
        self.register_buffer("doubt", torch.zeros(models))
        self.register_buffer("bias", torch.zeros(sum(config.inferred)))
        self.register_buffer("table", torch.zeros(sum(config.inferred), models))
        self.register_buffer("tokens", torch.zeros(n + 1, models))
        self.register_buffer("latency", torch.zeros(n + 1, models))
        self.register_buffer("noise", torch.eye(models))

    def inputs(self, features: Tensor, predicted: HeadPredictions) -> Tensor:
        """All that is known of prompts side by side, ``(n_prompts, n_inputs)``."""
        return torch.cat([features[:, -1:], self.kernel(features), *predicted.posteriors, predicted.p], dim=1)

    def directions(self, inputs: Tensor) -> Tensor:
        """The inputs in the directions that scores and their variance are made of, the same shape."""
        return inputs @ self.basis - self.offset

    def forward(
        self, features: Tensor, predicted: HeadPredictions, observed: tuple[Tensor, ...]
    ) -> Predictions:
        """Predictions from features and those of the heads.

        `observed` has the number of each attribute's value, ``(n_prompts,)``; -1 where it is not known.
        """
        inputs = self.inputs(features, predicted)
        q = self.directions(inputs)
        p = self.level + q @ self.weight
        if predicted.posteriors:
            p = p + self.attribute_residuals(predicted, observed) @ self.table
        p = p.clamp(_EDGE, 1 - _EDGE)
        covered = inputs[:, self.config.likeness].square().sum(1, keepdim=True)
        variance = q.square() @ self.spread + (1 - covered).clamp_min(0.0) * self.unlike + self.doubt
        if predicted.members is not None:
            variance = variance + self.disagreement(predicted.members)
        # What the log-odds vary by, to first order; near 0 and 1 no more than the whole way there.
        error = (variance / ((p * (1 - p)).square() + variance)).sqrt()
        unknown = torch.full_like(p, float("nan"))
        return Predictions(
            p,
            error,
            self._usage(inputs, self.tokens) if self.config.output_tokens else unknown,
            self._usage(inputs, self.latency) if self.config.latency else unknown,
        )

    def disagreement(self, members: Tensor) -> Tensor:
        """Variance ``(n_prompts, n_models)`` of the scores by what the heads might have learned instead.

        The delete-a-group jackknife (Kott 2001): each member is without a group of prompts of its own.
        """
        effect = self.basis[-members.shape[-1] :] @ self.weight
        each = members @ effect
        return (each - each.mean(0)).square().mean(0) * (len(each) - 1)

    def attribute_residuals(self, predicted: HeadPredictions, observed: tuple[Tensor, ...]) -> Tensor:
        """Observed less inferred attributes, ``(n_prompts, n_values)``; 0 where none is observed."""
        more = [predicted.p.new_zeros((len(predicted.p), 0))]
        biases = torch.split(self.bias, list(self.config.inferred))
        for posterior, bias, number in zip(predicted.posteriors, biases, observed, strict=True):
            known = (number >= 0)[:, None]
            of = torch.eye(posterior.shape[1])[number.clamp_min(0)]
            more.append(torch.where(known, of - posterior - bias, 0.0))
        return torch.cat(more, dim=1)

    @staticmethod
    def _usage(inputs: Tensor, weight: Tensor) -> Tensor:
        return (inputs @ weight[:-1] + weight[-1]).exp()

    def column(self, at: int) -> Column:
        """The column of one model."""
        return Column(*(getattr(self, name)[..., at] for name in Column._fields))

    def with_columns(self, columns: Sequence[Column], noise: Tensor) -> Self:
        """The same module with these columns, and this covariance of theirs, in place of its own."""
        made = type(self)(replace(self.config, n_models=len(columns)))
        state = {name: value for name, value in self.state_dict().items() if name not in Column._fields}
        for name, values in zip(Column._fields, zip(*columns, strict=True), strict=True):
            state[name] = torch.stack(values, dim=-1)
        made.load_state_dict(state | {"noise": noise})
        return made.eval()
