"""Whether routing pays: the rule, and the sentence that says it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from routoo.data.curves import hull
from routoo.data.validation import ValidationRecord
from routoo.evaluation.compare.validated import KEPT_SHARES, ValidatedSetting
from routoo.evaluation.in_words import plain_percent
from routoo.evaluation.metrics.budgets import ROUNDING, score_of
from routoo.evaluation.metrics.undefined import ratio, without_nan
from routoo.evaluation.trial.bootstrap import Interval
from routoo.evaluation.trial.single_models import SingleModel, mixture_at
from routoo.evaluation.volume import Volume

_PROMPTS = 1000  # of `saved_usd`

_SURE = 1.96  # standard errors in half a 95 % range


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether routing is worth it, at a price that was chosen on validation.

    It is where it surely saves money, and surely scores more than the best mixture of single models at the
    same cost: the 95 % ranges of both exclude zero. Otherwise one would send fixed shares of the prompts to
    two models, and need no router.

    Args:
        worth: Whether it is; None where that is not known.
        because: Why not, or why it is not known; empty where it is worth it.
        best_single: Name of the best single model.
        best_single_cost_usd: What a prompt costs there.
        kept: Share of that model's score that is kept.
        cost: Share of its cost that is spent.
        saved_usd: What 1,000 prompts cost less than with that model alone, with its range where one is known.
        prompts: Prompts that were judged.
        batch_saved_usd: What all of these cost less.
        source: What the prompts are, where they are not recorded test prompts: simulated, or of validation.
        cascades: What reading answers adds, in words; empty where that is not known, or may be chance.
    """

    worth: bool | None
    because: str = ""
    best_single: str
    best_single_cost_usd: float
    kept: float = math.nan
    cost: float = math.nan
    saved_usd: Interval | float = math.nan
    prompts: int
    source: str = ""
    cascades: str = ""

    @property
    def batch_saved_usd(self) -> float:
        """What all judged prompts cost less than with the best single model alone."""
        saved = self.saved_usd.value if isinstance(self.saved_usd, Interval) else self.saved_usd
        return saved * self.prompts / _PROMPTS

    def __str__(self) -> str:
        """One sentence, which ends with what cascades add, where that is sure."""
        words = f"{self.source}, " if self.source else ""
        if self.worth is None:
            words += f"not known whether routing is worth it, because {self.because}"
        elif not self.worth:
            words += f"not worth it, because {self.because}"
        else:
            words += self._worth_in_words()
        return f"{words}; {self.cascades}" if self.cascades else words

    def _worth_in_words(self) -> str:
        return (
            f"worth routing: keeps {plain_percent(self.kept)} of {self.best_single}'s score at "
            f"{plain_percent(self.cost)} of its cost; this saves {self.saved_in_words()}"
        )

    def saved_in_words(self) -> str:
        """What is saved, and its range.

        >>> verdict = Verdict(
        ...     worth=True,
        ...     best_single="a",
        ...     best_single_cost_usd=0.01,
        ...     prompts=9,
        ...     saved_usd=Interval(3.1, 2.2, 4.0),
        ... )
        >>> verdict.saved_in_words()
        '3.10 USD per 1,000 prompts; range 2.20 to 4.00'
        """
        saved, volume = self.saved_usd, Volume(self.best_single_cost_usd)
        if not isinstance(saved, Interval):
            return f"{volume.usd(saved / _PROMPTS)} USD per {volume}"
        return _saving(Interval(*(usd / _PROMPTS for usd in (saved.value, saved.low, saved.high))), volume)

    def to_dict(self) -> dict[str, Any]:  # Any: texts, numbers and None, as JSON has them
        """The fields by name, what the batch saves, and the sentence."""
        fields = asdict(self)
        return without_nan({**fields, "batch_saved_usd": self.batch_saved_usd, "sentence": str(self)})


def verdict_of(
    setting: ValidatedSetting | None,
    *,
    best: SingleModel,
    cheapest: SingleModel,
    singles: Sequence[SingleModel],
    prompts: int,
    simulated: bool,
) -> Verdict:
    """The verdict on judged prompts.

    Args:
        setting: The router at a price chosen on validation, where there is one.
        best: The best single model on these prompts.
        cheapest: The cheapest one.
        singles: All of them.
        prompts: How many prompts were judged.
        simulated: Whether their outcomes are simulated.
    """
    source = "on simulated outcomes" if simulated else ""
    open_ = Verdict(
        worth=None,
        because="no price was chosen on validation",
        best_single=best.name,
        best_single_cost_usd=best.cost_usd,
        prompts=prompts,
        source=source,
    )
    reason = _nothing_to_route(best.name, cheapest.name, len(singles))
    if reason:
        return replace(open_, worth=False, because=reason)
    if setting is None:
        return open_
    saved = _PROMPTS * setting.saved_usd
    spread = setting.saved_usd_range
    worth, reason = _judged(setting, best, mixture_at(singles, setting.cost * best.cost_usd))
    return replace(
        open_,
        worth=worth,
        because=reason,
        kept=setting.kept,
        cost=setting.cost,
        saved_usd=saved if spread is None else Interval(saved, _PROMPTS * spread.low, _PROMPTS * spread.high),
    )


