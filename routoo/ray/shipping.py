"""Work that is sent to where the prompts are, where it finds what is kept of them.

What a pass does with a block (`routoo.solver.sums.sources.Work`) may read and fill numbers that workers keep
for each prompt (`RayKept`). It is sent with names in their place, and finds there the part that a worker has.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]  # of whatever a pass keeps for each prompt


@dataclass(frozen=True)
class Named:
    """What stands for a number of each prompt, wherever it is kept.

    Args:
        number: Which of those that were asked for.
        kind: Of which kind the numbers are, as numpy calls it.
    """

    number: int
    kind: str


class Part:
    """A number for each prompt of a worker, under the positions that these have in the batch.

    Args:
        first: Position of the first number.
        values: The numbers.
        fills: Called before they are changed.

    >>> part = Part(100, np.arange(4))
    >>> part[slice(101, 103)] = 7
    >>> part[slice(100, 104)].tolist(), int(part[np.array([103])][0])
    ([0, 7, 7, 3], 3)
    """

    def __init__(self, first: int, values: Array, fills: Callable[[], None] = lambda: None) -> None:
        self.first, self.values, self.fills = first, values, fills

    def __getitem__(self, at: slice | npt.NDArray[np.intp]) -> Array:
        found: Array = self.values[self._own(at)]
        return found

    def __setitem__(self, at: slice | npt.NDArray[np.intp], values: Any) -> None:
        self.fills()
        self.values[self._own(at)] = values

    def _own(self, at: slice | npt.NDArray[np.intp]) -> slice | npt.NDArray[np.intp]:
        return (
            slice(at.start - self.first, at.stop - self.first) if isinstance(at, slice) else at - self.first
        )


def packed(ray: Any, work: Any) -> bytes:
    """Work as bytes, with names in the place of what workers keep (whatever has a `named`)."""

    class _Pickler(ray.cloudpickle.CloudPickler):  # type: ignore[misc]  # Ray does not type it
        def persistent_id(self, value: object) -> Named | None:
            named = getattr(value, "named", None)
            return named if isinstance(named, Named) else None

    written = io.BytesIO()
    _Pickler(written).dump(work)
    return written.getvalue()


def unpacked(packed: bytes, part: Callable[[Named], Part]) -> Any:  # the work
    """The work, with parts in the place of their names."""

    class _Unpickler(pickle.Unpickler):
        def persistent_load(self, named: Named) -> Part:
            return part(named)

    return _Unpickler(io.BytesIO(packed)).load()
