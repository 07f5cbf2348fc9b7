"""From choices to the record that is handed out, the same way for every backend."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import numpy.typing as npt

from routoo.data.assignment import Assignment, LimitUse, Status
from routoo.data.scores import Scores
from routoo.solver.ledger import Totals
from routoo.solver.limits import Quantity
from routoo.solver.passes import Prompts
from routoo.solver.problem import ROUNDING
from routoo.solver.rows import Floats, Rows

TOLERANCE = 1e-6
"""Relative gap up to which an answer is called optimal."""

UNITS: dict[Quantity, str] = {
    "score": "score",
    "cost_usd": "USD",
    "latency_s": "s",
    "slow": "prompts",
    "tokens": "tokens",
    "requests": "requests",
}

_REPORTED: tuple[Quantity, Quantity] = ("score", "cost_usd")


def answer(
    prompts: Prompts,
    scores: Scores | tuple[str, ...],
    choice: npt.NDArray[np.int32],
    *,
    solver: str,
    bound: float,
    prices: Floats,
    proved: bool = False,
    tolerance: float = TOLERANCE,
) -> Assignment:
    """The assignment that these choices make.

    Args:
        prompts: What was solved.
        scores: The predictions: those of the choices become part of the answer. Where they are not in
            memory, the model names.
        choice: Chosen model of each prompt, ``(n_prompts,)``; keeps every limit.
        solver: Name of the backend.
        bound: Proved bound on the objective as maximised (minus cost, where cost is minimised).
        prices: Dual value of each limit, ``(n_limits,)``.
        proved: The choices are known to be optimal, whatever the bound says.
        tolerance: Relative gap up to which they count as optimal.
    """
    ledger, limits = prompts.ledger, prompts.ledger.limits

    def work(start: int, rows: Rows) -> tuple[Totals, float, float]:
        own = choice[start : start + len(rows)].astype(np.intp)
        score, cost = (float(rows.chosen(name, own).sum()) for name in _REPORTED)
        return ledger.totals(rows, own), score, cost

    parts, scored, paid = zip(*prompts.map(work), strict=True)
    totals = reduce(add, parts)
    gained, uses = totals.gained, ledger.uses(totals)
    bound = gained if proved else max(bound, gained)
    near = bound - gained <= tolerance * max(abs(bound), abs(gained))
    turned = -1.0 if any(limit.name == "min_mean_score" for limit in limits) else 1.0
    return Assignment(
        models=scores.models if isinstance(scores, Scores) else scores,
        choice=choice,
        status="optimal" if near else "feasible",
        score=sum(scored),
        cost_usd=sum(paid),
        objective=turned * gained,
        bound=turned * bound,
        solver=solver,
        limits=tuple(
            LimitUse(limit.name, UNITS[limit.quantity], limit.sign * used, limit.bound, price, limit.floor)
            for limit, used, price in zip(limits, uses.tolist(), prices.tolist(), strict=True)
        ),
        **(_chosen(scores, choice) if isinstance(scores, Scores) else {}),
    )


def _chosen(scores: Scores, choice: npt.NDArray[np.int32]) -> dict[str, Any]:  # Any: fields of Assignment
    """What is predicted of the choices."""
    every = np.arange(len(choice))
    return {
        "prompt_ids": scores.prompt_ids,
        "chosen_p_correct": scores.p_correct[every, choice],
        "chosen_cost_usd": scores.cost_usd[every, choice],
        "chosen_latency_s": scores.latency[every, choice],
    }


def no_answer(
    scores: Scores | tuple[str, ...],
    n_prompts: int,
    reason: str,
    *,
    solver: str,
    status: Status = "infeasible",
    least_budget_usd: float | None = None,
) -> Assignment:
    """The assignment that says why there is none."""
    unknown = float("nan")
    return Assignment(
        models=scores.models if isinstance(scores, Scores) else scores,
        choice=np.full(n_prompts, -1, np.int32),
        status=status,
        score=unknown,
        cost_usd=unknown,
        objective=unknown,
        bound=unknown,
        solver=solver,
        prompt_ids=scores.prompt_ids if isinstance(scores, Scores) else None,
        reason=reason,
        least_budget_usd=least_budget_usd,
    )


def keeps_limits(uses: Floats, bounds: Floats) -> bool:
    """Whether every limit holds, up to the rounding of a float64 sum."""
    return bool((uses <= bounds + ROUNDING * np.maximum(np.abs(uses), np.abs(bounds))).all())


def words(values: Sequence[str]) -> str:
    """A list in words."""
    return values[0] if len(values) == 1 else ", ".join(values[:-1]) + " and " + values[-1]
