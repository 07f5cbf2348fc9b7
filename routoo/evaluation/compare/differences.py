"""What stands between two rows of an evaluation, with the range that it has when prompts are drawn again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from routoo.data.curves import Vector, hull
from routoo.evaluation.metrics.budgets import BUDGET_SHARES, QUALITY_SHARES, costs_at, score_of
from routoo.evaluation.metrics.policy_metrics import PolicyMetrics
from routoo.evaluation.metrics.published import in_hindsight
from routoo.evaluation.metrics.registry import IN_HINDSIGHT
from routoo.evaluation.metrics.reliability import brier
from routoo.evaluation.trial.bootstrap import Interval, Resamples, interval
from routoo.evaluation.trial.policy import BEST_SINGLE, HULL, Kind, Policy
from routoo.evaluation.trial.single_models import SingleModels
from routoo.evaluation.trial.trial import Trial

AT_COST = tuple(f"hull@{share:g}" for share in BUDGET_SHARES)
AT_QUALITY = tuple(f"cost@{share:g}" for share in QUALITY_SHARES)
COMPARED = ("area", *AT_COST, *AT_QUALITY, "brier")
"""Metrics of which differences are taken: area; ``hull@x``, the score at exactly a share `x` of the best
single model's cost, where two settings are mixed if need be; cost at equal score; Brier score."""

LESS_IS_BETTER = {*AT_QUALITY, "brier"}


@dataclass(frozen=True, eq=False)
class Difference:
    """What one row has above another on the same prompts, metric by metric.

    Args:
        name: The row.
        other: The one it is compared with.
        metrics: The difference of each of `COMPARED` that both rows have, with its range; see `interval`.
    """

    name: str
    other: str
    metrics: Mapping[str, Interval]

    def to_dict(self) -> dict[str, Any]:  # Any: texts and numbers, as JSON has them
        """The fields by name; a difference as `value`, `low` and `high`."""
        figures = {key: asdict(found) for key, found in self.metrics.items()}
        return {"name": self.name, "other": self.other, "figures": figures}


@dataclass(frozen=True, eq=False)
class Compared:
    """The metrics of one policy, on the prompts as they are and in each draw of them.

    Args:
        value: Each of `COMPARED`, and of `IN_HINDSIGHT` where the policy chooses; NaN where not defined.
        drawn: The same in each draw, ``(samples,)`` each.
    """

    value: Mapping[str, float]
    drawn: Mapping[str, Vector]


def compared_metrics(policies: Sequence[Policy], trial: Trial, resamples: Resamples) -> dict[str, Compared]:
    """The metrics of each policy by its name; the draws are the same for all."""
    singles = np.stack([resamples.means(of) for of in (trial.cost_usd, trial.earned)], axis=2)
    scales = [SingleModels(drawn, trial.judged) for drawn in singles]
    found = {}
    for policy in policies:
        points, in_area = policy.resampled(singles, trial, resamples)
        drawn = np.array(
            [_metrics(policy.kind, s, p, p[in_area]) for s, p in zip(scales, points, strict=True)]
        )
        whole = [
            *_metrics(policy.kind, trial.singles, policy.points, policy.points),
            _brier(policy, trial),
        ]
        columns = [*drawn.T, _drawn_brier(policy, trial, resamples)]
        value, draws = dict(zip(COMPARED, whole, strict=True)), dict(zip(COMPARED, columns, strict=True))
        if policy.chosen is not None:
            best = np.array([in_hindsight(p, s) for s, p in zip(scales, points, strict=True)])
            value |= zip(IN_HINDSIGHT, in_hindsight(policy.points, trial.singles), strict=True)
            draws |= zip(IN_HINDSIGHT, best.T, strict=True)
        found[policy.name] = Compared(value, draws)
    return found


def difference(name: str, other: str, compared: Mapping[str, Compared]) -> Difference:
    """What the policy `name` has above `other`, metric by metric, on the same draws."""
    ours, theirs = compared[name], compared[other]
    found = {
        key: interval(ours.value[key] - theirs.value[key], ours.drawn[key] - theirs.drawn[key])
        for key in COMPARED
    }
    return Difference(name, other, {key: known for key, known in found.items() if known is not None})


def hindsight_ranges(compared: Compared) -> dict[str, Interval]:
    """The range of each of `IN_HINDSIGHT` that has one."""
    found = {key: interval(compared.value[key], compared.drawn[key]) for key in IN_HINDSIGHT}
    return {key: known for key, known in found.items() if known is not None}


def with_intervals(
    rows: Sequence[PolicyMetrics], compared: Mapping[str, Compared], reference: str
) -> list[PolicyMetrics]:
    """The rows with what their areas do when the prompts are drawn again."""

    def gap(row: PolicyMetrics, other: str, metric: str = "area") -> Interval | None:
        return None if row.name == other else difference(row.name, other, compared).metrics.get(metric)

    return [
        replace(
            row,
            area_interval=interval(row.area, compared[row.name].drawn["area"]),
            over_hull=gap(row, HULL),
            over_single=gap(row, BEST_SINGLE, "hull@1")
            if row.kind in ("predicted", "cascade", "oracle")
            else None,
            over_reference=gap(row, reference),
        )
        for row in rows
    ]


def _metrics(kind: Kind, singles: SingleModels, points: Vector, in_area: Vector) -> list[float]:
    """Area of the points `in_area`; score at each share of the cost, cost at each share of the score."""
    if kind == "single":
        points = in_area = singles.points[[singles.best]]
    elif kind == "mixing":
        points = in_area = singles.points[[singles.cheapest, singles.best]]
    else:
        points, in_area = singles.with_cheapest(points), singles.with_cheapest(in_area)
    vertices = hull(points)
    scores = [score_of(vertices, share * singles.high_usd) for share in BUDGET_SHARES]
    costs = costs_at(points, singles).values()
    return [math.nan if kind == "single" else singles.area(in_area), *scores, *costs]


def _brier(policy: Policy, trial: Trial) -> float:
    return math.nan if policy.p_correct is None else brier(policy.p_correct, trial.score)


def _drawn_brier(policy: Policy, trial: Trial, resamples: Resamples) -> Vector:
    """The Brier score in each draw: squared errors over cells that are known."""
    if policy.p_correct is None:
        return np.full(resamples.samples, np.nan)
    squared = (policy.p_correct - trial.score) ** 2
    sums = np.stack([np.nansum(squared, 1), (~np.isnan(squared)).sum(1)], axis=1)
    total, count = resamples.means(sums).T
    return np.asarray(np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0))
