"""Pairs of prompts that an embedding is to bring together or to keep apart (arXiv 2311.09758)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.preprocessing import normalize

from routoo.data.costs.recorded_costs import recorded_cost_usd
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.models.baselines.base_learner import Embed
from routoo.models.gaps import column_means
from routoo.orchestra.turn import State, required_state
from routoo.orchestra.votes import NO_POOL, pools_of

Positions = npt.NDArray[np.intp]
Similarity = npt.NDArray[np.floating[Any]]

N_PAIRS = 10
"""Pairs of either kind for each prompt, unless said otherwise."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of positions among some texts.

    Args:
        first: ``(n_pairs,)``.
        second: Likewise.
        alike: Whether the two belong together, likewise.
    """

    first: Positions
    second: Positions
    alike: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.first)

    def __add__(self, other: Pairs) -> Pairs:
        """The pairs of both."""
        return Pairs(
            np.concatenate([self.first, other.first]),
            np.concatenate([self.second, other.second]),
            np.concatenate([self.alike, other.alike]),
        )


def task_pairs(prompts: pl.DataFrame, *, n_pairs: int = N_PAIRS, seed: int = 0) -> Pairs:
    """Task-aware pairs of turns: those whose states and changes have most, and least, in common.

    They know nothing of experts, so that an embedding that is tuned on them stays when experts change.

    Args:
        prompts: Turns with their `state` before and their `answer`, the change, as JSON.
        n_pairs: Most similar ones, and least similar ones, for each.
        seed: Which of equally similar ones.

    Raises:
        InputError: A column is missing, or holds no JSON of slots and values.
    """
    missing = [name for name in ("state", "answer") if name not in prompts.columns]
    if missing:
        raise InputError(
            f"task_pairs needs the columns state and answer of the prompts, which lack {', '.join(missing)}; "
            "for prompts that are no turns of dialogues use outcome_pairs"
        )
    states, changes = (
        [required_state(text, f"the column {name}") for text in prompts[name]] for name in ("state", "answer")
    )
    return extreme_pairs((slot_f1(states) + slot_f1(changes)) / 2, n_pairs=n_pairs, seed=seed)


def outcome_pairs(outcomes: Outcomes, *, n_pairs: int = N_PAIRS, seed: int = 0) -> Pairs:
    """The same for prompts of any kind: those on which the models did most, and least, alike.

    Args:
        outcomes: Recorded scores; one minus the mean absolute difference, over the models that were run on
            both, is the similarity.
        n_pairs: As in `task_pairs`.
        seed: As in `task_pairs`.
    """
    known = outcomes.to_matrices()
    score, said = np.nan_to_num(known.score), (~np.isnan(known.score)).astype(np.float64)
    apart = sum(
        (np.abs(score[:, None, at] - score[None, :, at]) * said[:, None, at] * said[None, :, at])
        for at in range(score.shape[1])
    )
    return extreme_pairs(1 - apart / np.maximum(said @ said.T, 1), n_pairs=n_pairs, seed=seed)


def expert_pairs(outcomes: Outcomes, pool: Pool, embed: Embed, *, n_pairs: int = N_PAIRS) -> Pairs:
    """Expert-aware pairs: for each prompt the nearest ones of its own pool, and of all others.

    Prompts on which no expert was right have no part in it. They are to be made again when experts change.

    Args:
        outcomes: Recorded scores, of held-out prompts alone.
        pool: The experts, with their prices.
        embed: The embedding before it is tuned, by which the nearest are found.
        n_pairs: Of either kind for each prompt.

    Raises:
        InputError: All prompts lie in one pool.
    """
    cost = column_means(recorded_cost_usd(outcomes, pool))
    pools = pools_of(outcomes.to_matrices(pool.names).score, cost)
    rows = np.flatnonzero(pools != NO_POOL)
    if len(np.unique(pools[rows])) < 2:
        raise InputError(
            "expert_pairs needs prompts in the pools of two models at least: one was best on all"
        )
    texts = outcomes.texts
    vectors = normalize(embed([texts[row] for row in rows]))
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -np.inf)
    same = pools[rows, None] == pools[None, rows]
    found = _nearest(np.where(same, likeness, -np.inf), n_pairs, alike=True) + _nearest(
        np.where(same, -np.inf, likeness), n_pairs, alike=False
    )
    return Pairs(rows[found.first], rows[found.second], found.alike)


def extreme_pairs(similarity: Similarity, *, n_pairs: int = N_PAIRS, seed: int = 0) -> Pairs:
    """The most similar ones to each as alike, the least similar ones as not; none with itself.

    Args:
        similarity: ``(n, n)``.
        n_pairs: Of either kind for each; fewer where there are fewer others.
        seed: Which of equally similar ones.
    """
    jitter = np.random.default_rng(seed).uniform(0, 1e-9, similarity.shape)
    near, far = similarity + jitter, jitter - similarity
    np.fill_diagonal(near, -np.inf)
    np.fill_diagonal(far, -np.inf)
    most = min(n_pairs, (len(similarity) - 1) // 2)
    return _nearest(near, most, alike=True) + _nearest(far, most, alike=False)


def slot_f1(states: list[dict[str, str]] | list[State]) -> npt.NDArray[np.float64]:
    """How much each two states have in common, ``(n, n)`` in [0, 1].

    The mean of two F1 scores, of the pairs of slot and value and of the slots alone; two empty states are the
    same.

    >>> slot_f1([{"day": "friday", "area": "north"}, {"day": "friday"}, {"day": "monday"}, {}]).round(3)[1]
    array([0.667, 1.   , 0.5  , 0.   ])
    """
    values = [set(state.items()) for state in states]
    return (_f1(values) + _f1([{slot for slot, _ in pairs} for pairs in values])) / 2


def _f1(sets: list[set[Any]]) -> npt.NDArray[np.float64]:  # Any: members of the sets, of one kind
    numbers = {member: at for at, member in enumerate(sorted(set().union(*sets)))}
    held = np.zeros((len(sets), len(numbers)))
    for row, members in enumerate(sets):
        held[row, [numbers[member] for member in members]] = 1
    sizes = held.sum(1)
    total = sizes[:, None] + sizes[None, :]
    return np.where(total > 0, 2 * (held @ held.T) / np.maximum(total, 1), 1.0)


def _nearest(likeness: Similarity, n_pairs: int, *, alike: bool) -> Pairs:
    """Each with those that it is most like; none at minus infinity."""
    most = min(n_pairs, len(likeness) - 1)
    second = np.argsort(-likeness, axis=1, kind="stable")[:, :most]
    first = np.repeat(np.arange(len(likeness)), second.shape[1])
    kept = likeness[first, second.ravel()] > -np.inf
    return Pairs(first[kept], second.ravel()[kept], np.full(int(kept.sum()), alike))
