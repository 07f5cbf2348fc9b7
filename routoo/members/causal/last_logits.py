"""The output layer, run where a token is to be chosen and nowhere else."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

_CANDIDATES = 16


class LastLogits:
    """Makes an output layer give logits of the last token of each row, in float32.

    The matrix product runs in the format of the weights, and those of the likeliest tokens are then worked
    out anew in float32: in bfloat16 logits near 20 are an eighth apart, too far for margins, and ties would
    go to the lower token.

    Args:
        layer: The output layer.
    """

    def __init__(self, layer: nn.Linear) -> None:
        self.last: Tensor | None = None
        self._handles = [
            layer.register_forward_pre_hook(self._before),
            layer.register_forward_hook(self._after),
        ]

    def remove(self) -> None:
        """Leaves the output layer as it was."""
        for handle in self._handles:
            handle.remove()

    def _before(self, layer: nn.Module, given: tuple[Any, ...]) -> tuple[Tensor]:
        hidden: Tensor = given[0]
        if self.last is None:
            return (hidden[:, -1:],)
        return (hidden[torch.arange(len(hidden), device=hidden.device), self.last][:, None],)

    def _after(self, layer: nn.Module, given: tuple[Any, ...], logits: Tensor) -> Tensor:
        if logits.dtype == torch.float32:
            return logits
        assert isinstance(layer.weight, Tensor)  # for the type checker
        found = logits.float()
        likeliest = found.topk(min(_CANDIDATES, found.shape[-1])).indices
        weights = layer.weight[likeliest].float()
        exact = (weights * given[0].float()[..., None, :]).sum(-1)
        if isinstance(layer.bias, Tensor):
            exact += layer.bias[likeliest].float()
        return found.scatter(-1, likeliest, exact)
