"""What a collection came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from routoo.collect.folder import Tables
from routoo.data.answers import Answers
from routoo.data.grade import unscored
from routoo.data.outcomes import Outcomes


@dataclass(frozen=True)
class ModelCount:
    """What one model was asked and what came of it, over all runs of the folder.

    Args:
        asked: Calls that ended, with an answer or for good without.
        scored: Answers that have a score.
        unscored: Those that have none, by reason.
        not_asked: Calls that were wanted and not made, by reason.
        mean_score: Over the scored ones; None where there is none.
        spent_usd: What was spent on it.
        median_latency_s: Of its answers; None where no latency is known.
    """

    asked: int
    scored: int
    unscored: Mapping[str, int]
    not_asked: Mapping[str, int]
    mean_score: float | None
    spent_usd: float
    median_latency_s: float | None


@dataclass(frozen=True, eq=False)
class Collected:
    """What a folder of a collection holds after a run.

    Args:
        folder: Where it is.
        outcomes: What `Outcomes.read` reads there; None where no answer has a score, and only the journal is
            written.
        answers: All answers, with those that failed; None where there is none.
        models: What came of each model, by name.
        budget_usd: The cap.
        spent_usd: All that was spent, in earlier runs too.
        judge_usd: The part of it that a judge cost.
        lost: Calls that were in flight when a run was killed, which count as what they could cost at most.
        lost_usd: What they count as.
        interrupted: Whether the run was asked to stop.
    """

    folder: Path
    outcomes: Outcomes | None
    answers: Answers | None
    models: Mapping[str, ModelCount]
    budget_usd: float
    spent_usd: float
    judge_usd: float = 0.0
    lost: int = 0
    lost_usd: float = 0.0
    interrupted: bool = False

    @property
    def complete(self) -> bool:
        """Whether every call that was wanted has been made."""
        return not any(model.not_asked for model in self.models.values())

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """Counts and money as plain JSON values."""
        return {
            "folder": str(self.folder),
            "budget_usd": self.budget_usd,
            "spent_usd": self.spent_usd,
            "judge_usd": self.judge_usd,
            "lost_calls": self.lost,
            "lost_usd": self.lost_usd,
            "complete": self.complete,
            "interrupted": self.interrupted,
            "models": {name: dict(vars(model)) for name, model in self.models.items()},
        }


def count_of(name: str, tables: Tables, spent_usd: float, not_asked: Mapping[str, int]) -> ModelCount:
    """What one model was asked and what came of it."""
    rows = tables.answers.rows if tables.answers is not None else None
    grades, latencies = [], []
    if rows is not None:
        at = [place for place, model in enumerate(rows["model"]) if model == name]
        grades = [tables.grades[place] for place in at]
        if "latency_s" in rows.columns:
            latencies = rows["latency_s"][at].drop_nulls().to_list()
    scores = [grade.score for grade in grades if grade.score is not None]
    return ModelCount(
        asked=len(grades),
        scored=len(scores),
        unscored=unscored(grades),
        not_asked=not_asked,
        mean_score=sum(scores) / len(scores) if scores else None,
        spent_usd=spent_usd,
        median_latency_s=median(latencies) if latencies else None,
    )
