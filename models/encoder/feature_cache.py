"""Features of prompts on disk, each under a hash of its token ids: what was read once is not read again."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from routoo.data.storage.files import read_regular, write_atomically

Features = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]

_KEY_BYTES = 16


class FeatureCache:
    """A folder of features by prompt; each file holds what one `add` brought, and is named by its hash.

    A damaged file is passed over: its prompts are read again. Nothing is ever removed; the folder may be.

    Args:
        folder: Belongs to one way of making features: an encoder, its weights, the layers.
        width: Of the features.
    """

    def __init__(self, folder: Path, width: int) -> None:
        self.folder = folder
        self._row = np.dtype([("key", f"V{_KEY_BYTES}"), ("features", "<f4", (width,))])

    def find(self, prompts: Sequence[Sequence[int]]) -> tuple[Features, Rows]:
        """Features ``(n_prompts, width)`` of token ids, and the numbers of the prompts that are not here."""
        wanted = [_key(ids) for ids in prompts]
        out = np.empty((len(wanted), *self._row["features"].shape), np.float32)
        missing = np.ones(len(wanted), bool)
        for path in sorted(self.folder.glob("*.npy")):
            if not missing.any():
                break
            rows = self._read(path)
            place = {bytes(key): at for at, key in enumerate(rows["key"])}
            found = [(at, place[key]) for at, key in enumerate(wanted) if missing[at] and key in place]
            if found:
                here, there = np.array(found).T
                out[here] = rows["features"][there]
                missing[here] = False
        return out, np.flatnonzero(missing)

    def add(self, prompts: Sequence[Sequence[int]], features: Features) -> None:
        """Keeps the features ``(n_prompts, width)`` of these token ids.

        Raises:
            OSError: The folder cannot be written, or the disk is full.
        """
        rows = np.empty(len(prompts), self._row)
        rows["key"] = np.frombuffer(b"".join(map(_key, prompts)), f"V{_KEY_BYTES}")
        rows["features"] = features
        content = io.BytesIO()
        np.save(content, rows, allow_pickle=False)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self.folder / f"{_digest(content.getvalue())}.npy", content.getvalue())

    def _read(self, path: Path) -> npt.NDArray[np.void]:
        """The rows of a file; none where it is damaged, or not of this kind."""
        try:
            content = read_regular(path)
            if _digest(content) != path.stem:
                return np.empty(0, self._row)
            rows: npt.NDArray[np.void] = np.load(io.BytesIO(content), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return np.empty(0, self._row)
        return rows if rows.dtype == self._row and rows.ndim == 1 else np.empty(0, self._row)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _key(ids: Sequence[int]) -> bytes:
    return hashlib.sha256(np.asarray(ids, "<i4").tobytes()).digest()[:_KEY_BYTES]
