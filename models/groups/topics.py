"""Groups of prompts that share words: what stands in for domains where nobody recorded any."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import svds

from routoo.models.groups.kmeans import spherical_centres, unit_rows

Floats = npt.NDArray[np.float64]
Groups = npt.NDArray[np.intp]

_WORD = re.compile(r"\w+")
_CHARACTERS = 4000  # read of a prompt
_BUCKETS = 1 << 16
_WIDTH = 32
_PROMPTS_EACH, _MOST = 100, 64


@dataclass(frozen=True, eq=False)
class Topics:
    """Topics read off some prompts, to which any prompt belongs by its words.

    Words are hashed and weighed by how rare they are, reduced by a singular value decomposition (Deerwester
    and others 1990), and grouped by spherical k-means.

    Args:
        rarity: Weight of each bucket of words.
        directions: From words to meaning, ``(n_buckets, width)``.
        centres: Of unit length, ``(n_topics, width)``.
    """

    rarity: Floats
    directions: Floats
    centres: Floats

    @classmethod
    def of(cls, texts: Sequence[str], *, seed: int = 0) -> Topics:
        """About one topic for a hundred prompts, at most 64.

        >>> texts = ["boil the rice in salted water", "sum the odd numbers below ten"] * 100
        >>> Topics.of(texts).groups(["odd numbers", "salted rice"]).tolist() in ([0, 1], [1, 0])
        True
        """
        counts = _counts(texts)
        documents = np.bincount(counts.indices, minlength=_BUCKETS)
        rarity = np.where(documents > 0, np.log((1 + len(texts)) / (1.0 + documents)) + 1, 0.0)
        weighed = _weighed(counts, rarity)
        width = min(_WIDTH, min(weighed.shape) - 1)
        random = np.random.default_rng(seed)
        if width < 1 or not weighed.nnz:
            return cls(rarity, np.zeros((_BUCKETS, 1)), np.zeros((1, 1)))
        _, _, rows = svds(weighed, k=width, v0=random.standard_normal(min(weighed.shape)))
        directions = np.asarray(rows.T, np.float64)
        n_topics = int(np.clip(len(texts) // _PROMPTS_EACH, 1, _MOST))
        centres = spherical_centres(unit_rows(weighed @ directions), n_topics, random)
        return cls(rarity, directions, np.asarray(centres, np.float64))

    def groups(self, texts: Sequence[str]) -> Groups:
        """Number of the topic of each prompt, ``(n_prompts,)``."""
        vectors = unit_rows(_weighed(_counts(texts), self.rarity) @ self.directions)
        return np.asarray((vectors @ self.centres.T).argmax(axis=1), np.intp)


def _counts(texts: Sequence[str]) -> csr_array:
    """How often each bucket of words occurs in each text, ``(n_texts, n_buckets)``."""
    words = [_WORD.findall(text[:_CHARACTERS].casefold()) for text in texts]
    ends = np.cumsum([0, *(len(found) for found in words)])
    hashed = (crc32(word.encode("utf-8", "replace")) % _BUCKETS for found in words for word in found)
    columns = np.fromiter(hashed, np.int64, int(ends[-1]))
    counts = csr_array((np.ones(len(columns)), columns, ends), shape=(len(texts), _BUCKETS))
    counts.sum_duplicates()
    return counts


def _weighed(counts: csr_array, rarity: Floats) -> csr_array:
    weighed = counts.copy()
    weighed.data = np.log1p(weighed.data)
    return csr_array(weighed @ diags_array(rarity))
