"""What answers are expected to tell, one call ahead and two: all of it that no price changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from routoo.solver.cascade.belief import Array, Beliefs, Positions, digits, pulls, shares

_MOST_NUMBERS = 2_000_000
"""Numbers in the largest array of one go; more rows are looked at in several."""


@dataclass(frozen=True, eq=False)
class Lookahead:
    """Probabilities of what the answer of each model may look like, and of being right then.

    A look is a level of its signals, with the group of equal answers that it joins, or none.

    Args:
        columns: The models that may be asked, ``(n_columns,)``.
        had: Probability that the best answer so far is right, ``(n_rows,)``; minus infinity where there
            is none.
        alone: That the best answer is right once one model has answered, ``(n_rows, n_columns)``.
        chance: Of each look, ``(n_rows, n_columns, n_looks)``.
        best: Of each look and that the best answer is right then, likewise.
        then: The same once another model has answered too, ``(n_rows, n_columns, n_looks, n_columns)``; None
            where one call is looked ahead.
        after: The parts of `then` by looks at the second answer, ``(n_looks, *then.shape)``; None where there
            is no third call.
        right: Of each look at the first answer and that a model is right, as `then`.
        odds: Of both looks, as `after`.
        both: Of both looks and each node of the factor, ``(n_looks, *then.shape, n_nodes)``.
        at_node: That a model is right at each node, ``(n_rows, n_columns, n_nodes)``.
    """

    columns: Positions
    had: Array
    alone: Array
    chance: Array
    best: Array
    then: Array | None = None
    after: Array | None = None
    right: Array | None = None
    odds: Array | None = None
    both: Array | None = None
    at_node: Array | None = None

    def rows(self, index: npt.NDArray[np.intp]) -> Lookahead:
        """That of these rows."""
        return self._each(lambda name, axis: np.take(getattr(self, name), index, axis))

    @classmethod
    def joined(cls, parts: Sequence[Lookahead]) -> Lookahead:
        """That of the rows of all parts."""
        return parts[0]._each(
            lambda name, axis: np.concatenate([getattr(part, name) for part in parts], axis)
        )

    def _each(self, changed: Callable[[str, int], Array]) -> Lookahead:
        """One with changed arrays, each named with the axis of its rows."""
        axes = dict.fromkeys(_BY_ROW, 0) | dict.fromkeys(_BY_LOOK, 1)
        known = {name: axis for name, axis in axes.items() if getattr(self, name) is not None}
        return Lookahead(self.columns, **{name: changed(name, axis) for name, axis in known.items()})


def look_ahead(beliefs: Beliefs, columns: Positions, *, calls: int) -> Lookahead:
    """What the answers of these models are expected to tell.

    Args:
        beliefs: Of the prompts.
        columns: The models.
        calls: How many may be asked: one call is looked ahead where it is 1, else two.
    """
    two = calls > 1 and len(columns) > 1
    levels, asked, width = beliefs.model.level_right.shape[1], beliefs.n_asked, len(columns)
    by_row = width * levels * 2**asked * (4 * width * (asked + 1) * (asked + 2) if two else 40)
    size = max(1, _MOST_NUMBERS // max(by_row, 1))
    if len(beliefs) <= size:
        return _looked(beliefs, columns, min(calls, width))
    rows = [np.arange(at, min(at + size, len(beliefs))) for at in range(0, len(beliefs), size)]
    return Lookahead.joined([_looked(beliefs.rows(part), columns, min(calls, width)) for part in rows])


_BY_ROW = ("had", "alone", "chance", "best", "then", "right", "at_node")
_BY_LOOK = ("after", "odds", "both")


def _looked(beliefs: Beliefs, columns: Positions, calls: int) -> Lookahead:
    model, n, width, asked = beliefs.model, len(beliefs), len(columns), beliefs.n_asked
    right = beliefs.right[:, columns]
    level = np.stack([model.level_wrong[columns], model.level_right[columns]], 1)  # (model, right, level)
    if (level[:, 0] == level[:, 1]).all():
        level = level[..., :1] / level[..., :1]  # no signal tells anything
    pull = pulls(beliefs, np.broadcast_to(columns, (n, width)))
    law = shares(pull)  # (row, model, state, right, group)
    both = np.stack([1 - right, right], 2)[:, :, None] * beliefs.weight[:, None, :, None]
    seen = level.transpose(0, 2, 1)[None, :, :, None, None] * np.moveaxis(law, -1, 2)[:, :, None]
    joint = both[:, :, None, None] * seen[..., None]  # (row, model, level, group, state, right, node)
    joint = joint.reshape(*joint.shape[:4], 2 ** (asked + 1), right.shape[2])
    summed, looks = joint.sum(-1), joint.shape[2] * joint.shape[3]
    best = (summed @ digits(asked + 1)).max(-1)
    alone = best.sum((2, 3)) if asked else beliefs.p_correct[:, columns]
    found = Lookahead(
        columns,
        beliefs.stopped if asked else np.full(n, -np.inf),
        alone,
        summed.sum(-1).reshape(n, width, looks),
        best.reshape(n, width, looks),
    )
    if calls < 2:
        return found
    then_right = (joint.reshape(n, -1, joint.shape[-1]) @ right.transpose(0, 2, 1)).reshape(
        *summed.shape, width
    )
    law = _law_of_second(beliefs, columns, pull)
    after = _after_two(then_right, summed, level, law)
    found = replace(found, then=after.sum(0))
    if calls < 3:
        return found
    both, after_first = _both_looks(joint, right, level, law), then_right.sum(4)
    after_first = after_first.reshape(n, width, looks, width)
    return replace(found, after=after, right=after_first, odds=both.sum(-1), both=both, at_node=right)


def _after_two(right: Array, summed: Array, level: Array, law: Array) -> Array:
    """Probability of looks at two answers, and that the best one is right then.

    Args:
        right: Of a look at the first answer, of which are right then, and that another model is,
            ``(row, first, level, group, state, second)``; a state is of the asked models and the first.
        summed: The same without the other model.
        level: Of signals, given whether a model is right, ``(model, right, level)``.
        law: Whom the second answer joins; see `_law_of_second`.

    Returns:
        ``(look at the second, row, first, look at the first, second)``.
    """
    n, width, levels, groups, states = summed.shape
    table = np.stack([summed[..., None] - right, right])
    table = np.moveaxis(table, 5, -1)[..., None, :]  # (right, row, first, level, group, second, -, state)
    product = table * law[:, :, :, None]
    bits = np.column_stack([digits(states.bit_length() - 1), np.ones(states)])
    wrong, good = (product.reshape(-1, states) @ bits).reshape(*product.shape[:-1], -1)
    found = []
    for if_wrong, if_right in level.transpose(2, 1, 0)[..., None, None]:  # of each second model
        earlier = wrong[..., :-1] * if_wrong + good[..., :-1] * if_right
        best = good[..., -1] * if_right[..., 0]
        for answer in range(earlier.shape[-1]):
            best = np.maximum(best, earlier[..., answer])
        found += [best[..., group] for group in range(best.shape[-1])]
    return np.stack(found).reshape(len(found), n, width, levels * groups, width)


def _both_looks(joint: Array, right: Array, level: Array, law: Array) -> Array:
    """Probability of looks at two answers and of each node of the factor.

    Args:
        joint: Of a look at the first answer, of which are right then, and of a node,
            ``(row, first, level, group, state, node)``.
        right: That a model is right at each node, ``(row, model, node)``.
        level: Of signals, given whether a model is right, ``(model, right, level)``.
        law: Whom the second answer joins; see `_law_of_second`.

    Returns:
        ``(look at the second, row, first, look at the first, second, node)``.
    """
    n, width, levels, groups, states, nodes = joint.shape
    first = joint.transpose(0, 1, 3, 2, 5, 4).reshape(n, width, groups, levels * nodes, states)
    # (right, row, first, group, second, look, state) to (row, first, group, state, right x look x second)
    joins = law.transpose(1, 2, 3, 6, 0, 5, 4).reshape(len(law[0]), width, groups, states, -1)
    seen = (first @ joins).reshape(n, width, groups, levels, nodes, 2, -1, width)
    seen = seen.transpose(5, 6, 0, 1, 3, 2, 7, 4)  # (right, look, row, first, level, group, second, node)
    wrong, good = seen[0] * (1 - right)[:, None, None, None], seen[1] * right[:, None, None, None]
    found = [wrong * if_wrong + good * if_right for if_wrong, if_right in level.transpose(2, 1, 0)[..., None]]
    return np.concatenate(found).reshape(-1, n, width, levels * groups, width, nodes)


def _law_of_second(beliefs: Beliefs, columns: Positions, pull: Array) -> Array:
    """Whom a second answer joins: ``(right, row, first, group of the first, second, group, state)``.

    There are the groups of before, that of the first answer alone, and none; see `joining`.
    """
    n, asked, width = len(beliefs), beliefs.n_asked, len(columns)
    earlier = np.exp(pull / (asked + 1))
    odds = beliefs.model.agreement_log_odds[np.ix_(columns, columns)] / (asked + 1)
    first = np.exp(odds)[:, :, np.arange(2)[:, None] + np.arange(2)]  # (first, second, right of either)
    first = first.transpose(2, 0, 1, 3)[:, None, :, :, None]  # (right, -, first, second, -, right of first)
    if slope := beliefs.model.agreement_slope / 2 / (asked + 1):
        x = beliefs.log_odds[:, columns]
        first = np.repeat(first, n, axis=1)
        first[0, :, :, :, 0, 0] *= np.exp(slope * (x[:, :, None] + x[:, None]))
    mass = np.empty((2, n, width, asked + 1, width, asked + 2, 2**asked, 2))
    mass[..., :asked, :, :] = earlier.transpose(3, 0, 1, 4, 2)[:, :, None, None, ..., None]
    for group in range(asked):
        mass[:, :, :, group, :, group] *= first
    mass[..., asked, :, :] = 0
    mass[:, :, :, asked, :, asked] = first
    mass[..., asked + 1, :, :] = 1
    mass = mass.reshape(*mass.shape[:6], -1)
    total = mass[..., 0, :].copy()
    for group in range(1, asked + 2):
        total += mass[..., group, :]
    mass /= total[..., None, :]
    return mass
