"""From choices to the record that is handed out, the same way for every backend."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from routoo.data.assignment import Assignment, LimitUse, Status
from routoo.data.scores import Matrix, Scores
from routoo.solver.limits import Quantity
from routoo.solver.results.infeasible import fail_alone, why_infeasible
from routoo.solver.search.assign import NOTHING, TOLERANCE, Assigned
from routoo.solver.sums.sources import Batch
from routoo.solver.sums.tally import tally
from routoo.solver.usage import BLOCK

UNITS: dict[Quantity, str] = {
    "score": "score",
    "cost_usd": "USD",
    "latency_s": "s",
    "slow": "prompts",
    "tokens": "tokens",
    "requests": "requests",
}


def outcome(
    batch: Batch,
    scores: Scores,
    found: Assigned,
    *,
    solver: str,
    unsolved: str = "",
    tolerance: float = TOLERANCE,
) -> Assignment:
    """The assignment that was found, or why there is none.

    Args:
        batch: What was solved.
        scores: The predictions: those of the choices become part of the answer.
        found: Where the backend ended; its choices keep every limit.
        solver: Name of the backend.
        unsolved: What to say where nothing was found and nothing is proved.
        tolerance: Relative gap up to which the choices count as optimal.
    """
    said = said_of(batch, scores.models, found, solver=solver, unsolved=unsolved, tolerance=tolerance)
    if found.status != "solved":
        choice = np.full(len(scores), -1, np.int32)
        return Assignment(**said, choice=choice, prompt_ids=scores.prompt_ids)
    choice = np.asarray(found.choice[: len(scores)], np.int32)
    return Assignment(**said, choice=choice, prompt_ids=scores.prompt_ids, **_predicted(scores, choice))


def said_of(
    batch: Batch,
    models: tuple[str, ...],
    found: Assigned,
    *,
    solver: str,
    unsolved: str,
    tolerance: float,
) -> dict[str, Any]:  # Any: fields of a solution
    """What `outcome` says but for single choices: the fields of a solution."""
    if found.status == "solved":
        return _said_of_choices(batch, models, found, solver=solver, tolerance=tolerance)
    alone = fail_alone(batch)
    if found.status == "unsolved" and not alone:
        return said_of_none(models, unsolved, solver=solver, status="unsolved")
    reason = why_infeasible(batch, alone)
    return said_of_none(models, reason.words, solver=solver, least_budget_usd=reason.least_budget_usd)


def _said_of_choices(
    batch: Batch, models: tuple[str, ...], found: Assigned, *, solver: str, tolerance: float
) -> dict[str, Any]:  # Any: fields of a solution
    limits, totals = batch.constraints.limits, found.totals or tally(batch, found.choice)
    gained, bound = totals.gained, max(found.bound, totals.gained)
    near = bound - gained <= max(tolerance * max(abs(bound), abs(gained)), NOTHING)
    turned = -1.0 if any(limit.name == "min_mean_score" for limit in limits) else 1.0
    return {
        "models": models,
        "status": "optimal" if near else "feasible",
        "score": totals.score,
        "cost_usd": totals.cost_usd,
        "objective": turned * gained + 0.0,
        "bound": turned * bound + 0.0,
        "solver": solver,
        "limits": tuple(
            LimitUse(limit.name, UNITS[limit.quantity], limit.sign * used, limit.bound, price, limit.floor)
            for limit, used, price in zip(limits, totals.uses.tolist(), found.prices.tolist(), strict=True)
        ),
    }


def _predicted(
    scores: Scores, choice: npt.NDArray[np.int32]
) -> dict[str, Any]:  # Any: fields of an assignment
    """What is predicted of the choices."""
    known = {
        "p_correct": scores.p_correct,
        "cost_usd": scores.cost_usd,
        "latency_s": scores.latency,
        "input_tokens": scores.input_tokens,
        "output_tokens": scores.output_tokens,
    }
    return {f"chosen_{name}": _picked(values, choice) for name, values in known.items() if values is not None}


def _picked(values: Matrix, choice: npt.NDArray[np.int32]) -> Matrix:
    """The values of the choices, picked in blocks so that no index of the batch's size is made."""
    found = np.empty(len(choice), np.float32)
    for start in range(0, len(choice), BLOCK):
        own = choice[start : start + BLOCK]
        found[start : start + BLOCK] = values[np.arange(start, start + len(own)), own]
    return found


def no_answer(
    scores: Scores | tuple[str, ...],
    n_prompts: int,
    reason: str,
    *,
    solver: str,
    least_budget_usd: float | None = None,
) -> Assignment:
    """The assignment that says why there is none, of scores or of models by name."""
    models, names = (scores.models, scores.prompt_ids) if isinstance(scores, Scores) else (scores, None)
    said = said_of_none(models, reason, solver=solver, least_budget_usd=least_budget_usd)
    return Assignment(**said, choice=np.full(n_prompts, -1, np.int32), prompt_ids=names)


def said_of_none(
    models: tuple[str, ...],
    reason: str,
    *,
    solver: str,
    status: Status = "infeasible",
    least_budget_usd: float | None = None,
) -> dict[str, Any]:  # Any: fields of a solution
    """What is said where there is no choice for every prompt."""
    unknown = dict.fromkeys(("score", "cost_usd", "objective", "bound"), float("nan"))
    said = {"solver": solver, "reason": reason, "least_budget_usd": least_budget_usd}
    return {"models": models, "status": status, **unknown, **said}
