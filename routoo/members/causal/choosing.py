"""Which token comes next."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

_CHUNK = 256


def draws(seed: int, prompt_id: str, sample: int, n: int) -> npt.NDArray[np.float64]:
    """The numbers within 0 and 1 that choose the tokens of a sample, whatever batch it is in."""
    digest = hashlib.sha256(f"{seed}|{sample}|{prompt_id}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big")).random(n)


def likeliest(logits: Tensor) -> Tensor:
    """The token of the highest logit of each row, ``(n,)``; of equal ones the first."""
    return logits.argmax(-1)


def drawn(logits: Tensor, temperature: float, uniforms: Tensor) -> Tensor:
    """A token of each row with the probability that the logits give it, ``(n,)``.

    It is the first at which the cumulative probability passes the row's uniform number, so that a row's token
    depends on nothing but the row; sums are taken of chunks first.
    """
    n, vocabulary = logits.shape
    scaled = logits / temperature
    weights = (scaled - scaled.amax(-1, keepdim=True)).exp()
    weights = torch.nn.functional.pad(weights, (0, -vocabulary % _CHUNK)).view(n, -1, _CHUNK)
    sums = weights.sum(-1, dtype=torch.float64).cumsum(-1)
    wanted = uniforms.to(sums)[:, None] * sums[:, -1:]
    chunk = (sums <= wanted).sum(-1).clamp_max(sums.shape[1] - 1)
    rows = torch.arange(n, device=logits.device)
    before = torch.where(chunk > 0, sums[rows, chunk - 1], 0.0)
    inner = weights[rows, chunk].double().cumsum(-1) + before[:, None]
    within = (inner <= wanted).sum(-1)
    return (chunk * _CHUNK + within).clamp_max(vocabulary - 1)


def log_normaliser(logits: Tensor) -> Tensor:
    """What is to be taken off logits to make log-probabilities of them, ``(n,)``."""
    most = logits.amax(-1)
    return most + (logits - most[:, None]).exp().sum(-1).log()
