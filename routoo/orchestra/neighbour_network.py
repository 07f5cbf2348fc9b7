"""Nearest neighbours as a network: encoder, projection, candidates and their votes in one graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from routoo.models.baselines.neighbours import ALIKE, NearestNeighbours
from routoo.models.encoder.encoder import Encoder, encoder_config
from routoo.models.evidence.evidence import Predictions
from routoo.models.network.heads import HeadConfig
from routoo.models.network.network import NetworkConfig, RouterNetwork


@dataclass(frozen=True)
class NeighbourConfig(NetworkConfig):
    """What a bundle says of such a network, which is served and not changed.

    Args:
        k: Neighbours.
        weighted: Whether they count by their cosine.
    """

    k: int = 10
    weighted: bool = False

    def to_dict(self) -> dict[str, Any]:
        """A mapping that JSON can hold; by its keys nothing takes it for a network with evidence heads."""
        return {"encoder": self.encoder, "k": self.k, "weighted": self.weighted}


class NeighbourNetwork(RouterNetwork):
    """Token ids in, what the nearest candidates say out; the graph that is exported.

    Args:
        encoder: A Hugging Face encoder.
        learner: What has learned, on projected vectors.
        projection: What the encoder's mean last state is multiplied by, ``(width, width_after)``; None for
            nothing.
        output_tokens: Of each model's answers, ``(n_models,)``, NaN where none were recorded.
        latency_s: Likewise.
    """

    config: NeighbourConfig

    def __init__(
        self,
        encoder: Encoder,
        learner: NearestNeighbours,
        *,
        projection: npt.NDArray[np.float32] | None,
        output_tokens: npt.NDArray[np.float64],
        latency_s: npt.NDArray[np.float64],
    ) -> None:
        nn.Module.__init__(self)
        if getattr(encoder.model, "pooler", None) is not None:
            encoder.model.register_module("pooler", None)
        self.encoder = encoder.model
        heads = HeadConfig(n_features=encoder.width, n_models=learner.value.shape[1])
        self.config = NeighbourConfig(
            encoder_config(encoder), (encoder.n_layers,), heads, k=learner.k, weighted=learner.weighted
        )
        for name, value in {
            "projection": np.eye(encoder.width) if projection is None else projection,
            "candidate_vectors": learner.vectors,
            "candidate_values": np.nan_to_num(learner.value),
            "candidate_says": ~np.isnan(learner.value),
            "mean_value": learner.mean,
            "mean_output_tokens": output_tokens,
            "mean_latency_s": latency_s,
        }.items():
            self.register_buffer(name, torch.from_numpy(np.asarray(value, np.float32)))

    @property
    def predicts_usage(self) -> tuple[bool, bool]:
        """Whether output tokens, and whether latency, were recorded of any model."""
        tokens, latency = self.get_buffer("mean_output_tokens"), self.get_buffer("mean_latency_s")
        return not bool(tokens.isnan().all()), not bool(latency.isnan().all())

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        domain: Tensor | None = None,
        attributes: Tensor | None = None,
    ) -> Predictions:
        """Predictions for token ids and mask ``(n_prompts, length)``; a domain says nothing."""
        means = self.features(input_ids, attention_mask)[:, :-1]  # the last is the length
        vectors = torch.nn.functional.normalize(means @ self.get_buffer("projection"))
        likeness = vectors @ self.get_buffer("candidate_vectors").T
        k = min(self.config.k, likeness.shape[1])
        near = likeness >= likeness.topk(k, dim=1).values[:, -1:] - ALIKE
        weight = near * (likeness.clamp_min(ALIKE) if self.config.weighted else 1.0)
        total = weight @ self.get_buffer("candidate_says")
        found = weight @ self.get_buffer("candidate_values") / total.clamp_min(ALIKE)
        p = torch.where(total > 0, found, self.get_buffer("mean_value")).clamp(0, 1)
        if domain is not None:
            p = p + 0.0 * domain[:, None]  # an input of the graph must be read
        blank = torch.zeros_like(p)
        return Predictions(
            p,
            torch.full_like(p, torch.nan),
            blank + self.get_buffer("mean_output_tokens"),
            blank + self.get_buffer("mean_latency_s"),
        )
