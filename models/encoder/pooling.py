"""From hidden states of the encoder to the features of a prompt."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def pooled_features(
    encoder: nn.Module, layers: tuple[int, ...], input_ids: Tensor, attention_mask: Tensor
) -> Tensor:
    """Features ``(n_prompts, len(layers) * hidden + 1)`` of token ids and mask ``(n_prompts, length)``.

    The mean over the tokens of each chosen layer, scaled to unit length, side by side: the embedding layer
    knows words, the middle form, the last meaning. Then the log of the number of tokens read.
    """
    states = encoder(
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
