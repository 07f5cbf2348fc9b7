"""What a batch was expected to cost and what it cost, and whether costs predicted call by call pay."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from routoo.data.curves import Floats, Vector, realised
from routoo.evaluation.metrics.budgets import BUDGET_SHARES
from routoo.evaluation.metrics.undefined import ratio
from routoo.evaluation.trial.bootstrap import Interval, Resamples, interval
from routoo.evaluation.trial.policy import Policy
from routoo.evaluation.trial.trial import Trial


@dataclass(frozen=True)
class SpendError:
    """A batch at one price.

    Args:
        share: The budget it was to meet, as a share of what the best single model costs on all prompts.
        predicted_usd: What its choices were expected to cost in all.
        recorded_usd: What they cost.
        excess: ``recorded_usd / predicted_usd - 1``, with its range over resamples of the prompts.
    """

    share: float
    predicted_usd: float
    recorded_usd: float
    excess: Interval | None

    @property
    def off(self) -> float:
        """How far the batch came out above what was expected, as a share of that."""
        return ratio(self.recorded_usd, self.predicted_usd) - 1

    def to_dict(self) -> dict[str, Any]:  # Any: numbers and None, as JSON has them
        """The fields by name, and `off`."""
        return {**asdict(self), "off": None if math.isnan(self.off) else self.off}


@dataclass(frozen=True, eq=False)
class Spend:
    """What the batch was expected to cost and what it cost, price by price.

    Args:
        predicted_usd: Sum of the expected costs of the choices at each price, ``(n_prices,)``.
        recorded_usd: Sum of what they cost, the same shape.
        errors: Both at a few budgets.
    """

    predicted_usd: Vector
    recorded_usd: Vector
    errors: tuple[SpendError, ...]


def spend_of(policy: Policy, trial: Trial, resamples: Resamples | None) -> Spend:
    """What a policy that chooses was expected to spend, and spent.

    Args:
        policy: Has choices and expected costs.
        trial: Knows what calls cost.
        resamples: Draws of the prompts; None for no ranges.
    """
    assert policy.chosen is not None  # for the type checker, as the next
    assert policy.expected_cost is not None
    predicted = realised(policy.chosen, policy.expected_cost)
    recorded = realised(policy.chosen, trial.cost_usd)
    totals = predicted.sum(1)
    errors = []
    for at, share in _settings(totals, trial.singles.high_usd * len(trial.score)):
        errors.append(
            SpendError(
                share=share,
                predicted_usd=float(totals[at]),
                recorded_usd=float(recorded[at].sum()),
                excess=_excess(predicted[at], recorded[at], resamples),
            )
        )
    return Spend(totals, recorded.sum(1), tuple(errors))


def _settings(totals: Vector, most_usd: float) -> list[tuple[int, float]]:
    """The lowest price at which each budget is expected to hold, and the budget; none twice."""
    found: dict[int, float] = {}
    for share in BUDGET_SHARES:
        within = np.flatnonzero(totals <= share * most_usd)
        if len(within):
            found.setdefault(int(within[0]), share)
    return list(found.items())


def _excess(predicted: Floats, recorded: Floats, resamples: Resamples | None) -> Interval | None:
    if resamples is None or not predicted.sum():
        return None
    expected, paid = resamples.means(np.stack([predicted, recorded], axis=1) / predicted.mean()).T
    drawn = np.divide(paid, expected, out=np.full_like(paid, np.nan), where=expected > 0)
    return interval(float(recorded.sum() / predicted.sum()) - 1, drawn - 1)
