"""The metrics of one policy: a row of the table of an evaluation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from routoo.evaluation.metrics.budgets import apgr, costs_at, scores_at
from routoo.evaluation.metrics.deferral import Deferral, deferral_of
from routoo.evaluation.metrics.ranking import mean_auc
from routoo.evaluation.metrics.reliability import brier, reliability
from routoo.evaluation.metrics.undefined import ratio, without_nan
from routoo.evaluation.trial.bootstrap import Interval
from routoo.evaluation.trial.policy import Kind, Policy
from routoo.evaluation.trial.trial import Trial

HINDSIGHT = ("area", "closed", "apgr", "acc@x", "cost@x")
"""Metrics of settings that are picked on the very prompts that they are judged on."""

INTERVALS = ("area_interval", "over_hull", "over_single", "over_reference")


@dataclass(frozen=True, kw_only=True)
class PolicyMetrics:
    """One policy on the prompts of a part: the metrics of its row, NaN where one is not defined.

    Args:
        name: What the row is called.
        kind: What it stands for.
        area: Mean score under the hull of its curve, over budgets from the cheapest to the best single model.
        closed: Share of the way from the hull of single models to the oracle that `area` stands for.
        apgr: Share of the way from the cheapest to the best single model's score that `area` stands for: by
            cost, under the hull. RouteLLM's own is by share of calls, see `APGR_BY_CALLS`.
        auc: Mean over models of the area under the ROC curve; `brier` and `ece`: how far predictions are off.
        argmax: Score when money is no object; `argmax_cost` is what that costs.
        score_at: Best score at no more than a share of the best single model's cost, by share.
        cost_at: Least cost at a share of the best single model's score, by share.
        area_interval: `area` with its range over resamples of the prompts.
        over_hull: What `area` is above that of the hull of single models, on the same resamples.
        over_single: What the score at the best single model's cost is above that model's.
        over_reference: What `area` is above that of the reference row, on the same resamples.

    Costs are shares of the best single model's.
    """

    name: str
    kind: Kind
    area: float = math.nan
    closed: float = math.nan
    apgr: float = math.nan
    auc: float = math.nan
    brier: float = math.nan
    ece: float = math.nan
    argmax: float = math.nan
    argmax_cost: float = math.nan
    score_at: Mapping[float, float] = field(default_factory=dict)
    cost_at: Mapping[float, float] = field(default_factory=dict)
    area_interval: Interval | None = None
    over_hull: Interval | None = None
    over_single: Interval | None = None
    over_reference: Interval | None = None

    def to_dict(self) -> dict[str, Any]:  # Any: texts, numbers and None, as JSON has them
        """One flat row: ``acc@0.5`` is the score at half the cost, ``cost@1`` the cost at the full score.

        >>> row = PolicyMetrics(name="router", kind="predicted", area=0.5, score_at={0.5: 0.4}).to_dict()
        >>> row["area"], row["acc@0.5"], row["closed"]
        (0.5, 0.4, None)
        """
        row: dict[str, Any] = {"name": self.name, "kind": self.kind}
        for key in ("auc", "brier", "ece", "area", "closed", "apgr", "argmax", "argmax_cost"):
            row[key] = getattr(self, key)
        row |= {f"acc@{share:g}": value for share, value in self.score_at.items()}
        row |= {f"cost@{share:g}": value for share, value in self.cost_at.items()}
        for key in INTERVALS:
            known: Interval | None = getattr(self, key)
            stem = key.removesuffix("_interval")
            if stem != "area":
                row[stem] = None if known is None else known.value
            row[f"{stem}_low"] = None if known is None else known.low
            row[f"{stem}_high"] = None if known is None else known.high
        return without_nan(row)


def deferral(policy: Policy, trial: Trial) -> Deferral | None:
    """What a policy's predictions make of the cheapest and the best single model alone, if these are two."""
    singles = trial.singles
    p_correct = trial.earned if policy.kind == "oracle" else policy.p_correct
    if p_correct is None or singles.best == singles.cheapest:
        return None
    return deferral_of(
        p_correct[:, singles.best] - p_correct[:, singles.cheapest],
        trial.earned[:, singles.cheapest],
        trial.earned[:, singles.best],
        weak=trial.models[singles.cheapest],
        strong=trial.models[singles.best],
    )


def measured(policies: list[Policy], trial: Trial) -> list[PolicyMetrics]:
    """The row of each policy, intervals left out."""
    area = {p.kind: trial.singles.area(trial.singles.with_cheapest(p.points)) for p in policies}
    return [_metrics(policy, trial, area["hull"], area["oracle"]) for policy in policies]


def _metrics(policy: Policy, trial: Trial, floor: float, ceiling: float) -> PolicyMetrics:
    """The row of a policy; `floor` and `ceiling` are the areas between which `closed` runs."""
    singles = trial.singles
    if policy.kind == "single":
        return PolicyMetrics(
            name=policy.name,
            kind=policy.kind,
            argmax=singles.best_score,
            argmax_cost=ratio(singles.high_usd, singles.high_usd),
            score_at=scores_at(policy.points, singles),
            cost_at=costs_at(policy.points, singles),
        )
    points = singles.with_cheapest(policy.points)
    area = singles.area(points)
    row = PolicyMetrics(
        name=policy.name,
        kind=policy.kind,
        area=area,
        closed=ratio(area - floor, ceiling - floor),
        apgr=apgr(area, singles),
        score_at=scores_at(points, singles),
        cost_at=costs_at(points, singles),
    )
    if policy.chosen is not None:
        cost, score = policy.points[0]
        row = replace(row, argmax=float(score), argmax_cost=ratio(float(cost), singles.high_usd))
    if policy.p_correct is None:
        return row
    return replace(
        row,
        auc=mean_auc(policy.p_correct, trial.score),
        brier=brier(policy.p_correct, trial.score),
        ece=reliability(policy.p_correct, trial.score).ece,
    )
