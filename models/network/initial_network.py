"""The network that training starts from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from routoo.models.encoder.trunk import Trunk, layers_of, trunk_config
from routoo.models.label_effects import domain_odds, label_effects
from routoo.models.network.heads import HeadConfig
from routoo.models.network.network import NetworkConfig, RouterNetwork, default_layers
from routoo.models.training.options import TrainOptions
from routoo.models.training.targets import Targets, shrunk_log_odds


def initial_network(
    trunk: Trunk, targets: Targets, fitting: npt.NDArray[np.intp], options: TrainOptions
) -> RouterNetwork:
    """The network before training, on this trunk: heads that start out as the shrunk table of means.

    Args:
        trunk: Its last layers learn as the options say, in place.
        targets: What is to be learned.
        fitting: Rows of the targets that may be learned from.
        options: See `TrainOptions`.
    """
    layers = default_layers(trunk.n_layers)
    heads = HeadConfig(
        n_features=trunk.width * len(layers) + 1,
        n_models=targets.score.shape[1],
        n_domains=len(targets.domains),
        labels=tuple(label.n_values for label in targets.labels),
        kind=options.heads,
        width=options.width,
        rank=options.rank,
        members=options.members,
        dropout=options.dropout,
        output_tokens=targets.log_tokens is not None,
        latency=targets.log_latency is not None,
    )
    network = RouterNetwork(trunk.model, NetworkConfig(trunk_config(trunk), layers, heads))
    seen = targets.rows(fitting)
    with torch.no_grad():
        base = shrunk_log_odds(seen)
        network.heads.base.copy_(torch.from_numpy(base))
        if network.heads.labels is not None:
            effects, variance = label_effects(seen, base)
            network.heads.labels.table.copy_(torch.from_numpy(effects))
            network.heads.labels.variance.copy_(torch.from_numpy(variance))
            network.heads.labels.domain_odds.copy_(torch.from_numpy(domain_odds(seen)))
        for head, known in (
            (network.heads.tokens, seen.log_tokens),
            (network.heads.latency, seen.log_latency),
        ):
            if head is not None and known is not None:
                head.bias.copy_(torch.from_numpy(_column_means(known)))
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


def _column_means(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Mean of what is known in each column; the overall mean where a column is empty."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0).sum(0)
    overall = total.sum() / max(known.sum(), 1)
    return np.asarray(np.where(known.any(0), total / known.sum(0).clip(1), overall), np.float32)
