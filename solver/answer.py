"""From choices to the record that is handed out, the same way for every backend."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

import numpy as np
import numpy.typing as npt

from routoo.data.assignment import Assignment, LimitUse, Status
from routoo.data.scores import Matrix, Scores
from routoo.solver.ledger import Totals
from routoo.solver.limits import Quantity
from routoo.solver.passes import Prompts
from routoo.solver.problem import ROUNDING
from routoo.solver.rows import Floats, Rows
from routoo.solver.usage import BLOCK

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
    ledger, limits, named = prompts.ledger, prompts.ledger.limits, isinstance(scores, Scores)
    chosen = {name: np.empty(len(choice) if named else 0, np.float32) for name in _REPORTED}

    def work(start: int, rows: Rows) -> tuple[Totals, dict[str, float]]:
        at = slice(start, start + len(rows))
        own = choice[at].astype(np.intp)
        amounts = {name: rows.chosen(name, own) for name in _REPORTED}
        for name in chosen if named else ():
            chosen[name][at] = amounts[name]
        return ledger.totals(rows, own), {name: float(amount.sum()) for name, amount in amounts.items()}

    parts, sums = zip(*prompts.map(work), strict=True)
    totals = reduce(add, parts)
    gained, uses = totals.gained, ledger.uses(totals)
    bound = gained if proved else max(bound, gained)
    near = bound - gained <= tolerance * max(abs(bound), abs(gained))
    turned = -1.0 if any(limit.name == "min_mean_score" for limit in limits) else 1.0
    return Assignment(
        models=scores.models if isinstance(scores, Scores) else scores,
        choice=choice,
        status="optimal" if near else "feasible",
        score=sum(part["score"] for part in sums),
        cost_usd=sum(part["cost_usd"] for part in sums),
        objective=turned * gained,
        bound=turned * bound,
        solver=solver,
        limits=tuple(
            LimitUse(limit.name, UNITS[limit.quantity], limit.sign * used, limit.bound, price, limit.floor)
            for limit, used, price in zip(limits, uses.tolist(), prices.tolist(), strict=True)
        ),
        prompt_ids=scores.prompt_ids if isinstance(scores, Scores) else None,
        chosen_p_correct=chosen["score"] if named else None,
        chosen_cost_usd=chosen["cost_usd"] if named else None,
        chosen_latency_s=_latency(scores.latency, choice) if isinstance(scores, Scores) else None,
    )


def _latency(latency: Matrix, choice: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
    """Latencies of the choices, picked in blocks so that no index of the batch's size is made."""
    found = np.empty(len(choice), np.float32)
    for start in range(0, len(choice), BLOCK):
        own = choice[start : start + BLOCK]
        found[start : start + BLOCK] = latency[np.arange(start, start + len(own)), own]
    return found


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
