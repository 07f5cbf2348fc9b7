"""The network that training starts from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from routoo.models.encoder.pooling import default_layers
from routoo.models.encoder.trunk import Trunk, layers_of, trunk_config
from routoo.models.network.heads import HeadConfig
from routoo.models.network.network import NetworkConfig, RouterNetwork
from routoo.models.training.options import TrainOptions
from routoo.models.training.targets import Targets, shrunk_log_odds


def initial_network(
    trunk: Trunk, targets: Targets, seen: npt.NDArray[np.bool_], options: TrainOptions
) -> RouterNetwork:
    """The network before training, on this trunk: heads that start out as the shrunk table of means.

    Args:
        trunk: Its last layers learn as the options say, in place.
        targets: What is to be learned.
        seen: Prompts that each member may learn from, ``(members, n_prompts)``.
        options: See `TrainOptions`.
    """
    layers = default_layers(trunk.n_layers)
    heads = HeadConfig(
        n_features=trunk.width * len(layers) + 1,
        n_models=targets.score.shape[1],
        n_domains=len(targets.domains),
        labels=tuple(label.n_values for label in targets.labels),
        width=options.width,
        members=options.members,
        dropout=options.dropout,
    )
    network = RouterNetwork(trunk.model, NetworkConfig(trunk_config(trunk), layers, heads))
    with torch.no_grad():
        levels = [shrunk_log_odds(targets.rows(np.flatnonzero(rows))) for rows in seen]
        network.heads.level.copy_(torch.from_numpy(np.stack(levels)))
    trainable = {"frozen": 0, "last": options.tuned_layers, "full": trunk.n_layers}[options.tune]
    _freeze(trunk, trainable)
    return network


def _freeze(trunk: Trunk, trainable: int) -> None:
    """Lets only the last layers learn; all of them means the embeddings too."""
    whole = 0 < trainable >= trunk.n_layers
    trunk.model.requires_grad_(whole)
    if not whole and trainable:
        for layer in layers_of(trunk.model)[-trainable:]:
            layer.requires_grad_(True)
