"""The network that is trained and exported: encoder, features, heads and evidence in one forward pass."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from routoo.models.encoder.encoder import Encoder, encoder_config, layers_of
from routoo.models.encoder.features import default_layers, pooled_features
from routoo.models.evidence.evidence import Evidence, EvidenceConfig, HeadPredictions, Predictions
from routoo.models.network.heads import HeadConfig, Heads
from routoo.models.training.options import TrainOptions
from routoo.models.training.targets import Targets, shrunk_log_odds

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_CODE = ("auto_map", "quantization_config")
"""Keys of an encoder's configuration that name code."""


@dataclass(frozen=True)
class NetworkConfig:
    """All that is needed to build a network again before its weights are loaded.

    Args:
        encoder: Configuration of the Hugging Face encoder, as its `to_dict` gives it.
        layers: Hidden states whose means over the tokens are the features; 0 is the embedding layer.
        heads: See `HeadConfig`.
        evidence: See `EvidenceConfig`; None before it was fitted.
    """

    encoder: dict[str, Any]
    layers: tuple[int, ...]
    heads: HeadConfig
    evidence: EvidenceConfig | None = None

    def to_dict(self) -> dict[str, Any]:
        """A mapping that JSON can hold and `from_dict` reads back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> NetworkConfig:
        """The configuration that `to_dict` wrote."""
        heads, evidence = values["heads"], values["evidence"]
        return cls(
            values["encoder"],
            tuple(values["layers"]),
            HeadConfig(**heads | {"attributes": tuple(heads.get("attributes", ()))}),
            EvidenceConfig(**evidence | {"inferred": tuple(evidence["inferred"])}),
        )


class RouterNetwork(nn.Module):
    """Token ids in, predictions out; the graph that is exported.

    Lightning trains the heads, and the encoder where it learns; `evidence` is fitted in closed form on what
    they say of prompts that they have not learned from.

    Args:
        encoder: A Hugging Face encoder.
        config: The configuration that this network follows.
    """

    def __init__(self, encoder: PreTrainedModel, config: NetworkConfig) -> None:
        super().__init__()
        if getattr(encoder, "pooler", None) is not None:
            encoder.register_module("pooler", None)  # its output is never read: the heads pool hidden states
        self.encoder = encoder
        self.config = config
        self.heads = Heads(config.heads)
        self.evidence = None if config.evidence is None else Evidence(config.evidence)

    @classmethod
    def from_config(cls, config: NetworkConfig) -> RouterNetwork:
        """A network of this configuration with weights yet to be loaded."""
        from transformers import AutoConfig, AutoModel

        from routoo.models.encoder.static import StaticConfig, StaticEncoder

        values = _plain(config.encoder)
        kind = values.pop("model_type")
        if kind == StaticConfig.model_type:
            return cls(StaticEncoder(StaticConfig(**values)), config)
        encoder_config = AutoConfig.for_model(kind, **values)
        encoder: PreTrainedModel = AutoModel.from_config(encoder_config)  # type: ignore[no-untyped-call]  # transformers
        return cls(encoder, config)

    @property
    def fitted(self) -> Evidence:
        """The evidence heads of a network that was trained."""
        assert self.evidence is not None  # for the type checker: nothing else leaves training
        return self.evidence

    @property
    def predicts_usage(self) -> tuple[bool, bool]:
        """Whether output tokens, and whether latency, were learned."""
        return self.fitted.config.output_tokens, self.fitted.config.latency

    def features(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Features ``(n_prompts, n_features)`` of token ids and mask (see `pooled_features`)."""
        return pooled_features(self.encoder, self.config.layers, input_ids, attention_mask)

    def head_predictions(self, features: Tensor, share: Tensor | None = None) -> HeadPredictions:
        """What the heads predict, the mean of their members: of each by its share of the prompt, if given."""

        def mean(each: Tensor) -> Tensor:
            return each.mean(0) if share is None else (each * share).sum(0)

        outputs = self.heads(features)
        posteriors = tuple(logits.softmax(-1) for logits in outputs.attribute_logits)
        return HeadPredictions(
            mean(outputs.logits).sigmoid(),
            tuple(map(mean, posteriors)),
            torch.cat([*posteriors, outputs.logits.sigmoid()], dim=-1),
        )

    def predict_features(
        self, features: Tensor, domain: Tensor | None = None, attributes: Tensor | None = None
    ) -> Predictions:
        """Predictions from features that were computed before."""
        observed = self._observed(features, domain, attributes)
        predictions: Predictions = self.fitted(features, self.head_predictions(features), observed)
        return predictions

    def attach(self, evidence: Evidence) -> RouterNetwork:
        """The same network with these evidence heads; it shares all other weights."""
        config = dataclasses.replace(self.config, evidence=evidence.config)
        made = type(self)(self.encoder, config)
        made.heads, made.evidence = self.heads, evidence
        return made.eval()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        domain: Tensor | None = None,
        attributes: Tensor | None = None,
    ) -> Predictions:
        """Predictions for token ids and mask, both ``(n_prompts, length)`` int64.

        `domain` ``(n_prompts,)`` int64 numbers the domain of each prompt where it is known, else -1;
        `attributes` ``(n_prompts, n_attributes)`` likewise its value of each further attribute.
        """
        return self.predict_features(self.features(input_ids, attention_mask), domain, attributes)

    def _observed(
        self, features: Tensor, domain: Tensor | None, attributes: Tensor | None
    ) -> tuple[Tensor, ...]:
        """The number of each attribute's value, ``(n_prompts,)``; -1 where it is not observed."""
        heads = self.config.heads
        unknown = features.new_full((len(features),), -1).long()
        observed = ((unknown if domain is None else domain),) if heads.n_domains else ()
        given = (unknown,) * len(heads.attributes) if attributes is None else attributes.unbind(1)
        return observed + tuple(given)


def initial_network(
    encoder: Encoder, targets: Targets, seen: npt.NDArray[np.bool_], options: TrainOptions
) -> RouterNetwork:
    """The network before training, on this encoder: heads that start out as the shrunk table of means.

    Args:
        encoder: Its last layers learn as the options say, in place.
        targets: What is to be learned.
        seen: Prompts that each member may learn from, ``(members, n_prompts)``.
        options: See `TrainOptions`.
    """
    layers = default_layers(encoder.n_layers)
    heads = HeadConfig(
        n_features=encoder.width * len(layers) + 1,
        n_models=targets.score.shape[1],
        n_domains=len(targets.domains),
        attributes=tuple(attribute.n_values for attribute in targets.attributes),
        width=options.width,
        members=options.members,
        dropout=options.dropout,
    )
    network = RouterNetwork(encoder.model, NetworkConfig(encoder_config(encoder), layers, heads))
    with torch.no_grad():
        levels = [shrunk_log_odds(targets.rows(np.flatnonzero(rows))) for rows in seen]
        network.heads.level.copy_(torch.from_numpy(np.stack(levels)))
    trainable = {"frozen": 0, "last": options.tuned_layers, "full": encoder.n_layers}[options.tune]
    encoder.model.requires_grad_(0 < trainable >= encoder.n_layers)  # all layers mean the embeddings too
    for layer in layers_of(encoder.model)[-trainable:] if trainable else ():
        layer.requires_grad_(True)
    return network


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:  # any JSON values
    """An encoder's configuration without the keys that name code, which transformers may fetch and run."""
    return {
        key: _plain(value) if isinstance(value, Mapping) else value
        for key, value in values.items()
        if not (key.startswith("_") or key.endswith("_implementation") or key in _CODE)
    }
