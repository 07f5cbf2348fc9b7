"""What a network says of prompts, batch after batch: features, hidden units, predictions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch

from routoo.data.text import EncodedPrompts
from routoo.models.encoder.feature_cache import Features
from routoo.models.encoder.features import Progress, read_features
from routoo.models.encoder.inputs import Inputs, input_tensors, network_features
from routoo.models.network.network import Predictions, RouterNetwork


def read_prompts(
    network: RouterNetwork, prompts: EncodedPrompts, *, progress: Progress | None = None
) -> Features:
    """Features ``(n_prompts, n_features)`` of encoded prompts, by the network's own trunk."""
    return read_features(
        network.features,
        prompts,
        width=network.config.heads.n_features,
        device=network.calibration.device,
        progress=progress,
    )


def predict_inputs(
    network: RouterNetwork,
    inputs: Inputs,
    rows: npt.NDArray[np.intp],
    *,
    domain: npt.NDArray[np.int64] | None = None,
    labels: npt.NDArray[np.int64] | None = None,
    size: int = 256,
) -> Predictions:
    """Calibrated predictions for rows of features or of encoded prompts, in the order of `rows`.

    `domain` ``(n_prompts,)`` numbers the domain of each row of `inputs` where it is known, else -1, and
    `labels` ``(n_prompts, n_labels)`` its value of each label.
    """
    parts = []
    with torch.inference_mode():
        for chosen, features in _features(network, inputs, rows, size):
            told = (None if ids is None else torch.from_numpy(ids[chosen]) for ids in (domain, labels))
            parts.append(network.predict_features(features, *told))
    return Predictions(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


def hidden_units(
    network: RouterNetwork, inputs: Inputs, rows: npt.NDArray[np.intp]
) -> npt.NDArray[np.float64]:
    """What each member's hidden layer says of these rows, ``(members, n_rows, width)``."""
    with torch.inference_mode():
        parts = [network.heads.hidden_units(features) for _, features in _features(network, inputs, rows)]
    return torch.cat(parts, dim=1).double().numpy()


def _features(
    network: RouterNetwork, inputs: Inputs, rows: npt.NDArray[np.intp], size: int = 256
) -> Iterator[tuple[npt.NDArray[np.intp], torch.Tensor]]:
    """Row numbers and their features, batch after batch."""
    for at in range(0, len(rows), size):
        chosen = rows[at : at + size]
        yield chosen, network_features(network, input_tensors(inputs, chosen))
