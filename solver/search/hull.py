"""The upper concave hull of each prompt's choices: every choice that some price makes best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.solver.sums.rows import Choice, Floats


@dataclass(frozen=True, eq=False)
class Increments:
    """Steps up the hulls of some prompts, each from one choice to the next dearer one.

    Args:
        start: The choice of least use of each prompt, ``(n_prompts,)``.
        row: Prompt of each step, ``(n_steps,)``; the steps of a prompt stand in their order.
        column: The choice that the step leads to.
        value: Objective gained.
        weight: Use added, above 0.
        slope: Objective per use, never rising along the steps of a prompt.
    """

    start: Choice
    row: npt.NDArray[np.intp]
    column: npt.NDArray[np.intp]
    value: Floats
    weight: Floats
    slope: Floats

    @classmethod
    def join(cls, parts: Sequence[Increments]) -> Increments:
        """The steps of consecutive blocks of prompts as one."""
        offsets = np.cumsum([0] + [len(part.start) for part in parts])
        return cls(
            np.concatenate([part.start for part in parts]),
            np.concatenate([part.row + offset for part, offset in zip(parts, offsets, strict=False)]),
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("column", "value", "weight", "slope")
            ),
        )

    def between(self, low: float, high: float) -> Increments:
        """The steps whose slopes lie between these; what is steeper is taken beforehand."""
        start, steep = self.start.copy(), self.slope > high
        start[self.row[steep]] = self.column[steep]
        kept = (self.slope >= low) & ~steep
        return Increments(
            start,
            self.row[kept],
            self.column[kept],
            self.value[kept],
            self.weight[kept],
            self.slope[kept],
        )


def increments(value: Floats, weight: Floats) -> Increments:
    """Steps up the upper concave hull of the points (weight, value) of each row.

    From the point of least weight (of most value among those), the step of steepest slope is taken
    until no point to the right is higher.

    Args:
        value: Objective of each choice, ``(n_prompts, n_models)``; minus infinity where it is closed.
        weight: Use of each choice, the same shape.

    >>> steps = increments(np.array([[0.2, 0.5, 0.9]]), np.array([[1.0, 2.0, 3.0]]))
    >>> steps.start, steps.column, steps.slope.round(2)
    (array([0]), array([2]), array([0.35]))
    """
    weight = np.where(np.isneginf(value), np.inf, weight)
    every, start = np.arange(len(value)), first_choice(value, weight)
    at, rows, ceiling = start, every, np.full(len(value), np.inf)
    steps: list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats, Floats, Floats]] = []
    while len(rows):
        here = np.arange(0, value.size, value.shape[1]) + at
        rise = value - value.ravel()[here][:, None]
        run = weight - weight.ravel()[here][:, None]
        slope = np.full(rise.shape, -np.inf)
        with np.errstate(over="ignore"):
            np.divide(rise, run, out=slope, where=(rise > 0) & (run > 0))
        column = slope.argmax(axis=1)
        there = np.arange(0, value.size, value.shape[1]) + column
        top = slope.ravel()[there]
        on = np.flatnonzero(top > 0)
        ceiling = np.minimum(ceiling[on], top[on])
        steps.append((rows[on], column[on], rise.ravel()[there[on]], run.ravel()[there[on]], ceiling))
        rows, at, value, weight = rows[on], column[on], value[on], weight[on]
    joined = [np.concatenate(arrays) for arrays in zip(*steps, strict=True)] if steps else [every[:0]] * 5
    return Increments(start, *joined)


def first_choice(value: Floats, weight: Floats) -> Choice:
    """The choice of least use of each row, and of those the one of most value, ``(n_prompts,)``."""
    weight = np.where(np.isneginf(value), np.inf, weight)
    least = weight == weight.min(axis=1, keepdims=True)
    return np.asarray(np.where(least, value, -np.inf).argmax(axis=1), np.intp)
