"""Features of prompts: means over the tokens of hidden states, computed once a prompt and kept on disk."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from routoo.data.progress import Progress
from routoo.data.text import EncodedPrompts, PromptTokenizer, TextPolicy
from routoo.models.encoder.encoder import Encoder, load_encoder
from routoo.models.encoder.feature_cache import FeatureCache, Features

_VERSION = 2
_TOKENS_PER_BATCH = 8192
_MOST_KNOWN = 50_000  # texts that are remembered: 230 MB of MiniLM's features


class EncoderFeatures:
    """Features of prompts by a pretrained encoder, which is loaded when first asked; a text is read once.

    Args:
        encoder: Its name, see `load_encoder`.
        last_layer: The means of its last layer alone, in place of all features of a network.
        cache_dir: Where features are kept.
        progress: Called after every batch.
    """

    def __init__(
        self,
        encoder: str,
        *,
        last_layer: bool = False,
        cache_dir: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.encoder, self.last_layer = encoder, last_layer
        self.cache_dir, self.progress = cache_dir, progress
        self._loaded: tuple[Encoder, PromptTokenizer] | None = None
        self._known: dict[str, Features] = {}

    def __call__(self, prompts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Features of these prompts, ``(n_prompts, n_features)``."""
        encoder, tokenizer = self.load(prompts)
        layers = default_layers(encoder.n_layers)
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        new = [text for text in dict.fromkeys(prompts) if text not in self._known]
        if new or not prompts:
            with on_accelerator(encoder, "auto"):
                found = prompt_features(
                    encoder, tokenizer.encode(new), layers, cache_dir=self.cache_dir, progress=self.progress
                )
            rows = found[:, -1 - encoder.width : -1] if self.last_layer else found
            if not prompts:
                return rows
            self._known.update(zip(new, rows, strict=True))
        return np.stack([self._known[text] for text in prompts])

    def load(self, prompts: Sequence[str]) -> tuple[Encoder, PromptTokenizer]:
        """The encoder and its tokenizer, loaded unless they are; `prompts` as in `load_encoder`.

        Raises:
            InputError: The encoder is nowhere to be found.
        """
        if self._loaded is None:
            encoder = load_encoder(self.encoder, texts=prompts)
            self._loaded = encoder, PromptTokenizer(encoder.tokenizer, TextPolicy())
        return self._loaded


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
        progress: Called after every batch of the prompts that are read.
    """
    if cache_dir is None:
        return _read(encoder, prompts, layers, progress)
    cache = FeatureCache(cache_dir / _fingerprint(encoder, layers), encoder.width * len(layers) + 1)
    features, missing = cache.find(prompts.ids)
    if len(missing):
        new = prompts.rows(missing)
        features[missing] = _read(encoder, new, layers, progress)
        try:
            cache.add(new.ids, features[missing])
        except OSError as error:
            warnings.warn(f"{cache_dir}: features are not kept: {error.strerror or error}", stacklevel=2)
    return features


def _read(
    encoder: Encoder, prompts: EncodedPrompts, layers: tuple[int, ...], progress: Progress | None
) -> Features:
    """The features of prompts, in batches of like lengths."""
    device = next(encoder.model.parameters()).device
    out = np.empty((len(prompts), encoder.width * len(layers) + 1), np.float32)
    done = 0
    with torch.inference_mode(), _autocast(device.type):
        for rows in prompts.batches(_TOKENS_PER_BATCH):
            ids, mask = (torch.from_numpy(array).to(device) for array in prompts.batch(rows))
            out[rows] = pooled_features(encoder.model, layers, ids, mask).float().cpu().numpy()
            done += len(rows)
            if progress:
                progress(done, len(prompts))
    return out


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
    means = [_unit_mean(states[layer], attention_mask) for layer in layers]
    return torch.cat([*means, attention_mask.sum(1, keepdim=True).float().log1p()], dim=1)


def _unit_mean(states: Tensor, attention_mask: Tensor) -> Tensor:
    """The mean over the tokens of a hidden state ``(n_prompts, length, width)``, scaled to unit length."""
    mask = attention_mask.unsqueeze(-1).float()
    mean = (states.float() * mask).sum(1) / mask.sum(1)
    unit: Tensor = mean / mean.norm(dim=1, keepdim=True).clamp_min(1e-6)
    return unit


def default_layers(n_layers: int) -> tuple[int, ...]:
    """The embedding layer, the middle one and the last."""
    return tuple(sorted({0, (n_layers + 1) // 2, n_layers}))


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


def _autocast(device: str) -> torch.autocast:
    """bfloat16 where the device multiplies it natively, else nothing."""
    return torch.autocast(device, torch.bfloat16, enabled=has_native_bf16(device))


def has_native_bf16(device: str) -> bool:
    """Whether a graphics card, or this CPU, has bfloat16 instructions: emulated ones are slow."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: False)() for name in checks)


def _fingerprint(encoder: Encoder, layers: tuple[int, ...]) -> str:
    device = next(encoder.model.parameters()).device.type
    digest = hashlib.sha256(f"{_VERSION}|{layers}|{device}|{has_native_bf16(device)}".encode())
    for name, weight in sorted(encoder.model.state_dict().items()):
        if name.startswith("pooler."):  # never read, and taken off once the encoder is part of a network
            continue
        digest.update(name.encode())
        digest.update(weight.detach().cpu().numpy().tobytes())
    return digest.hexdigest()[:32]
