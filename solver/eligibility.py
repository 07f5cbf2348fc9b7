"""Eligibility: which models can take a prompt at all, by the pool, the tags they need and their windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.data.checks.batch import listed
from routoo.data.checks.came import came
from routoo.data.errors import InputError
from routoo.data.pool import Pool
from routoo.data.scores import Matrix, Scores
from routoo.solver.usage import BLOCK, call_tokens, require_tokens

Mask = npt.NDArray[np.bool_]
Tags = Sequence[str] | Sequence[Sequence[str]]
"""Tags that all prompts need, or a list of tags for each prompt."""


def check_pool(pool: object) -> None:
    """Refuses what is no pool; None is none."""
    if pool is not None and not isinstance(pool, Pool):
        raise InputError(f"pool must be a Pool, got {type(pool).__name__}; Pool.read(path) reads one")


@dataclass(frozen=True, eq=False)
class Eligibility:
    """Which models can take which prompts; all arrays have the columns of the scores.

    Args:
        tagged: Models that have every tag needed, ``(1, n_models)`` or ``(n_prompts, n_models)``.
        window: Tokens that a model takes in a call, its answer included, ``(n_models,)``; infinity where the
            pool states none, or none of the prompts exceeds it.
        tags: The tags needed, by row of `tagged`.
    """

    tagged: Mask
    window: npt.NDArray[np.float64]
    tags: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, scores: Scores, pool: Pool, tags: Tags | None) -> Eligibility:
        """The eligibility of the models that are predicted, by what the pool states of them.

        Raises:
            InputError: A model is not in the pool, a tag is one that no model has, or tokens that a window is
                held against are not predicted.
        """
        if lacking := [name for name in scores.models if name not in pool.names]:
            raise InputError(
                f"{', '.join(lacking)}: predicted, and not in the pool, which has {', '.join(pool.names)}; "
                "list it there, or take fewer models by Scores.columns"
            )
        pool = pool.select(scores.models)
        needed = needed_tags(tags, len(scores))
        known = sorted({tag for model in pool.models for tag in model.tags})
        if strange := sorted({tag for row in needed for tag in row} - set(known)):
            raise InputError(
                f"no model of the pool has the tag {', '.join(map(repr, strange))}; "
                f"tags there are: {', '.join(known) or 'none'}"
            )
        tagged = {tags: [set(tags) <= set(model.tags) for model in pool.models] for tags in set(needed)}
        return cls(np.array([tagged[tags] for tags in needed]), _windows(scores, pool), needed)

    @property
    def closes(self) -> bool:
        """Whether any model is closed to any prompt."""
        return self.has_windows or not self.tagged.all()

    @property
    def has_windows(self) -> bool:
        """Whether a prompt exceeds the window of any model."""
        return bool(np.isfinite(self.window).any())

    def open(self, at: slice | npt.NDArray[np.intp], tokens: Matrix | None) -> Mask:
        """Which models can take these prompts, broadcastable to ``(r, n_models)``.

        Args:
            at: The prompts.
            tokens: Tokens that each of their calls takes, answer included; needed where there are windows.
        """
        mask = self.tagged if len(self.tagged) == 1 else self.tagged[at]
        return mask if tokens is None else mask & ~(tokens > self.window)  # unknown where no window is

    def reason(self, row: int, models: Sequence[str], tokens: Matrix | None, among: Mask) -> str | None:
        """Why none of these models can take a prompt, in words after its name; None where one can."""
        own = 0 if len(self.tags) == 1 else row
        open_ = among & self.tagged[own]
        if not open_.any():
            return f"needs a model with {_named(self.tags[own])}, and none that is allowed to it has"
        if tokens is None or (open_ & ~(tokens > self.window)).any():
            return None
        widest = int(np.where(open_, self.window, -np.inf).argmax())
        return (
            f"takes {_tokens(tokens[widest])} tokens with the answer that is expected, and of the models "
            f"allowed to it {models[widest]} has the largest context_window, {_tokens(self.window[widest])}"
        )


def _windows(scores: Scores, pool: Pool) -> npt.NDArray[np.float64]:
    """The window of each model, ``(n_models,)``; infinity where none is stated, or every prompt fits."""
    window = np.nan_to_num(pool.rates("context_window"), nan=np.inf)
    stated = np.flatnonzero(np.isfinite(window))
    if not len(stated):
        return window
    require_tokens(scores, "context_window", stated.tolist())
    most = np.zeros(len(window))
    for start in range(0, len(scores), BLOCK):
        most = np.fmax(most, call_tokens(scores, slice(start, start + BLOCK)).max(axis=0))
    return np.where(most > window, window, np.inf)


def needed_tags(tags: Tags | None, n_prompts: int) -> tuple[tuple[str, ...], ...]:
    """The tags needed: one row for all prompts, or one a prompt."""
    rows = [] if tags is None else _listed(tags)
    if all(isinstance(tag, str) for tag in rows):
        return (tuple(sorted(set(map(str, rows)))),)
    if any(isinstance(row, str) for row in rows):
        raise InputError("tags are one list for all prompts, or a list for each of them: got both in one")
    found = tuple(_tags_of(row) for row in rows)
    if len(found) != n_prompts:
        raise InputError(f"{n_prompts} prompts need as many lists of tags, got {len(found)}")
    return found


def _tags_of(row: object) -> tuple[str, ...]:
    """The tags of one prompt; None is none."""
    found = [] if row is None else _listed(row)
    if not all(isinstance(tag, str) for tag in found):
        raise InputError(f"the tags of a prompt must be a list of texts, got {came(row)}")
    return tuple(sorted(set(map(str, found))))


def _listed(tags: object) -> list[object]:
    """Whatever holds tags, as a list."""
    return listed(tags, "tags", "texts")


def _named(tags: Sequence[str]) -> str:
    return f"tag{'s' * (len(tags) > 1)} {', '.join(tags)}"


def _tokens(count: float) -> str:
    return f"{float(count):,.0f}"
