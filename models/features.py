"""Features of prompts from a frozen trunk, computed once and kept on disk."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from routoo.models.network import pooled_features

if TYPE_CHECKING:
    from routoo.data.text import EncodedPrompts
    from routoo.models.trunk import Trunk

Features = npt.NDArray[np.float32]
Progress = Callable[[int, int], None]
"""Called with what is done and what there is to do, in prompts."""

_VERSION = 1
TOKENS_PER_BATCH = 8192


def prompt_features(
    trunk: Trunk,
    prompts: EncodedPrompts,
    layers: tuple[int, ...],
    *,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
) -> Features:
    """Features ``(n_prompts, n_features)`` float32 of encoded prompts (see `pooled_features`).

    Args:
        trunk: The encoder; it runs where its weights are.
        prompts: Token ids, as the same trunk's tokenizer made them.
        layers: Hidden states to pool.
        cache_dir: Where to keep features, named by a hash of the weights, the token ids and the layers;
            nothing is kept when not given.
        progress: Told after every batch.
    """
    kept = None
    if cache_dir is not None:
        kept = cache_dir / f"{_fingerprint(trunk, prompts, layers)}.npy"
        if kept.is_file():
            found = _read(kept, len(prompts))
            if found is not None:
                if progress:
                    progress(len(prompts), len(prompts))
                return found
    features = read_features(
        partial(pooled_features, trunk.model, layers),
        prompts,
        width=trunk.width * len(layers) + 1,
        device=next(trunk.model.parameters()).device,
        progress=progress,
    )
    if kept is not None:
        _write(kept, features)
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
        prompts: Token ids, as the tokenizer of the trunk that reads them made them.
        width: Of the features.
        device: Where the trunk is.
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


def _fingerprint(trunk: Trunk, prompts: EncodedPrompts, layers: tuple[int, ...]) -> str:
    digest = hashlib.sha256(f"{_VERSION}|{layers}|{has_native_bf16()}".encode())
    for name, weight in sorted(trunk.model.state_dict().items()):
        if name.startswith("pooler."):  # never read, and taken off once the trunk is part of a network
            continue
        digest.update(name.encode())
        digest.update(weight.detach().cpu().numpy().tobytes())
    for ids in prompts.ids:
        digest.update(np.array([len(ids), *ids], np.int32).tobytes())
    return digest.hexdigest()[:32]


def _read(path: Path, n_prompts: int) -> Features | None:
    """The kept features, or None when the file is damaged: it is then computed again."""
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError):
        return None
    ok = isinstance(found, np.ndarray) and found.ndim == 2 and len(found) == n_prompts
    return np.asarray(found, np.float32) if ok else None


def _write(path: Path, features: Features) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            np.save(file, features, allow_pickle=False)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
