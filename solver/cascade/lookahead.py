"""What answers are expected to tell, one call ahead and two: all of it that no price changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
    """In the arrays below the short axes come first: what is added and compared then lies in long rows."""
    model, n, width, asked = beliefs.model, len(beliefs), len(columns), beliefs.n_asked
    right = beliefs.right[:, columns]
    sides = np.stack([1 - right, right])  # (right, row, model, node)
    level = model.levels[:, :, columns]
    pull = pulls(beliefs, np.broadcast_to(columns, (n, width)))
    law = shares(pull).transpose(2, 3, 4, 0, 1)  # (state, right, group, row, model)
    seen = law[:, :, None] * level.transpose(1, 0, 2)[None, :, :, None, None]
    both = beliefs.weight.transpose(1, 0, 2)[:, None, :, None] * sides
    joint = both[:, :, None, None] * seen[..., None]  # (state, right, level, group, row, model, node)
    looks = len(level) * (asked + 1)
    joint = joint.reshape(2 ** (asked + 1), looks, n, width, right.shape[2])
    summed = joint.sum(-1)
    best = _answers(summed).max(0)
    found = {
        "had": beliefs.stopped if asked else np.full(n, -np.inf),
        "alone": best.sum(0) if asked else beliefs.p_correct[:, columns],
        "chance": summed.sum(0).transpose(1, 2, 0),
        "best": best.transpose(1, 2, 0),
    }
    if calls < 2:
        return Lookahead(columns, **found)
    then_right = joint @ right.transpose(0, 2, 1)  # (state, look, row, first, second)
    law = _law_of_second(beliefs, columns, pull)
    after = _after_two(np.stack([summed[..., None] - then_right, then_right]), level, law)
    found["then"] = after.sum(0).transpose(1, 2, 0, 3)
    if calls < 3:
        return Lookahead(columns, **found)
    nodes = _both_looks(joint, sides, level, law).transpose(0, 2, 3, 1, 4, 5)
    return Lookahead(
        columns,
        **found,
        after=after.transpose(0, 2, 3, 1, 4),
        right=then_right.sum(0).transpose(1, 2, 0, 3),
        odds=nodes.sum(-1),
        both=nodes,
        at_node=right,
    )


def _answers(summed: Array) -> Array:
    """Probability that each answer is right, from that of each state, which is the first axis of both."""
    bits = digits(len(summed).bit_length() - 1).T.astype(np.bool_)
    return np.stack([summed[of].sum(0) for of in bits])


def _after_two(table: Array, level: Array, law: Array) -> Array:
    """Probability of looks at two answers, and that the best one is right then.

    Args:
        table: Whether the second is right, of which of the asked and the first are, and of a look at the
            first: ``(right, state, look, row, first, second)``.
        level: Of signals, given whether a model is right, ``(level, right, model)``.
        law: Whom the second answer joins; see `_law_of_second`.

    Returns:
        ``(look at the second, look at the first, row, first, second)``.
    """
    states, looks, n, width = table.shape[1:5]
    groups = law.shape[3]
    table = table.reshape(2, 1, states, looks // groups, groups, n, width, width)
    product = (table * law[:, :, :, None]).swapaxes(
        0, 2
    )  # (state, group, right, level, group of the first, ..)
    earlier, second = _answers(product), product[:, :, 1].sum(0)
    found = []
    for if_wrong, if_right in level:
        best = (earlier[:, :, 0] * if_wrong + earlier[:, :, 1] * if_right).max(0)
        found.append(np.maximum(best, second * if_right))
    return np.stack(found).reshape(-1, looks, n, width, width)


def _both_looks(joint: Array, sides: Array, level: Array, law: Array) -> Array:
    """Probability of looks at two answers and of each node of the factor.

    Args:
        joint: Of which of the asked and the first are right, of a look at the first, and of a node,
            ``(state, look, row, first, node)``.
        sides: That a model is wrong, and right, at each node, ``(right, row, model, node)``.
        level: Of signals, given whether a model is right, ``(level, right, model)``.
        law: Whom the second answer joins; see `_law_of_second`.

    Returns:
        ``(look at the second, look at the first, row, first, second, node)``.
    """
    states, looks, n, width, nodes = joint.shape
    groups = law.shape[3]
    first = joint.reshape(states, looks // groups, groups, n, width, 1, nodes)
    seen = (first * law[:, :, :, None, ..., None]).sum(2)  # (right, group, level, group of the first, ..)
    seen *= sides[:, None, None, None, :, None]
    wrong, good = seen
    found = [wrong * if_wrong[:, None] + good * if_right[:, None] for if_wrong, if_right in level]
    return np.stack(found).reshape(-1, looks, n, width, width, nodes)


def _law_of_second(beliefs: Beliefs, columns: Positions, pull: Array) -> Array:
    """Whom a second answer joins: ``(right, group, state, group of the first, row, first, second)``.

    There are the groups of before, that of the first answer alone, and none; see `joining`. A state says of
    the asked models, and of the first, which are right.
    """
    n, asked, width = len(beliefs), beliefs.n_asked, len(columns)
    earlier = np.exp(pull / (asked + 1)).transpose(3, 4, 2, 0, 1)  # (right, group, state, row, second)
    odds = beliefs.model.agreement_log_odds[np.ix_(columns, columns)] / (asked + 1)
    first = np.exp(odds).transpose(2, 0, 1)[np.arange(2)[:, None] + np.arange(2)][:, :, None]
    if slope := beliefs.model.agreement_slope / 2 / (asked + 1):
        x = beliefs.log_odds[:, columns]
        first = np.repeat(first, n, axis=2)  # (right, right of first, row, first, second)
        first[0, 0] *= np.exp(slope * (x[:, :, None] + x[:, None]))
    mass = np.zeros((2, asked + 2, 2**asked, 2, asked + 1, n, width, width))
    mass[:, :asked] = earlier[:, :, :, None, None, :, None]
    for group in range(asked):
        mass[:, group, :, :, group] *= first[:, None]
    mass[:, asked, :, :, asked] = first[:, None]
    mass[:, asked + 1] = 1
    mass /= mass.sum(1, keepdims=True)
    return mass.reshape(2, asked + 2, -1, asked + 1, n, width, width)
