"""What answers are expected to tell, one call ahead and two: all of it that no price changes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from routoo.solver.cascade.belief import Array, Beliefs, Positions, digits, joining, pulls

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
    """

    columns: Positions
    had: Array
    alone: Array
    chance: Array
    best: Array
    then: Array | None

    def rows(self, index: npt.NDArray[np.intp]) -> Lookahead:
        """That of these rows."""
        parts = {name: getattr(self, name)[index] for name in ("had", "alone", "chance", "best")}
        return replace(self, **parts, then=None if self.then is None else self.then[index])


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
        return _looked(beliefs, columns, two)
    starts = range(0, len(beliefs), size)
    parts = [_looked(beliefs.rows(np.arange(len(beliefs))[at : at + size]), columns, two) for at in starts]
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _BY_ROW}
    then = np.concatenate([part.then for part in parts if part.then is not None]) if two else None
    return Lookahead(columns, **joined, then=then)


_BY_ROW = ("had", "alone", "chance", "best")


def _looked(beliefs: Beliefs, columns: Positions, two: bool) -> Lookahead:
    model, n, width, asked = beliefs.model, len(beliefs), len(columns), beliefs.n_asked
    right = beliefs.right[:, columns]
    level = np.stack([model.level_wrong[columns], model.level_right[columns]], 1)  # (model, right, level)
    if (level[:, 0] == level[:, 1]).all():
        level = level[..., :1] / level[..., :1]  # no signal tells anything
    law = joining(beliefs, np.broadcast_to(columns, (n, width)))  # (row, model, state, right, group)
    both = np.stack([1 - right, right], 2)[:, :, None] * beliefs.weight[:, None, :, None]
    seen = level.transpose(0, 2, 1)[None, :, :, None, None] * np.moveaxis(law, -1, 2)[:, :, None]
    joint = both[:, :, None, None] * seen[..., None]  # (row, model, level, group, state, right, node)
    joint = joint.reshape(*joint.shape[:4], 2 ** (asked + 1), right.shape[2])
    summed, looks = joint.sum(-1), joint.shape[2] * joint.shape[3]
    best = (summed @ digits(asked + 1)).max(-1)
    alone = best.sum((2, 3)) if asked else beliefs.p_correct[:, columns]
    then = _after_two(joint, summed, right, level, _law_of_second(beliefs, columns)) if two else None
    return Lookahead(
        columns,
        beliefs.stopped if asked else np.full(n, -np.inf),
        alone,
        summed.sum(-1).reshape(n, width, looks),
        best.reshape(n, width, looks),
        None if then is None else then.reshape(n, width, looks, width),
    )


def _after_two(joint: Array, summed: Array, right: Array, level: Array, law: Array) -> Array:
    """Probability of a look at the first answer, and that the best one is right after the second.

    Args:
        joint: ``(row, first, level, group, state, node)``, where a state says of the asked models and the
            first which are right.
        summed: The same over all nodes.
        right: That a model is right at each node, ``(row, model, node)``.
        level: Of signals, given whether a model is right, ``(model, right, level)``.
        law: Whom the second answer joins; see `_law_of_second`.

    Returns:
        ``(row, first, level, group, second)``.
    """
    n, width, levels, groups, states, nodes = joint.shape
    table = (joint.reshape(n, -1, nodes) @ right.transpose(0, 2, 1)).reshape(*summed.shape, width)
    table = np.stack([summed[..., None] - table, table])
    table = np.moveaxis(table, 5, -1)[..., None, :]  # (right, row, first, level, group, second, -, state)
    product = table * law[:, :, :, None]
    bits = np.column_stack([digits(states.bit_length() - 1), np.ones(states)])
    wrong, good = (product.reshape(-1, states) @ bits).reshape(*product.shape[:-1], -1)
    found = np.zeros((n, width, levels, groups, width))
    for if_wrong, if_right in level.transpose(2, 1, 0)[..., None, None]:  # of each second model
        earlier = wrong[..., :-1] * if_wrong + good[..., :-1] * if_right
        best = good[..., -1] * if_right[..., 0]
        for answer in range(earlier.shape[-1]):
            best = np.maximum(best, earlier[..., answer])
        for group in range(best.shape[-1]):
            found += best[..., group]
    return found


def _law_of_second(beliefs: Beliefs, columns: Positions) -> Array:
    """Whom a second answer joins: ``(right, row, first, group of the first, second, group, state)``.

    There are the groups of before, that of the first answer alone, and none; see `joining`.
    """
    n, asked, width = len(beliefs), beliefs.n_asked, len(columns)
    earlier = np.exp(pulls(beliefs, np.broadcast_to(columns, (n, width))) / (asked + 1))
    odds = beliefs.model.agreement_log_odds[np.ix_(columns, columns)] / (asked + 1)
    first = np.exp(odds)[:, :, np.arange(2)[:, None] + np.arange(2)]  # (first, second, right of either)
    first = first.transpose(2, 0, 1, 3)[:, None, :, :, None]  # (right, -, first, second, -, right of first)
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
