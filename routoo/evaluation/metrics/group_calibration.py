"""Calibration of the predictions for each model, and for each domain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from routoo.data.curves import Floats
from routoo.evaluation.metrics.ranking import auc, mean_auc
from routoo.evaluation.metrics.reliability import brier, reliability
from routoo.evaluation.metrics.undefined import without_nan

Group = Literal["model", "domain"]

UNKNOWN_DOMAIN = "(unknown)"
"""What prompts without a domain are listed under."""


@dataclass(frozen=True)
class GroupCalibration:
    """What was promised and what came in one group of predictions.

    Args:
        by: Whether the group is a model or a domain.
        name: Which one.
        count: Predictions in it whose outcome is known.
        p_correct: Mean predicted score.
        score: Mean achieved score.
        brier: Mean squared error.
        ece: Expected calibration error.
        auc: Area under the ROC curve; of a domain, the mean over its models.
    """

    by: Group
    name: str
    count: int
    p_correct: float
    score: float
    brier: float
    ece: float
    auc: float

    @property
    def bias(self) -> float:
        """How much more was promised than came."""
        return self.p_correct - self.score

    def to_dict(self) -> dict[str, Any]:  # Any: texts, numbers and None, as JSON has them
        """The fields by name; None where one is not defined."""
        fields = {**vars(self), "bias": self.bias}
        return without_nan(fields)


def calibrations(
    p_correct: Floats, score: Floats, models: Sequence[str], domains: Sequence[str | None] | None
) -> tuple[GroupCalibration, ...]:
    """The calibration of each model, and of each domain where domains are known.

    Args:
        p_correct: Predicted scores, ``(n_prompts, n_models)``.
        score: Achieved scores, the same shape, NaN where a model was not run.
        models: Name of each column.
        domains: Domain of each row, if known.

    >>> p, y = np.array([[0.5, 0.9], [0.5, 0.3]]), np.array([[1.0, 1.0], [1.0, 0.0]])
    >>> [(c.name, round(c.bias, 2)) for c in calibrations(p, y, ("a", "b"), None)]
    [('a', -0.5), ('b', 0.1)]
    """
    known = ~np.isnan(score)
    found = []
    for at, name in enumerate(models):
        p, y = p_correct[known[:, at], at], score[known[:, at], at]
        found.append(_group("model", name, p, y, auc(p, y)))
    if domains is None:
        return tuple(found)
    labels = domain_labels(domains)
    for name in sorted(set(labels)):
        rows = labels == name
        found.append(
            _group("domain", name, p_correct[rows], score[rows], mean_auc(p_correct[rows], score[rows]))
        )
    return tuple(found)


def domain_labels(domains: Sequence[str | None]) -> npt.NDArray[np.object_]:
    """The name under which each prompt is listed."""
    return np.array([UNKNOWN_DOMAIN if domain is None else domain for domain in domains], dtype=object)


def _group(by: Group, name: str, p_correct: Floats, score: Floats, auc_: float) -> GroupCalibration:
    known = ~np.isnan(score)
    p, y = p_correct[known], score[known]
    if not len(p):
        return GroupCalibration(by, name, 0, math.nan, math.nan, math.nan, math.nan, math.nan)
    return GroupCalibration(
        by=by,
        name=name,
        count=len(p),
        p_correct=float(p.mean()),
        score=float(y.mean()),
        brier=brier(p, y),
        ece=reliability(p, y).ece,
        auc=auc_,
    )
