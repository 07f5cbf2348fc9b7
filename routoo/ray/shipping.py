"""Work that is sent to where the prompts are, with the part of every array of the batch that is theirs.

What a pass does with a block (`routoo.solver.sums.passes.Work`) may read and fill arrays of a number for each
prompt of the batch, such as the choices. These stay with the driver: a worker is sent its own part of each,
which stands in the place of the whole one, and sends it back where it was changed.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]  # of whatever a pass keeps for each prompt

KEPT = (np.dtype(np.int32), np.dtype(np.float32), np.dtype(np.bool_))
"""What passes keep for each prompt: its choice, by how much that leads, whether it is undecided. Prices, sums
and bounds are of 64 bits, so that one with as many numbers as there are prompts is not taken for these."""


class Part:
    """The part of an array that belongs to the prompts of a worker, under the positions of the batch.

    Args:
        first: Position of its first number.
        values: The numbers.

    >>> part = Part(100, np.arange(4))
    >>> part[101:103] = 7
    >>> part.values.tolist(), int(part[np.array([103])][0])
    ([0, 7, 7, 3], 3)
    """

    def __init__(self, first: int, values: Array) -> None:
        self.first, self.values = first, values

    def __getitem__(self, at: Any) -> Any:  # whatever numpy takes for an index
        return self.values[self._own(at)]

    def __setitem__(self, at: Any, values: Any) -> None:
        self.values[self._own(at)] = values

    def _own(self, at: Any) -> Any:
        if isinstance(at, tuple):
            return (self._own(at[0]), *at[1:])
        if isinstance(at, slice):
            return slice(at.start - self.first, at.stop - self.first, at.step)
        return at - self.first


def packed(ray: Any, work: Any, n_prompts: int) -> tuple[bytes, list[Array]]:
    """Work as bytes, and the arrays of the batch that it reads or fills, in whose place it has numbers."""
    found: list[Array] = []
    places: dict[int, int] = {}

    class _Pickler(ray.cloudpickle.CloudPickler):  # type: ignore[misc]  # Ray does not type it
        def persistent_id(self, value: object) -> int | None:
            if not isinstance(value, np.ndarray) or value.shape != (n_prompts,) or value.dtype not in KEPT:
                return None
            if id(value) not in places:
                places[id(value)] = len(found)
                found.append(value)
            return places[id(value)]

    written = io.BytesIO()
    _Pickler(written).dump(work)
    return written.getvalue(), found


def unpacked(packed: bytes, parts: Sequence[Part]) -> Any:  # the work
    """The work, with parts in the place of arrays of the batch."""

    class _Unpickler(pickle.Unpickler):
        def persistent_load(self, at: int) -> Part:
            return parts[at]

    return _Unpickler(io.BytesIO(packed)).load()
