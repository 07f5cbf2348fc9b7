"""The next step of a cascade: which models to ask, or to stop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.solver.cascade.belief import Array, Beliefs, Positions
from routoo.solver.cascade.lookahead import Lookahead, look_ahead
from routoo.solver.cascade.terms import Terms

Mask = npt.NDArray[np.bool_]

_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Steps:
    """The next step of each row.

    Args:
        first: The model to ask, or -1 to stop, ``(n_rows,)``.
        second: Another one to ask at the same time, or -1, likewise.
        value: Expected score of the answer given in the end, less the price of what is still to be asked;
            minus infinity where there is no answer and none may be asked.
        cost_usd: Expected cost of what is still to be asked, likewise.
    """

    first: Positions
    second: Positions
    value: Array
    cost_usd: Array


def next_steps(beliefs: Beliefs, terms: Terms) -> Steps:
    """The step of most expected score, less its price, of every row.

    A plan asks one model, reads its answer, and then stops or asks the best other one, whichever that answer
    makes better; or it asks two at once, where time counts. Its value is worked out exactly for what
    `Beliefs` holds: of all answers, the one that is then rather right is given. Where more than two calls are
    left, a third model can be relied on where the first two disappoint; what it tells is planned once these
    have been read. With one call left before any answer, it is the choice of a router: ``argmax p_correct -
    price * cost``.

    Args:
        beliefs: Of the prompts, all of which have asked as many models.
        terms: What asking costs, and what may be asked.
    """
    first, second = worth_a_look(beliefs, terms)
    columns = np.flatnonzero((first | second).any(0))
    return steps_of(look_ahead(beliefs, columns, calls=terms.calls_left), terms, first, second)


def worth_a_look(beliefs: Beliefs, terms: Terms) -> tuple[Mask, Mask]:
    """Models that may be asked first, and second, and can be worth their price, ``(n_rows, n_models)`` each.

    What is left out could not change the step. A plan ends with a score of at most 1: where its first call
    costs what is missing to that from what is had without it (the best answer so far, or, before there is
    one, the best model alone), it cannot win. A second call is right at most as often as its model is at
    the node of the factor that suits it best, whatever the first answer says.
    """
    charge, can = terms.charge, terms.allowed
    can[np.arange(len(can))[:, None], beliefs.asked] = False
    second = can & (charge < beliefs.right.max(2)) if terms.calls_left > 1 else np.zeros_like(can)
    if beliefs.n_asked:
        return can & (charge < 1 - beliefs.stopped[:, None]), second
    had = np.where(can, beliefs.p_correct - charge, -np.inf).max(1, keepdims=True)
    return can & (charge <= 1 - had + _ROUNDING), second


def steps_of(ahead: Lookahead, terms: Terms, first: Mask, second: Mask) -> Steps:
    """The step of each row, by what answers are expected to tell.

    Args:
        ahead: Of the rows.
        terms: Of the same rows.
        first: Models that may be asked now, ``(n_rows, n_models)``; see `worth_a_look`.
        second: Models that may be asked after another one, or at the same time.
    """
    rows, columns, stay = np.arange(len(ahead.had)), ahead.columns, np.full(len(ahead.had), -1)
    if not len(columns):
        return Steps(stay, stay, ahead.had, np.zeros(len(rows)))
    cost, first, second = terms.cost_usd[:, columns], first[:, columns], second[:, columns]
    value, spent = (ahead.alone, cost) if ahead.then is None else _plans(ahead, ahead.then, terms, second)
    value = np.where(first, value - terms.charge[:, columns], -np.inf)
    best = value.argmax(1)
    top = value[rows, best]
    if (free := terms.price == 0).any():  # of equally good ones the cheapest, as `select` has it
        best = np.where(free, np.where(value == top[:, None], cost, np.inf).argmin(1), best)
    money, beside = spent[rows, best], stay
    if ahead.then is not None and terms.timed:
        pairs = _pairs(ahead.then, terms, columns, first | second).reshape(len(rows), -1)
        both = pairs.argmax(1)
        wins = pairs[rows, both] > top + _ROUNDING
        one, other = np.divmod(both, len(columns))
        best, beside = np.where(wins, one, best), np.where(wins, columns[other], stay)
        top = np.where(wins, pairs[rows, both], top)
        money = np.where(wins, cost[rows, one] + cost[rows, other], money)
    go = top > ahead.had + _ROUNDING
    return Steps(
        np.where(go, columns[best], stay),
        np.where(go, beside, stay),
        np.where(go, top, ahead.had),
        np.where(go, money, 0.0),
    )


def _plans(ahead: Lookahead, then: Array, terms: Terms, second: Mask) -> tuple[Array, Array]:
    """Expected score less the price of the second call, and expected cost of both, by the first model."""
    columns = ahead.columns
    cost, charge, seconds = terms.cost_usd[:, columns], terms.charge[:, columns], terms.latency_s[:, columns]
    possible = second[:, None] & ~np.eye(len(columns), dtype=bool)
    if terms.limited:
        possible = possible & (cost[:, :, None] + cost[:, None] <= terms.usd_left[:, None, None])
        possible &= seconds[:, :, None] + seconds[:, None] <= terms.seconds_left[:, None, None]
    third = _third(ahead, terms, second)
    value, paid = (then, 0.0) if third is None else third
    gain = value - charge[:, None, None] * ahead.chance[..., None]
    gain = np.where(possible[:, :, None], gain, -np.inf)
    other, going = gain.argmax(-1), gain.max(-1)
    further = (cost[:, None, None] * ahead.chance[..., None] + paid).reshape(other.size, -1)
    further = further[np.arange(other.size), other.ravel()].reshape(other.shape) * (going > ahead.best)
    return np.maximum(ahead.best, going).sum(2), cost + further.sum(2)


def _third(ahead: Lookahead, terms: Terms, second: Mask) -> tuple[Array, Array] | None:
    """Expected score after a second answer and, where that is worth it, a third; and what the third costs.

    The third model is the best one by what is believed after the first answer; whether to ask it, by what is
    believed after both. What its own answer would tell is planned once that has been read. None where there
    is no third call.

    Returns:
        Both of the shape of `Lookahead.then`.
    """
    after, right, both, odds, at_node = ahead.after, ahead.right, ahead.both, ahead.odds, ahead.at_node
    if after is None or right is None or both is None or odds is None or at_node is None:
        return None
    n, width = right.shape[:2]
    cost, charge = terms.cost_usd[:, ahead.columns], terms.charge[:, ahead.columns]
    worth = right - charge[:, None, None] * ahead.chance[..., None]
    other = second[:, None, None] & ~np.eye(width, dtype=bool)[:, None]
    worth = np.where(other, worth, -np.inf)
    best = worth.argmax(-1)[..., None]
    itself = best == np.arange(width)  # beside which the next best takes its place
    third = np.where(itself, np.where(itself, -np.inf, worth).argmax(-1)[..., None], best)
    rows = np.arange(n)[:, None, None, None]
    gain = np.einsum("srflto,rflto->srflt", both, at_node[rows, third])
    gain -= charge[rows, third] * odds
    possible = other[rows, np.arange(width)[:, None, None], 0, third] & (third != np.arange(width))
    wins = possible & (gain > after)
    spent = (wins * odds).sum(0) * cost[rows, third]
    return np.where(wins, gain, after).sum(0), spent


def _pairs(then: Array, terms: Terms, columns: Positions, either: Mask) -> Array:
    """Value of asking two models at once, ``(n_rows, n_columns, n_columns)``."""
    cost, seconds = terms.cost_usd[:, columns], terms.latency_s[:, columns]
    paid = cost[:, :, None] + cost[:, None]
    possible = either[:, :, None] & either[:, None] & ~np.eye(len(columns), dtype=bool)
    possible &= paid <= terms.usd_left[:, None, None]
    value = then.sum(2) - terms.price[:, None, None] * paid
    if (terms.price_s > 0).any():
        value -= terms.price_s[:, None, None] * np.maximum(seconds[:, :, None], seconds[:, None])
    return np.where(possible, value, -np.inf)