def _nothing_to_route(best: str, cheapest: str, models: int) -> str:
    if models == 1:
        return f"{best} is the only model in the pool"
    return f"{best} scores best and costs least" if best == cheapest else ""


def _judged(
    setting: ValidatedSetting, best: SingleModel, mixture: Mapping[str, float]
) -> tuple[bool | None, str]:
    """Whether a setting is worth it, and else why not: the mixture of its cost needs no router."""
    over, saved = setting.over_mixtures, setting.saved_usd_range
    if over is None or saved is None:
        return None, "without resamples nothing stands out from chance"
    volume = Volume(best.cost_usd)
    if saved.high <= ROUNDING * best.cost_usd:
        return False, f"it saves nothing: {_saving(saved, volume)}"
    if saved.low <= 0:
        return False, f"what it saves may be chance: {_saving(saved, volume)}"
    if over.low > 0:
        return True, ""
    more = "more" if over.high < 0 else "as much"
    added, least, most = (plain_percent(share, 1) for share in (over.value, over.low, over.high))
    return False, (
        f"sending {_in_shares(mixture)} scores {more} for the same money, {volume.usd(saved.value)} USD less "
        f"per {volume} than {best.name} alone: routing adds {added} of the score, range {least} to {most}"
    )


def _saving(saved_usd: Interval, volume: Volume) -> str:
    """What is saved, given what a prompt saves."""
    value, low, high = (volume.usd(usd) for usd in (saved_usd.value, saved_usd.low, saved_usd.high))
    return f"{value} USD per {volume}; range {low} to {high}"


def _in_shares(mixture: Mapping[str, float]) -> str:
    """Who gets how many of the prompts, whatever they ask; shares that round to nothing are left out.

    >>> _in_shares({"small": 0.74, "big": 0.26}), _in_shares({"small": 0.999, "big": 0.001})
    ('74 % of the prompts to small and 26 % to big', 'all prompts to small')
    """
    shares = [(plain_percent(share), name) for name, share in mixture.items() if share >= 0.005]
    if len(shares) == 1:
        return f"all prompts to {shares[0][1]}"
    (most, first), (rest, second) = shares
    return f"{most} of the prompts to {first} and {rest} to {second}"


def verdict_on_validation(record: ValidationRecord, *, simulated: bool = False) -> Verdict:
    """The verdict that training can give, on validation prompts that were left out of what predicts them.

    The price was chosen on the same prompts, and of the score above mixtures the record has the mean alone:
    it counts as sure where it exceeds half of the widest 95 % range that so many scores from 0 to 1 can have.
    """
    source = "on simulated outcomes of validation" if simulated else "on validation"
    cost, score = record.single_cost_usd, record.single_score
    best, cheapest = record.models[record.best], record.models[int(cost.argmin())]
    price = record.price_keeping(KEPT_SHARES[0])
    open_ = Verdict(
        worth=None,
        because=f"no price kept {plain_percent(KEPT_SHARES[0])} of {best}'s score",
        best_single=best,
        best_single_cost_usd=float(cost[record.best]),
        prompts=record.n_prompts,
        source=source,
    )
    reason = _nothing_to_route(best, cheapest, len(record.models))
    if reason:
        return replace(open_, worth=False, because=reason)
    if price is None:
        return open_
    at = int(np.flatnonzero(record.prices == price)[0])
    mixed = score_of(hull(np.stack([cost, score], axis=1)), float(record.cost_usd[at]))
    saved = _PROMPTS * float(cost[record.best] - record.cost_usd[at])
    lead, least = float(record.score[at]) - mixed, _SURE / math.sqrt(record.n_prompts)
    if saved <= 0:
        reason = f"no cheaper price kept {plain_percent(KEPT_SHARES[0])} of {best}'s score"
    elif lead <= least:
        reason = (
            f"its score above fixed shares of single models, {lead:+.3f}, may be chance: on "
            f"{record.n_prompts:,} prompts of validation that has to exceed {least:.3f}; `routoo evaluate` "
            "tells more, on test prompts"
        )
    return replace(
        open_,
        worth=None if reason else True,
        because=reason,
        kept=ratio(float(record.score[at]), float(score[record.best])),
        cost=ratio(float(record.cost_usd[at]), float(cost[record.best])),
        saved_usd=saved,
    )
