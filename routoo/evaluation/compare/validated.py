"""Settings chosen on validation, and what they keep and cost on the judged prompts: no hindsight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from routoo.data.curves import hull
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.scores import Scores
from routoo.data.validation import ValidationRecord
from routoo.evaluation.in_words import plain_percent
from routoo.evaluation.metrics.budgets import score_of
from routoo.evaluation.metrics.policy_metrics import PolicyMetrics
from routoo.evaluation.metrics.undefined import ratio, without_nan
from routoo.evaluation.trial.bootstrap import Interval, Resamples, interval
from routoo.evaluation.trial.policy import Policy
from routoo.evaluation.trial.trial import Trial, trial_of

KEPT_SHARES = (0.95, 1.0)
"""Shares of the best single model's score that a price is to keep on validation, at the least cost."""

SPENT_SHARES = (0.5,)
"""Shares of its cost that a price may spend on validation, for the best score."""

AIMS = (*(f"keep@{share:g}" for share in KEPT_SHARES), *(f"spend@{share:g}" for share in SPENT_SHARES))
"""The settings by name."""


@dataclass(frozen=True)
class ValidatedSetting:
    """A price chosen on validation, on the judged prompts.

    Args:
        aim: One of `AIMS`: what the price did on validation.
        price: Score per USD.
        kept: Share of the best single model's score that it keeps on the judged prompts.
        cost: Share of that model's cost that it spends there.
        hindsight: What could have been picked on the judged prompts themselves: the least cost that keeps the
            share, or the best score, as a share, at no more than the cost.
        saved_usd: What a prompt costs less than with the best single model alone.
        over_mixtures: Score above the best mixture of single models at the same cost, as a share of the best
            single model's score; with its range.
        kept_range: `kept` with its range over resamples of the judged prompts; that of validation, which
            chose the price, is not in it.
        cost_range: `cost` likewise.
        saved_usd_range: `saved_usd` likewise.
    """

    aim: str
    price: float
    kept: float
    cost: float
    hindsight: float
    saved_usd: float
    over_mixtures: Interval | None = None
    kept_range: Interval | None = None
    cost_range: Interval | None = None
    saved_usd_range: Interval | None = None

    @property
    def share(self) -> float:
        """The share that was kept, or spent, on validation."""
        return float(self.aim.partition("@")[2])

    @property
    def keeps(self) -> bool:
        """Whether it was chosen by the score that it keeps, and not by what it spends."""
        return self.aim.startswith("keep")

    def in_words(self) -> str:
        """What the price was to do."""
        return aim_in_words(self.aim)

    def to_dict(self) -> dict[str, Any]:  # Any: numbers and None, as JSON has them
        """The fields by name; a range as `value`, `low` and `high`."""
        return without_nan(asdict(self))


def aim_in_words(aim: str) -> str:
    """What a price is to do.

    >>> aim_in_words("keep@0.95"), aim_in_words("spend@0.5")
    ('keep 95 % of the score', 'spend 50 % of the cost')
    """
    verb, _, share = aim.partition("@")
    return f"{verb} {plain_percent(float(share))} of the {'score' if verb == 'keep' else 'cost'}"


def records_of(
    validation: Mapping[str, Scores | ValidationRecord],
    predictions: Mapping[str, Scores],
    outcomes: Outcomes,
    pool: Pool,
) -> dict[str, ValidationRecord]:
    """The record of each prediction: as given, or of its predictions for the prompts in ``val``.

    Raises:
        InputError: A name is of no prediction, or one does not cover the pool and the prompts in ``val``.
    """
    if unknown := [name for name in validation if name not in predictions]:
        raise InputError(
            f"validation of {unknown[0]!r}, which predicts nothing; there are {', '.join(predictions)}"
        )
    records = {name: given for name, given in validation.items() if isinstance(given, ValidationRecord)}
    scores = {name: given for name, given in validation.items() if isinstance(given, Scores)}
    if scores:
        trial = trial_of(outcomes, pool, "val")
        for name, given in scores.items():
            records[name] = ValidationRecord.of(trial.align(name, given), trial.earned, trial.cost_usd)
    return {name: records[name] for name in validation}


def settings_of(
    records: Mapping[str, ValidationRecord],
    policies: Sequence[Policy],
    rows: Sequence[PolicyMetrics],
    trial: Trial,
    resamples: Resamples | None,
) -> tuple[dict[str, tuple[ValidatedSetting, ...]], tuple[str, ...]]:
    """The settings chosen on validation, by row; and in words why there are none of a record."""
    if records and trial.part == "val":
        return {}, ("judged on validation itself: no setting can be chosen there",)
    by_name = {policy.name: (policy, row) for policy in policies for row in rows if row.name == policy.name}
    found, notes = {}, []
    for name, record in records.items():
        if set(record.models) != set(trial.models):
            notes.append(f"{name} was validated with other models: its settings are picked in hindsight")
        elif settings := validated_settings(*by_name[name], record, trial, resamples):
            found[name] = settings
    return found, tuple(notes)


def validated_settings(
    policy: Policy, row: PolicyMetrics, record: ValidationRecord, trial: Trial, resamples: Resamples | None
) -> tuple[ValidatedSetting, ...]:
    """What a policy's prices that were chosen on validation do; without those that no price reached there."""
    found = []
    for share in KEPT_SHARES:
        price = record.price_keeping(share)
        if price is not None:
            aim, hindsight = f"keep@{share:g}", row.cost_at[share]
            found.append(_measured(aim, price, hindsight, policy, trial, resamples))
    for share in SPENT_SHARES:
        price = record.price_spending(share)
        if price is not None:
            aim, hindsight = f"spend@{share:g}", ratio(row.score_at[share], trial.singles.best_score)
            found.append(_measured(aim, price, hindsight, policy, trial, resamples))
    return tuple(found)


def _measured(
    aim: str, price: float, hindsight: float, policy: Policy, trial: Trial, resamples: Resamples | None
) -> ValidatedSetting:
    singles = trial.singles
    nearest = np.abs(policy.prices - price).argmin()  # a record's prices are of the same grid
    cost, score = (of[0] for of in policy.realised(trial, np.array([nearest])))
    kept, spent = ratio(float(score.mean()), singles.best_score), ratio(float(cost.mean()), singles.high_usd)
    mixed = ratio(score_of(hull(singles.points), float(cost.mean())), singles.best_score)
    saved = singles.high_usd - float(cost.mean())
    plain = ValidatedSetting(aim, price, kept, spent, hindsight, saved)
    if resamples is None:
        return plain
    own = resamples.means(np.stack([score, cost], axis=1))
    drawn = np.stack([resamples.means(of) for of in (trial.cost_usd, trial.earned)], axis=2)
    best = drawn[:, singles.best]
    with np.errstate(divide="ignore", invalid="ignore"):
        kept_drawn, spent_drawn = own[:, 0] / best[:, 1], own[:, 1] / best[:, 0]
    mixtures = np.array([score_of(hull(s), c) for s, c in zip(drawn, own[:, 1], strict=True)])
    with np.errstate(divide="ignore", invalid="ignore"):
        above = (own[:, 0] - mixtures) / best[:, 1]
    return ValidatedSetting(
        aim,
        price,
        kept,
        spent,
        hindsight,
        saved,
        over_mixtures=interval(kept - mixed, above),
        kept_range=interval(kept, kept_drawn),
        cost_range=interval(spent, spent_drawn),
        saved_usd_range=interval(saved, best[:, 0] - own[:, 1]),
    )
