"""What a network is trained on: prompts, read as far as nothing that learns is in the way."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from routoo.data.text import EncodedPrompts
from routoo.models.encoder.feature_cache import Features
from routoo.models.encoder.lower_layers import LowerLayers, upper_features
from routoo.models.network.network import RouterNetwork

Inputs = Features | EncodedPrompts | LowerLayers
"""Features of a frozen encoder, token ids for one that learns, or what its frozen layers say of them."""


def input_tensors(inputs: Inputs, rows: npt.NDArray[np.intp]) -> dict[str, Tensor]:
    """What `network_features` takes, for these rows of inputs of any kind."""
    if isinstance(inputs, LowerLayers):
        return inputs.batch(rows)
    if isinstance(inputs, EncodedPrompts):
        ids, mask = inputs.batch(rows)
        return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
    return {"features": torch.from_numpy(inputs[rows])}


def network_features(network: RouterNetwork, batch: dict[str, Tensor]) -> Tensor:
    """The features of a batch, computed as far as they are not yet."""
    if "features" in batch:
        return batch["features"]
    if "lower_states" in batch:
        return upper_features(network.encoder, network.config.layers, batch)
    return network.features(batch["input_ids"], batch["attention_mask"])
