"""What an assignment saved: its spend and score on recorded outcomes, beside the best single model's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from routoo.evaluation.trial.trial import trial_of

if TYPE_CHECKING:
    from routoo.data.assignment import Assignment
    from routoo.data.outcomes import Outcomes
    from routoo.data.pool import Pool
    from routoo.evaluation.evaluation import Evaluation


@dataclass(frozen=True, kw_only=True)
class Saving:
    """What an assignment achieved and cost, beside the best single model and the best mixture.

    Args:
        prompts: How many were assigned.
        best_single: Name of the model with the highest mean score on them.
        best_single_score: Its mean score.
        best_single_cost_usd: What it costs on all of them.
        score: Mean score of the assignment.
        cost_usd: What it costs in all.
        mixed_score: Mean score of the best mixture of single models at that cost.
        simulated: Whether the outcomes are simulated.
    """

    prompts: int
    best_single: str
    best_single_score: float
    best_single_cost_usd: float
    score: float
    cost_usd: float
    mixed_score: float
    simulated: bool

    @property
    def kept(self) -> float:
        """Share of the best single model's score that the assignment keeps."""
        return self.score / self.best_single_score

    @property
    def saved(self) -> float:
        """Share of the best single model's cost that the assignment saves."""
        return 1 - self.cost_usd / self.best_single_cost_usd

    @property
    def mixing_kept(self) -> float:
        """Share of the score that the best mixture of single models keeps at the same cost."""
        return self.mixed_score / self.best_single_score


def saving_of(plan: Assignment, outcomes: Outcomes, pool: Pool, evaluation: Evaluation) -> Saving:
    """What an assignment of the judged prompts saved, by the rules of the evaluation.

    Args:
        plan: A model for each prompt of the evaluated part, in the order of the outcomes.
        outcomes: What the evaluation was made on.
        pool: The models of the evaluation.
        evaluation: Knows the single models on these prompts.
    """
    trial = trial_of(outcomes, pool, evaluation.part)
    rows = np.arange(len(plan))
    columns = np.array([trial.models.index(name) for name in plan.chosen])
    cost = float(trial.cost_usd[rows, columns].sum())
    best = evaluation.best_single
    return Saving(
        prompts=len(plan),
        best_single=best.name,
        best_single_score=best.score,
        best_single_cost_usd=best.cost_usd * len(plan),
        score=float(trial.earned[rows, columns].mean()),
        cost_usd=cost,
        mixed_score=evaluation.mixed_score(cost / len(plan)),
        simulated=evaluation.simulated,
    )
