"""Whether costs predicted call by call pay: the router beside its twin that knows mean costs alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from routoo.evaluation.compare.differences import Compared, Difference, difference
from routoo.evaluation.metrics.policy_metrics import PolicyMetrics
from routoo.evaluation.metrics.spend_errors import Spend, spend_of
from routoo.evaluation.trial.bootstrap import Resamples
from routoo.evaluation.trial.policy import Policy
from routoo.evaluation.trial.trial import Trial

BY_MEAN_COST = "mean costs"
"""Name of the policy that has the router's predicted scores, and each model's mean cost for every call."""


@dataclass(frozen=True, eq=False)
class Spending:
    """The router's costs, predicted call by call, beside each model's mean cost.

    Args:
        spend: What the router's batches were expected to cost, and cost.
        by_mean: The router's metrics when a call is expected to cost what its model costs on average.
        spend_by_mean: What its batches are then expected to cost, and cost.
        difference: The router's metrics above `by_mean`'s, with ranges; None without resamples.
    """

    spend: Spend
    by_mean: PolicyMetrics
    spend_by_mean: Spend
    difference: Difference | None

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """The errors, the row with mean costs, and the difference."""
        return {
            "errors": [error.to_dict() for error in self.spend.errors],
            "errors_by_mean": [error.to_dict() for error in self.spend_by_mean.errors],
            "by_mean": self.by_mean.to_dict(),
            "difference": None if self.difference is None else self.difference.to_dict(),
        }


def spending_of(
    router: Policy,
    by_mean: Policy,
    row_by_mean: PolicyMetrics,
    compared: Mapping[str, Compared],
    trial: Trial,
    resamples: Resamples | None,
) -> Spending:
    """The spending of the router and of its twin that knows mean costs alone, whose row is `row_by_mean`."""
    return Spending(
        spend=spend_of(router, trial, resamples),
        by_mean=row_by_mean,
        spend_by_mean=spend_of(by_mean, trial, resamples),
        difference=difference(router.name, by_mean.name, compared) if compared else None,
    )
