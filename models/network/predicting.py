"""What a network predicts of prompts, batch after batch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from routoo.data.text import EncodedPrompts
from routoo.models.encoder.feature_cache import Features
from routoo.models.evidence.evidence import HeadPredictions, Predictions
from routoo.models.network.network import RouterNetwork

_BATCH = 256

Inputs = Features | EncodedPrompts
"""Features of a frozen encoder, or token ids for one that learns."""


def input_tensors(inputs: Inputs, rows: npt.NDArray[np.intp]) -> dict[str, Tensor]:
    """What `network_features` takes, for these rows of inputs of any kind."""
    if isinstance(inputs, EncodedPrompts):
        ids, mask = inputs.batch(rows)
        return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
    return {"features": torch.from_numpy(inputs[rows])}


def network_features(network: RouterNetwork, batch: dict[str, Tensor]) -> Tensor:
    """The features of a batch, computed as far as they are not yet."""
    if "features" in batch:
        return batch["features"]
    return network.features(batch["input_ids"], batch["attention_mask"])


def features_of(network: RouterNetwork, inputs: Inputs, rows: npt.NDArray[np.intp]) -> Features:
    """Features ``(n_rows, n_features)`` of rows of inputs of any kind."""
    with torch.inference_mode():
        parts = [network_features(network, input_tensors(inputs, chosen)) for chosen in _batches(rows)]
    return torch.cat(parts).float().numpy()


def cross_fitted(network: RouterNetwork, features: Features, seen: npt.NDArray[np.bool_]) -> HeadPredictions:
    """What the heads predict of each prompt, by the members that have not learned from it.

    Args:
        network: Its heads were trained.
        features: ``(n_prompts, n_features)``.
        seen: Which prompts each member learned from, ``(members, n_prompts)``; none by all of them.
    """
    unseen = torch.from_numpy(~seen)[:, :, None].float()
    with torch.inference_mode():
        return network.head_predictions(torch.from_numpy(features), unseen / unseen.sum(0))


def predict_inputs(
    network: RouterNetwork,
    inputs: Inputs,
    rows: npt.NDArray[np.intp],
    *,
    domain: npt.NDArray[np.int64] | None = None,
    attributes: npt.NDArray[np.int64] | None = None,
) -> Predictions:
    """Predictions for rows of features or of encoded prompts, in the order of `rows`.

    `domain` ``(n_prompts,)`` numbers the domain of each row of `inputs` where it is known, else -1, and
    `attributes` ``(n_prompts, n_attributes)`` its value of each further attribute.
    """
    parts: list[tuple[Tensor, ...]] = []
    with torch.inference_mode():
        for chosen in _batches(rows):
            features = network_features(network, input_tensors(inputs, chosen))
            observed = (
                None if ids is None else torch.from_numpy(ids[chosen]) for ids in (domain, attributes)
            )
            parts.append(network.predict_features(features, *observed))
    return Predictions(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


def _batches(rows: npt.NDArray[np.intp]) -> Iterator[npt.NDArray[np.intp]]:
    return (rows[at : at + _BATCH] for at in range(0, len(rows), _BATCH))
