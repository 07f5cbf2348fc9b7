"""Features of prompts from a frozen encoder, computed once a prompt and kept on disk."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from routoo.models.encoder.feature_cache import FeatureCache, Features
from routoo.models.encoder.pooling import pooled_features

if TYPE_CHECKING:
    from routoo.data.text import EncodedPrompts
    from routoo.models.encoder.encoder import Encoder

Progress = Callable[[int, int], None]
"""Called with what is done and what there is to do, in prompts."""

_VERSION = 2
TOKENS_PER_BATCH = 8192


def prompt_features(
    encoder: Encoder,
    prompts: EncodedPrompts,
    layers: tuple[int, ...],
    *,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
) -> Features:
    """Features ``(n_prompts, n_features)`` float32 of encoded prompts (see `pooled_features`).

    Args:
        encoder: The encoder; it runs where its weights are.
        prompts: Token ids, as the same encoder's tokenizer made them.
        layers: Hidden states to pool.
        cache_dir: Where to keep features, by hashes of the weights, the layers and each prompt's token ids:
            a set that grows has only its new prompts read. Nothing is kept when not given, or, with a
            warning, where it cannot be written.
        progress: Told after every batch.
    """
    width = encoder.width * len(layers) + 1
    read = partial(
        read_features,
        partial(pooled_features, encoder.model, layers),
        width=width,
        device=next(encoder.model.parameters()).device,
    )
    if cache_dir is None:
        return read(prompts, progress=progress)
    cache = FeatureCache(cache_dir / _fingerprint(encoder, layers), width)
    features, missing = cache.find(prompts.ids)
    if progress:
        progress(len(prompts) - len(missing), len(prompts))
    if len(missing):
        further = None if progress is None else _from(len(prompts) - len(missing), progress)
        new = prompts.rows(missing)
        features[missing] = read(new, progress=further)
        try:
            cache.add(new.ids, features[missing])
        except OSError as error:
            warnings.warn(f"{cache_dir}: features are not kept: {error.strerror or error}", stacklevel=2)
    return features


def read_features(
    read: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    prompts: EncodedPrompts,
    *,
    width: int,
    device: torch.device,
    progress: Progress | None = None,
) -> Features:
    """Features ``(n_prompts, width)`` float32 of encoded prompts, in batches of like lengths.

    Args:
        read: Token ids and mask of a batch to its features.
        prompts: Token ids, as the tokenizer of the encoder that reads them made them.
        width: Of the features.
        device: Where the encoder is.
        progress: Told after every batch.
    """
    out = np.empty((len(prompts), width), np.float32)
    done = 0
    with torch.inference_mode(), autocast(device):
        for rows in prompts.batches(TOKENS_PER_BATCH):
            ids, mask = (torch.from_numpy(array).to(device) for array in prompts.batch(rows))
            out[rows] = read(ids, mask).float().cpu().numpy()
            done += len(rows)
            if progress:
                progress(done, len(prompts))
    return out


def in_batches(rows: npt.NDArray[Any], size: int = 512) -> Iterator[npt.NDArray[Any]]:
    """The rows, so many at a time, in order."""
    return (rows[at : at + size] for at in range(0, len(rows), size))


@contextmanager
def on_accelerator(encoder: Encoder, accelerator: str) -> Iterator[None]:
    """Has the encoder on the graphics card while it reads, where there is one and `accelerator` allows it."""
    before = next(encoder.model.parameters()).device
    if uses_gpu(accelerator):
        torch.nn.Module.to(encoder.model, "cuda")
    try:
        yield
    finally:
        torch.nn.Module.to(encoder.model, before)


def uses_gpu(accelerator: str) -> bool:
    """Whether what Lightning calls by this name is a graphics card of CUDA that is there."""
    return accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()


def autocast(device: torch.device) -> AbstractContextManager[object]:
    """bfloat16 where the processor multiplies it natively, else nothing."""
    if device.type == "cuda":
        return torch.autocast("cuda", torch.bfloat16, enabled=torch.cuda.is_bf16_supported())
    if device.type == "cpu" and has_native_bf16():
        return torch.autocast("cpu", torch.bfloat16)
    return nullcontext()


def has_native_bf16() -> bool:
    """Whether this CPU has bfloat16 instructions: emulated ones are slower than float32."""
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: False)() for name in checks)


def _from(before: int, progress: Progress) -> Progress:
    """Tells of so many prompts more than are being read."""
    return lambda done, total: progress(before + done, before + total)


def _fingerprint(encoder: Encoder, layers: tuple[int, ...]) -> str:
    device = next(encoder.model.parameters()).device.type
    digest = hashlib.sha256(f"{_VERSION}|{layers}|{device}|{has_native_bf16()}".encode())
    for name, weight in sorted(encoder.model.state_dict().items()):
        if name.startswith("pooler."):  # never read, and taken off once the encoder is part of a network
            continue
        digest.update(name.encode())
        digest.update(weight.detach().cpu().numpy().tobytes())
    return digest.hexdigest()[:32]
