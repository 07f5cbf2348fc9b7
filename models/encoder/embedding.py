"""Features of prompts by a pretrained encoder, for what embeds texts and trains nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from routoo.data.text import PromptTokenizer, TextPolicy
from routoo.models.encoder.encoder import Encoder, load_encoder
from routoo.models.encoder.features import Progress, on_accelerator, prompt_features
from routoo.models.encoder.pooling import default_layers


class EncoderFeatures:
    """Features of prompts by a pretrained encoder, which is loaded when first asked.

    Args:
        encoder: Its name, see `load_encoder`.
        last_layer: The means of its last layer alone, in place of all features of a network.
        cache_dir: Where features are kept.
        progress: Told after every batch.
    """

    def __init__(
        self,
        encoder: str,
        *,
        last_layer: bool = False,
        cache_dir: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.encoder, self.last_layer, self.cache_dir, self.progress = (
            encoder,
            last_layer,
            cache_dir,
            progress,
        )
        self._loaded: tuple[Encoder, PromptTokenizer] | None = None

    def __call__(self, prompts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Features of these prompts, ``(n_prompts, n_features)``."""
        encoder, tokenizer = self.load(prompts)
        layers = default_layers(encoder.n_layers)
        with on_accelerator(encoder, "auto"):
            found = prompt_features(
                encoder, tokenizer.encode(prompts), layers, cache_dir=self.cache_dir, progress=self.progress
            )
        return found[:, -1 - encoder.width : -1] if self.last_layer else found

    def load(self, prompts: Sequence[str]) -> tuple[Encoder, PromptTokenizer]:
        """The encoder and its tokenizer, loaded unless they are; `prompts` as in `load_encoder`.

        Raises:
            InputError: The encoder is nowhere to be found.
        """
        if self._loaded is None:
            encoder = load_encoder(self.encoder, texts=prompts)
            self._loaded = encoder, PromptTokenizer(encoder.tokenizer, TextPolicy())
        return self._loaded
