"""A Gaussian kernel between a prompt and some that were learned from: how alike their embeddings are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

Array = npt.NDArray[np.float64]

MOST_CENTRES = 600
_SQUARED_LENGTH = 0.7  # of the kernel, where embeddings lie 1 from their mean on average
_JITTER = 1e-4


class Kernel(nn.Module):
    """Features of a prompt to inputs of a regression whose products are a Gaussian kernel on the centres.

    The kernel is ``exp(-|e - c|² / 2)`` for embeddings e and c in units of its length, and elsewhere the
    products are Nyström's approximation of it (Williams and Seeger 2001). `root` is the inverse square root
    of the kernel among the centres.

    Args:
        n_features: Features, of which the last is the length and no part of the embedding.
        skipped: Features before the embedding: those of the layer that knows words alone.
        n_centres: How many centres.
    """

    mean: Tensor
    factor: Tensor
    centres: Tensor
    root: Tensor

    def __init__(self, n_features: int, skipped: int, n_centres: int) -> None:
        super().__init__()
        self.span = slice(skipped, n_features - 1)
        width = n_features - 1 - skipped
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("factor", torch.ones(width))
        self.register_buffer("centres", torch.zeros(n_centres, width))
        self.register_buffer("root", torch.eye(n_centres))

    def forward(self, features: Tensor) -> Tensor:
        """The inputs, ``(n_prompts, n_centres)``; their squares sum to the share that the centres cover."""
        e = (features[:, self.span] - self.mean) * self.factor
        squared = (e**2).sum(1, keepdim=True) + (self.centres**2).sum(1) - 2 * e @ self.centres.T
        return (squared.clamp_min(0.0) / -2).exp() @ self.root


def fit_kernel(features: npt.NDArray[np.float32], layers: int, *, seed: int) -> Kernel:
    """The kernel on the embeddings of some prompts; its centres are prompts drawn at random.

    Args:
        features: ``(n_prompts, n_features)``: that many layers side by side, then the length.
        layers: How many; each counts alike, the first one not at all where there are others.
        seed: Of the centres.
    """
    width = (features.shape[1] - 1) // layers
    skipped = width if layers > 1 else 0
    embedded = features[:, skipped:-1].astype(np.float64)
    mean = embedded.mean(0)
    squares = ((embedded - mean) ** 2).mean(0).reshape(-1, width).sum(1)
    units = np.sqrt(np.maximum(squares, 1e-12) * len(squares) * _SQUARED_LENGTH)
    factor = np.repeat(1 / units, width)
    chosen = np.random.default_rng(seed).permutation(len(features))[:MOST_CENTRES]
    centres = np.unique((embedded[chosen] - mean) * factor, axis=0)
    squared = (centres**2).sum(1)
    apart = np.maximum(squared[:, None] + squared - 2 * centres @ centres.T, 0.0)
    lengths, directions = np.linalg.eigh(np.exp(-apart / 2))
    root: Array = directions / np.sqrt(np.maximum(lengths, _JITTER)) @ directions.T
    kernel = Kernel(features.shape[1], skipped, len(centres))
    for name, value in (("mean", mean), ("factor", factor), ("centres", centres), ("root", root)):
        getattr(kernel, name).copy_(torch.from_numpy(value))
    return kernel
