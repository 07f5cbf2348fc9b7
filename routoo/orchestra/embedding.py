"""An embedding of prompts: what an encoder makes of them, projected so that pairs are apart or together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import normalize

from routoo.data.checks.arguments import number
from routoo.data.errors import InputError
from routoo.models.encoder.encoder import MINILM
from routoo.models.training.options import default_cache_dir

if TYPE_CHECKING:
    from routoo.models.encoder.features import EncoderFeatures
    from routoo.orchestra.pairs import Pairs

Floats = npt.NDArray[np.float32]

MARGIN = 0.5
"""Cosine distance from which on two that do not belong together are far enough apart."""

_BATCH = 256


@dataclass(frozen=True, eq=False)
class Embedding:
    """Texts to vectors: the mean over the tokens of an encoder's last layer, and what it was tuned to.

    Args:
        encoder: A folder, a hub id, or ``tiny`` (see `routoo.models.encoder.encoder.load_encoder`).
        projection: What vectors are multiplied by, ``(width, width)``; None for the encoder as it is.
        cache_dir: Where what the encoder says is kept.
    """

    encoder: str = MINILM
    projection: Floats | None = None
    cache_dir: Path | None = field(default_factory=default_cache_dir)

    def __post_init__(self) -> None:
        from routoo.models.encoder.features import EncoderFeatures

        features = EncoderFeatures(self.encoder, last_layer=True, cache_dir=self.cache_dir)
        object.__setattr__(self, "_features", features)

    @property
    def features(self) -> EncoderFeatures:
        """What reads prompts, before the projection."""
        found: EncoderFeatures = self._features  # type: ignore[attr-defined]  # set when it was made
        return found

    def __call__(self, texts: Sequence[str]) -> Floats:
        """Vectors of unit length, ``(n_texts, width)``."""
        vectors = self.features(texts)
        return np.asarray(
            normalize(vectors if self.projection is None else vectors @ self.projection), np.float32
        )

    def tuned(
        self,
        texts: Sequence[str],
        pairs: Pairs,
        *,
        epochs: int = 5,
        learning_rate: float = 1e-3,
        seed: int = 0,
    ) -> Embedding:
        """The same encoder with a projection that brings alike texts together, and keeps others apart.

        A linear projection is learned on the frozen encoder, beginning with the one that there is, by
        ``y d^2 + (1 - y) max(0, 0.5 - d)^2`` of the cosine distance ``d``. The paper (arXiv 2311.09758) tunes
        all of the encoder.

        Args:
            texts: What pairs are of.
            pairs: See `routoo.orchestra.pairs`.
            epochs: Passes over the pairs.
            learning_rate: Of Adam.
            seed: Of the order of the pairs.

        Raises:
            InputError: There is no pair.
        """
        if not len(pairs):
            raise InputError("there is no pair to tune an embedding to: give more prompts")
        number("epochs", epochs, least=1, whole=True)
        features = self.features(texts)
        start = np.eye(features.shape[1], dtype=np.float32) if self.projection is None else self.projection
        found = _projection(features, pairs, start, epochs=epochs, learning_rate=learning_rate, seed=seed)
        made = replace(self, projection=found)
        object.__setattr__(made, "_features", self.features)  # the encoder of ``tiny`` is one of these texts
        return made


def _projection(
    features: Floats, pairs: Pairs, start: Floats, *, epochs: int, learning_rate: float, seed: int
) -> Floats:
    import torch

    states = torch.from_numpy(features)
    first, second = torch.from_numpy(pairs.first), torch.from_numpy(pairs.second)
    alike = torch.from_numpy(pairs.alike)
    weight = torch.nn.Parameter(torch.from_numpy(start.copy()))
    optimizer = torch.optim.Adam([weight], lr=learning_rate)
    draw = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        order = torch.randperm(len(pairs), generator=draw)
        for at in range(0, len(pairs), _BATCH):
            rows = order[at : at + _BATCH]
            cosine = torch.nn.functional.cosine_similarity(
                states[first[rows]] @ weight, states[second[rows]] @ weight
            )
            distance = 1 - cosine
            loss = torch.where(alike[rows], distance, (MARGIN - distance).clamp_min(0)).square().mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            optimizer.step()
    return weight.detach().numpy()
