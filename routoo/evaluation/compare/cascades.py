"""What cascades add to the router, and what they do to get there: calls, seconds, answers paid in vain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from routoo.data.curves import Vector
from routoo.evaluation.compare.differences import Compared, Difference, difference
from routoo.evaluation.compare.validated import aim_in_words
from routoo.evaluation.in_words import number
from routoo.evaluation.metrics.budgets import ROUNDING
from routoo.evaluation.metrics.reliability import brier, reliability
from routoo.evaluation.metrics.undefined import ratio, without_nan
from routoo.evaluation.trial.policy import CASCADE, Policy
from routoo.evaluation.trial.trial import Trial
from routoo.policies.replayed import ReplayedCascades

CASCADE_AIMS = ("keep@0.95", "spend@0.5", "spend@1")
"""Settings at which cascades are described: named as `validated.AIMS`, and picked in hindsight."""


@dataclass(frozen=True)
class CascadeSetting:
    """What cascades do at one price, on the judged prompts.

    Args:
        aim: One of `CASCADE_AIMS`: why this price was picked, on the very same prompts.
        price: Score per USD.
        kept: Share of the best single model's score.
        cost: Share of its cost.
        calls: Models asked a prompt, on average.
        settled: Share of the prompts that are settled after 1, 2, ... calls.
        wasted: Share of the spend that went to answers which were not given.
        median_s: Median seconds to the last answer; NaN where those of too few prompts are known.
        p95_s: The seconds that 95 % of the prompts keep to.
        timed: Share of the prompts of which all calls' seconds are known, recorded or predicted.
        brier: Mean squared error of what was believed in the end of the answers given.
        ece: Expected calibration error of the same.
    """

    aim: str
    price: float
    kept: float
    cost: float
    calls: float
    settled: tuple[float, ...]
    wasted: float
    median_s: float
    p95_s: float
    timed: float
    brier: float
    ece: float

    def in_words(self) -> str:
        """Why the price was picked.

        >>> none = (0.0,) * 3
        >>> CascadeSetting("spend@1", 9.0, 1.0, 1.0, 1.0, (1.0,), 0.0, *none, 0.1, 0.1).in_words()
        'spend 100 % of the cost'
        """
        return aim_in_words(self.aim)

    def to_dict(self) -> dict[str, Any]:  # Any: texts, numbers and None, as JSON has them
        """The fields by name."""
        return without_nan({**asdict(self), "settled": list(self.settled)})


@dataclass(frozen=True, eq=False)
class Cascades:
    """Cascades beside the router whose predictions they begin with.

    Args:
        max_calls: Most models that a prompt may ask.
        settled: Share of the prompts that are settled after 1, 2, ... calls, at each price of the row's
            curve, ``(n_prices, max_calls)``.
        settings: What they do at a few prices; without those that no price serves.
        over_router: What they have above the router, metric by metric; None without resamples.
    """

    max_calls: int
    settled: Vector
    settings: tuple[CascadeSetting, ...]
    over_router: Difference | None

    def setting(self, aim: str) -> CascadeSetting | None:
        """What they do at the price that serves one of `CASCADE_AIMS`, where one does."""
        return next((found for found in self.settings if found.aim == aim), None)

    def gain_in_words(self) -> str:
        """What they add to the router, at the same cost; empty where that may be nothing."""
        gap = None if self.over_router is None else self.over_router.metrics.get("area")
        if gap is None or gap.low <= 0:
            return ""
        return (
            f"reading answers, with up to {self.max_calls} calls a prompt, adds {number(gap.value)} to the "
            f"score at the same cost, range {number(gap.low)} to {number(gap.high)}"
        )

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """The fields by name; the settings alone of what happens at each price."""
        return {
            "max_calls": self.max_calls,
            "settings": [setting.to_dict() for setting in self.settings],
            "over_router": None if self.over_router is None else self.over_router.to_dict(),
        }


def compared_cascades(
    found: ReplayedCascades, policy: Policy, router: str, compared: Mapping[str, Compared], trial: Trial
) -> Cascades:
    """Cascades, as `policy` has them in the table, beside the router of that name."""
    depths = np.arange(1, found.asked.shape[2] + 1)
    settled = (found.calls[..., None] == depths).mean(1)
    picked = ((aim, _picked(aim, policy.points, trial)) for aim in CASCADE_AIMS)
    return Cascades(
        max_calls=len(depths),
        settled=settled,
        settings=tuple(
            _setting(aim, at, found, policy, settled[at], trial) for aim, at in picked if at is not None
        ),
        over_router=difference(CASCADE, router, compared) if compared else None,
    )


def _picked(aim: str, points: Vector, trial: Trial) -> int | None:
    """The price that serves an aim on the judged prompts: the least cost, or the best score."""
    (cost, score), singles = points.T, trial.singles
    verb, _, share = aim.partition("@")
    if verb == "keep":
        enough = np.flatnonzero(score >= float(share) * singles.best_score * (1 - ROUNDING))
        return int(enough[cost[enough].argmin()]) if len(enough) else None
    within = np.flatnonzero(cost <= float(share) * singles.high_usd * (1 + ROUNDING))
    return int(within[score[within].argmax()]) if len(within) else None


def _setting(
    aim: str, at: int, found: ReplayedCascades, policy: Policy, settled: Vector, trial: Trial
) -> CascadeSetting:
    assert policy.wasted_usd is not None  # for the type checker: cascades may ask again
    cost, score = policy.points[at]
    seconds = found.latency_s[at]
    known = seconds[~np.isnan(seconds)]
    median, most = np.quantile(known, [0.5, 0.95]) if len(known) else (np.nan, np.nan)
    recorded = found.realised(trial.score)[at]
    return CascadeSetting(
        aim=aim,
        price=float(found.prices[at]),
        kept=ratio(float(score), trial.singles.best_score),
        cost=ratio(float(cost), trial.singles.high_usd),
        calls=float(found.calls[at].mean()),
        settled=tuple(settled.tolist()),
        wasted=ratio(float(policy.wasted_usd[at].mean()), float(cost)),
        median_s=float(median),
        p95_s=float(most),
        timed=len(known) / len(seconds),
        brier=brier(found.p_correct[at], recorded),
        ece=reliability(found.p_correct[at], recorded).ece,
    )
