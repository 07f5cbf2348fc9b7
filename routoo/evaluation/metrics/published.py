"""One policy under every metric of the registry, so that other routers' results can be laid beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from routoo.data.curves import Vector
from routoo.evaluation.metrics.metric import Subject
from routoo.evaluation.metrics.registry import IN_HINDSIGHT, METRICS
from routoo.evaluation.metrics.undefined import without_nan
from routoo.evaluation.trial.bootstrap import Interval
from routoo.evaluation.trial.single_models import SingleModels


@dataclass(frozen=True)
class Published:
    """One policy under the metrics that others publish, and ours of the same kind.

    Args:
        values: Each of `METRICS` by its key; NaN where one is not defined.
        ranges: Of `IN_HINDSIGHT`, the range over resamples of the prompts, the best setting picked anew in
            each; left out where there are none, or more than one draw in ten has no such setting.
    """

    values: Mapping[str, float]
    ranges: Mapping[str, Interval] = field(default_factory=dict)

    def __getitem__(self, key: str) -> float:
        return self.values[key]

    def to_dict(self) -> dict[str, Any]:  # Any: numbers and None, as JSON has them
        """The metrics by key, ranges as ``arena_low`` and ``arena_high``; None where one is not defined."""
        row = without_nan(self.values)
        for key in IN_HINDSIGHT:
            known = self.ranges.get(key)
            row[f"{key}_low"] = None if known is None else known.low
            row[f"{key}_high"] = None if known is None else known.high
        return row


def published_of(subject: Subject, ranges: Mapping[str, Interval]) -> Published:
    """Every metric of a policy that chooses; `ranges` are those of `IN_HINDSIGHT` that are known."""
    return Published({metric.key: metric(subject) for metric in METRICS}, ranges)


def in_hindsight(points: Vector, singles: SingleModels) -> tuple[float, ...]:
    """Each of `IN_HINDSIGHT` for the settings `points`, ``(n_points, 2)``."""
    return tuple(metric.best(points, singles) for metric in METRICS if metric.best is not None)
