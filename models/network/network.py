"""The network that is trained and exported: trunk, features, heads and calibration in one forward pass."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from routoo.models.network.heads import HeadConfig, HeadOutputs, Heads
from routoo.models.stack import Stack, StackConfig

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_CODE = ("auto_map", "quantization_config")
"""Keys of a trunk's configuration that name code."""


@dataclass(frozen=True)
class NetworkConfig:
    """All that is needed to build a network again before its weights are loaded.

    Args:
        trunk: Configuration of the Hugging Face encoder, as its `to_dict` gives it.
        layers: Hidden states whose means over the tokens are the features; 0 is the embedding layer.
        heads: See `HeadConfig`.
        stack: What has a say beside the heads, if anything.
    """

    trunk: dict[str, Any]
    layers: tuple[int, ...]
    heads: HeadConfig
    stack: StackConfig | None = None

    def to_dict(self) -> dict[str, Any]:
        """A mapping that JSON can hold and `from_dict` reads back."""
        return {
            "trunk": self.trunk,
            "layers": list(self.layers),
            "heads": dataclasses.asdict(self.heads),
            "stack": None if self.stack is None else dataclasses.asdict(self.stack),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> NetworkConfig:
        """The configuration that `to_dict` wrote."""
        stack = values.get("stack")
        return cls(
            values["trunk"],
            tuple(values["layers"]),
            HeadConfig(**values["heads"]),
            None if stack is None else StackConfig.from_dict(stack),
        )


class Predictions(NamedTuple):
    """What one forward pass says, each ``(n_prompts, n_models)`` float32; NaN where nothing was learned.

    `logit_std` is the standard error of the log-odds of `p_correct`.
    """

    p_correct: Tensor
    logit_std: Tensor
    output_tokens: Tensor
    latency_s: Tensor


class RouterNetwork(nn.Module):
    """Token ids in, calibrated predictions out; the graph that is exported.

    Args:
        trunk: A Hugging Face encoder.
        config: The configuration that this network follows.
    """

    calibration: Tensor
    calibration_told: Tensor
    calibration_labels: Tensor
    label_guess: Tensor
    spread: Tensor
    doubt: Tensor

    def __init__(self, trunk: PreTrainedModel, config: NetworkConfig) -> None:
        super().__init__()
        if getattr(trunk, "pooler", None) is not None:
            trunk.register_module("pooler", None)  # its output is never read: the heads pool hidden states
        self.trunk = trunk
        self.config = config
        self.heads = Heads(config.heads)
        self.stack = None if config.stack is None else Stack(config.stack, config.heads.n_models)
        unchanged = torch.tensor([[1.0], [0.0]]).repeat(1, config.heads.n_models)
        self.register_buffer("calibration", unchanged)
        self.register_buffer("calibration_told", unchanged.clone())  # where the domain is known
        if config.heads.labels:  # where a label is known: and the domain is not, or is
            self.register_buffer("calibration_labels", unchanged.repeat(2, 1, 1))
            # What of the heads' guess of a label is in the logits, to be taken out where it is told.
            self.register_buffer("label_guess", torch.ones(config.heads.n_models))
        self.register_buffer("spread", torch.ones(()))
        self.register_buffer("doubt", torch.zeros(config.heads.n_models))

    @classmethod
    def from_config(cls, config: NetworkConfig) -> RouterNetwork:
        """A network of this configuration with weights yet to be loaded."""
        from transformers import AutoConfig, AutoModel

        from routoo.models.encoder.static import StaticConfig, StaticEncoder

        values = _plain(config.trunk)
        kind = values.pop("model_type")
        if kind == StaticConfig.model_type:
            return cls(StaticEncoder(StaticConfig(**values)), config)
        trunk_config = AutoConfig.for_model(kind, **values)
        trunk: PreTrainedModel = AutoModel.from_config(trunk_config)  # type: ignore[no-untyped-call]  # transformers
        return cls(trunk, config)

    def features(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Features ``(n_prompts, n_features)`` of token ids and mask (see `pooled_features`)."""
        return pooled_features(self.trunk, self.config.layers, input_ids, attention_mask)

    def predict_features(
        self, features: Tensor, domain: Tensor | None = None, labels: Tensor | None = None
    ) -> Predictions:
        """Calibrated predictions from features that were computed before."""
        outputs = self.heads(features, domain, labels)
        logits = outputs.logits.mean(0)
        if self.stack is not None:
            logits = self.stack(features, logits, domain)
        if outputs.told is not None:
            logits = logits + outputs.told.row.mean(0) - self.label_guess * outputs.told.guess.mean(0)
        return self._calibrated(outputs, logits, *self._calibration(domain, labels))

    def attach(self, stack: Stack) -> None:
        """Gives a stack a say in the logits; calibration has to be fitted again after it."""
        self.stack = stack
        self.config = dataclasses.replace(self.config, stack=stack.config)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        domain: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> Predictions:
        """Calibrated predictions for token ids and mask, both ``(n_prompts, length)`` int64.

        `domain` ``(n_prompts,)`` int64 numbers the domain of each prompt where it is known, else -1; `labels`
        ``(n_prompts, n_labels)`` likewise its value of each label.
        """
        return self.predict_features(self.features(input_ids, attention_mask), domain, labels)

    def _calibration(self, domain: Tensor | None, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        """Slope and shift of the logits, by what is known of each prompt beside its text."""

        def by_domain(guessed: Tensor, told: Tensor) -> Tensor:
            """``(2, n_prompts or 1, n_models)``."""
            pair = guessed[:, None]
            return pair if domain is None else torch.where(domain[:, None] >= 0, told[:, None], pair)

        slope, shift = by_domain(self.calibration, self.calibration_told)
        if labels is not None and self.config.heads.labels:
            known = (labels >= 0).any(1)[:, None]
            told_slope, told_shift = by_domain(*self.calibration_labels)
            slope, shift = torch.where(known, told_slope, slope), torch.where(known, told_shift, shift)
        return slope, shift

    def _calibrated(self, outputs: HeadOutputs, logits: Tensor, slope: Tensor, shift: Tensor) -> Predictions:
        logits = logits * slope + shift
        unknown = torch.full_like(logits, float("nan"))
        members = outputs.logits.shape[0]
        error = unknown
        if members > 1:
            # The members disagree by what the data leave open, and `spread` makes that a standard error;
            # `doubt` is what they cannot know of a model that joined after they were trained.
            said = outputs.told_logits
            variance = (said - said.mean(0)).square().sum(0) / (members - 1)
            variance = variance * self.spread.square()
            if outputs.told is not None:  # of which all members were told the same
                variance = variance + outputs.told.variance
            error = (variance * slope.square() + self.doubt.square()).sqrt()
        return Predictions(
            logits.sigmoid(),
            error,
            unknown if outputs.log_tokens is None else outputs.log_tokens.mean(0).exp(),
            unknown if outputs.log_latency is None else outputs.log_latency.mean(0).exp(),
        )


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:  # any JSON values
    """A trunk's configuration without the keys that name code, which transformers may fetch and run."""
    return {
        key: _plain(value) if isinstance(value, Mapping) else value
        for key, value in values.items()
        if not (key.startswith("_") or key.endswith("_implementation") or key in _CODE)
    }


def pooled_features(
    trunk: nn.Module, layers: tuple[int, ...], input_ids: Tensor, attention_mask: Tensor
) -> Tensor:
    """Features ``(n_prompts, len(layers) * hidden + 1)`` of token ids and mask ``(n_prompts, length)``.

    The mean over the tokens of each chosen layer, scaled to unit length, side by side: the embedding layer
    tells words, the middle form, the last meaning. Then the log of the number of tokens read.
    """
    states = trunk(
        input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True, return_dict=True
    ).hidden_states
    means = [unit_mean(states[layer], attention_mask) for layer in layers]
    return torch.cat([*means, attention_mask.sum(1, keepdim=True).float().log1p()], dim=1)


def unit_mean(states: Tensor, attention_mask: Tensor) -> Tensor:
    """The mean over the tokens of a hidden state ``(n_prompts, length, width)``, scaled to unit length."""
    mask = attention_mask.unsqueeze(-1).float()
    mean = (states.float() * mask).sum(1) / mask.sum(1)
    unit: Tensor = mean / mean.norm(dim=1, keepdim=True).clamp_min(1e-6)
    return unit


def default_layers(n_layers: int) -> tuple[int, ...]:
    """The embedding layer, the middle one and the last."""
    return tuple(sorted({0, (n_layers + 1) // 2, n_layers}))
