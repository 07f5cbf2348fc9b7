"""Prices in words: what one more unit of a limit would buy."""

from __future__ import annotations

import math

from routoo.data.assignment import LimitUse, Solution

_PLURAL = {
    "requests": "requests",
    "tokens": "tokens",
    "prompts": "slow prompts",
    "s": "seconds",
    "USD": "dollars",
}


def prices_in_words(plan: Solution) -> list[str]:
    """A sentence for each limit that binds, money first.

    Where score is maximised, a unit of a limit is worth score, and money where a budget binds too; where
    cost is minimised, it is worth money.

    >>> import numpy as np
    >>> from routoo.data.scores import Scores
    >>> from routoo.solver.problem import Problem
    >>> from routoo.solver.solve import solve
    >>> p, cost = np.array([[0.9, 0.4], [0.8, 0.7]]), np.array([[0.02, 0.001], [0.02, 0.001]])
    >>> plan = solve(Problem(scores=Scores(p, cost, models=("large", "small")), budget_usd=0.03))
    >>> prices_in_words(plan)
    ['budget_usd: one more cent buys 0.0526 correct answers']
    """
    if not plan.found:
        return []
    binding = sorted((use for use in plan.limits if use.price > 0), key=lambda use: use.name != "budget_usd")
    money = next((use.price for use in binding if use.name == "budget_usd"), None)
    least_cost = any(use.name == "min_mean_score" for use in plan.limits)
    return [_sentence(use, money, least_cost) for use in binding]


def _sentence(use: LimitUse, money: float | None, least_cost: bool) -> str:
    amount = _amount(use)
    worth = use.price * amount
    what = _what(use, amount)
    if least_cost:
        verb = "costs" if use.floor else "saves"
        return f"{use.name}: {what} {verb} {_usd(worth)}"
    if use.floor:
        return f"{use.name}: {what} costs {worth:.3g} correct answers"
    if use.name == "budget_usd" or money is None:
        return f"{use.name}: {what} buys {worth:.3g} correct answers"
    return f"{use.name}: {what} is worth {_usd(worth / money)}, or {worth:.3g} correct answers"


def _amount(use: LimitUse) -> float:
    """A round number of units that is small against the limit: a dollar or a thousand others at most."""
    most = 1.0 if use.unit in ("USD", "score") else 1000.0
    if use.limit <= 0:
        return most
    return min(most, 10.0 ** math.floor(math.log10(use.limit)))


def _what(use: LimitUse, amount: float) -> str:
    match use.unit:
        case "USD":
            named = {1.0: "one more dollar", 0.1: "ten more cents", 0.01: "one more cent"}
            return named.get(amount, f"{amount:g} more dollars")
        case "score":
            return (
                "one more correct answer as the floor"
                if amount == 1
                else f"{amount:g} more in sum as the floor"
            )
        case unit:
            return f"{amount:,g} more {_PLURAL[unit]}" if amount != 1 else f"one more {_PLURAL[unit][:-1]}"


def _usd(amount: float) -> str:
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:.3g}"
