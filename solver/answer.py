"""From choices to the record that is handed out, the same way for every backend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from routoo.data.assignment import Assignment, LimitUse, Status
from routoo.solver.limits import Quantity
from routoo.solver.passes import InMemory, choice_totals
from routoo.solver.problem import ROUNDING, Problem
from routoo.solver.rows import Floats

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


def answer(
    problem: Problem,
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
        problem: What was solved.
        choice: Chosen model of each prompt, ``(n_prompts,)``; keeps every limit.
        solver: Name of the backend.
        bound: Proved bound on the objective as maximised (minus cost, where cost is minimised).
        prices: Dual value of each limit, ``(n_limits,)``.
        proved: The choices are known to be optimal, whatever the bound says.
        tolerance: Relative gap up to which they count as optimal.
    """
    prompts = InMemory(problem)
    sums = choice_totals(prompts, choice)
    bound = sums.gained if proved else max(bound, sums.gained)
    near = bound - sums.gained <= tolerance * max(abs(bound), abs(sums.gained))
    turned = -1.0 if problem.goal == "cost" else 1.0
    scores, rows = problem.scores, np.arange(len(problem))
    p, cost = scores.p_correct[rows, choice], scores.cost_usd[rows, choice]
    return Assignment(
        models=scores.models,
        choice=choice,
        status="optimal" if near else "feasible",
        score=float(p.sum(dtype=np.float64)),
        cost_usd=float(cost.sum(dtype=np.float64)),
        objective=turned * sums.gained,
        bound=turned * bound,
        solver=solver,
        limits=tuple(
            LimitUse(limit.name, UNITS[limit.quantity], limit.sign * used, limit.bound, price, limit.floor)
            for limit, used, price in zip(problem.limits, sums.uses.tolist(), prices.tolist(), strict=True)
        ),
        prompt_ids=scores.prompt_ids,
        chosen_p_correct=p,
        chosen_cost_usd=cost,
        chosen_latency_s=scores.latency[rows, choice],
    )


def no_answer(
    problem: Problem,
    reason: str,
    *,
    solver: str,
    status: Status = "infeasible",
    least_budget_usd: float | None = None,
) -> Assignment:
    """The assignment that says why there is none."""
    return Assignment(
        models=problem.scores.models,
        choice=np.full(len(problem), -1, np.int32),
        status=status,
        score=float("nan"),
        cost_usd=float("nan"),
        objective=float("nan"),
        bound=float("nan"),
        solver=solver,
        prompt_ids=problem.scores.prompt_ids,
        reason=reason,
        least_budget_usd=least_budget_usd,
    )


def keeps_limits(uses: Floats, bounds: Floats) -> bool:
    """Whether every limit holds, up to the rounding of a float64 sum."""
    return bool((uses <= bounds + ROUNDING * np.maximum(np.abs(uses), np.abs(bounds))).all())


def words(values: Sequence[str]) -> str:
    """A list in words."""
    return values[0] if len(values) == 1 else ", ".join(values[:-1]) + " and " + values[-1]
