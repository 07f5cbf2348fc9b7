"""One policy under every measure of the registry, so that other routers' results can be laid beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from routoo.data.curves import Vector
from routoo.evaluation.metrics.measure import Subject
from routoo.evaluation.metrics.registry import IN_HINDSIGHT, MEASURES
from routoo.evaluation.metrics.undefined import without_nan
from routoo.evaluation.trial.bootstrap import Interval
from routoo.evaluation.trial.single_models import SingleModels


@dataclass(frozen=True)
class Published:
    """One policy under the measures that others publish, and ours of the same kind.

    Args:
        values: Each of `MEASURES` by its key; NaN where one is not defined.
        ranges: Of `IN_HINDSIGHT`, the range over resamples of the prompts, the best setting picked anew in
            each; left out where there are none, or more than one draw in ten has no such setting.
    """

    values: Mapping[str, float]
    ranges: Mapping[str, Interval] = field(default_factory=dict)

    def __getitem__(self, key: str) -> float:
        return self.values[key]

    def to_dict(self) -> dict[str, Any]:  # Any: numbers and None, as JSON has them
        """The measures by key, ranges as ``arena_low`` and ``arena_high``; None where one is not defined."""
        row = without_nan(self.values)
        for key in IN_HINDSIGHT:
            known = self.ranges.get(key)
            row[f"{key}_low"] = None if known is None else known.low
            row[f"{key}_high"] = None if known is None else known.high
        return row


def published_of(subject: Subject, ranges: Mapping[str, Interval]) -> Published:
    """Every measure of a policy that chooses; `ranges` are those of `IN_HINDSIGHT` that are known."""
    return Published({measure.key: measure(subject) for measure in MEASURES}, ranges)


def in_hindsight(points: Vector, singles: SingleModels) -> tuple[float, ...]:
    """Each of `IN_HINDSIGHT` for the settings `points`, ``(n_points, 2)``."""
    return tuple(measure.best(points, singles) for measure in MEASURES if measure.best is not None)
