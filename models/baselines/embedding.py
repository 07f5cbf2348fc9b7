"""What baselines that read text learn from: an embedding of each prompt."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Embed = Callable[[Sequence[str]], npt.NDArray[np.float32]]
"""Texts to vectors, ``(n_prompts, width)``."""


def remembered(embed: Embed) -> Embed:
    """The same embedding, each text computed once."""
    known: dict[str, npt.NDArray[np.float32]] = {}

    def found(prompts: Sequence[str]) -> npt.NDArray[np.float32]:
        new = [text for text in dict.fromkeys(prompts) if text not in known]
        if new:
            known.update(zip(new, embed(new), strict=True))
        return np.stack([known[text] for text in prompts])

    return found
