"""Features of prompts by a pretrained encoder, for what embeds texts and trains nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from routoo.data.text import PromptEncoder, TextPolicy
from routoo.models.encoder.features import Progress, on_accelerator, prompt_features
from routoo.models.encoder.pooling import default_layers
from routoo.models.encoder.trunk import Trunk, load_trunk


class TrunkFeatures:
    """Features of prompts by a pretrained trunk, which is loaded when first asked.

    Args:
        trunk: Its name, see `load_trunk`.
        last_layer: The means of its last layer alone, in place of all features of a network.
        cache_dir: Where features are kept.
        progress: Told after every batch.
    """

    def __init__(
        self,
        trunk: str,
        *,
        last_layer: bool = False,
        cache_dir: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.trunk, self.last_layer, self.cache_dir, self.progress = trunk, last_layer, cache_dir, progress
        self._loaded: tuple[Trunk, PromptEncoder] | None = None

    def __call__(self, prompts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Features of these prompts, ``(n_prompts, n_features)``."""
        trunk, encoder = self.load(prompts)
        layers = default_layers(trunk.n_layers)
        with on_accelerator(trunk, "auto"):
            found = prompt_features(
                trunk, encoder.encode(prompts), layers, cache_dir=self.cache_dir, progress=self.progress
            )
        return found[:, -1 - trunk.width : -1] if self.last_layer else found

    def load(self, prompts: Sequence[str]) -> tuple[Trunk, PromptEncoder]:
        """The trunk and what encodes prompts for it, loaded unless it is; `prompts` as in `load_trunk`.

        Raises:
            InputError: The trunk is nowhere to be found.
        """
        if self._loaded is None:
            trunk = load_trunk(self.trunk, texts=prompts)
            self._loaded = trunk, PromptEncoder(trunk.tokenizer, TextPolicy())
        return self._loaded
