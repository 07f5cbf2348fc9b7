"""Attention of one new token a row, in two matrix products for all rows."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

_NAME = "routoo_one_token"


def attend_by_products(model: Any) -> None:  # Any: a network of transformers
    """Has a network that would use torch's attention on a processor use two products where that is faster.

    Torch's kernel for processors is made for long queries: for one token a row it takes three times as long
    as the products, whose groups of heads share their keys and values.
    """
    if model.device.type != "cpu" or model.config._attn_implementation != "sdpa":
        return
    AttentionInterface.register(_NAME, _attend)
    AttentionMaskInterface.register(_NAME, ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])
    model.set_attn_implementation(_NAME)


def _attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **others: Any,  # what networks pass on to attention of some kind
) -> tuple[Tensor, None]:
    rows, heads, length, width = query.shape
    if length > 1 or attention_mask is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **others)
    shared = key.shape[1]
    grouped = query.reshape(rows, shared, heads // shared, width)
    scores = (grouped @ key.transpose(2, 3)).float() * (width**-0.5 if scaling is None else scaling)
    weights = scores.masked_fill(~attention_mask, -torch.inf).softmax(-1).to(value.dtype)
    return (weights @ value).reshape(rows, 1, heads, -1), None
