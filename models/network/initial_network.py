"""The network that training starts from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from routoo.models.encoder.encoder import Encoder, encoder_config, layers_of
from routoo.models.encoder.features import default_layers
from routoo.models.network.heads import HeadConfig
from routoo.models.network.network import NetworkConfig, RouterNetwork
from routoo.models.training.options import TrainOptions
from routoo.models.training.targets import Targets, shrunk_log_odds


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
    _freeze(encoder, trainable)
    return network


def _freeze(encoder: Encoder, trainable: int) -> None:
    """Lets only the last layers learn; all of them means the embeddings too."""
    whole = 0 < trainable >= encoder.n_layers
    encoder.model.requires_grad_(whole)
    if not whole and trainable:
        for layer in layers_of(encoder.model)[-trainable:]:
            layer.requires_grad_(True)
