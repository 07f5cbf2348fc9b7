"""Whether routing is worth it: the rule at its edges, and the sentence."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from routoo.data.costs.cost_spread import CostSpread
from routoo.data.validation import ValidationRecord
from routoo.evaluation.compare.validated import ValidatedSetting
from routoo.evaluation.trial.bootstrap import Interval
from routoo.evaluation.trial.single_models import SingleModel
from routoo.evaluation.verdict import Verdict, verdict_of, verdict_on_validation

BIG, SMALL = SingleModel("big", 0.005, 0.8, 100), SingleModel("small", 0.001, 0.5, 100)
SETTING = ValidatedSetting(
    "keep@0.95",
    40.0,
    kept=0.98,
    cost=0.41,
    hindsight=0.4,
    saved_usd=0.00295,
    over_mixtures=Interval(0.05, 0.02, 0.08),
    saved_usd_range=Interval(0.00295, 0.0022, 0.004),
)


def judged(setting: ValidatedSetting | None, *, best: SingleModel = BIG, models: int = 2) -> Verdict:
    singles = (BIG, SMALL)[:models]
    return verdict_of(setting, best=best, cheapest=SMALL, singles=singles, prompts=2000, simulated=False)


def test_what_surely_saves_and_surely_beats_mixtures_is_worth_it() -> None:
    verdict = judged(SETTING)
    assert verdict.worth
    assert str(verdict) == (
        "worth routing: keeps 98 % of big's score at 41 % of its cost; this saves 2.95 USD per 1,000 "
        "prompts; range 2.20 to 4.00"
    )
    assert verdict.batch_saved_usd == pytest.approx(5.9)


def test_money_that_is_small_is_stated_of_a_million_prompts_and_documents_stay_as_they_are() -> None:
    """A thousandth of the prices above, on which the words differ and the numbers of JSON do not."""
    small = Interval(2.95e-6, 2.2e-6, 4e-6)
    cheap = replace(SETTING, saved_usd=small.value, saved_usd_range=small)
    verdict = judged(cheap, best=replace(BIG, cost_usd=5e-6))
    assert "this saves 2.95 USD per million prompts; range 2.20 to 4.00" in str(verdict)
    assert isinstance(verdict.saved_usd, Interval)
    assert verdict.saved_usd.value == pytest.approx(2.95e-3)
    assert verdict.batch_saved_usd == pytest.approx(5.9e-3)
    cheap = replace(cheap, saved_usd_range=Interval(-1e-6, -2e-6, -5e-7))
    assert "-1.00 USD per million prompts" in judged(cheap, best=replace(BIG, cost_usd=5e-6)).because


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ({"over_mixtures": Interval(0.01, -0.01, 0.03)}, "scores as much for the same money"),
        ({"over_mixtures": Interval(-0.02, -0.03, -0.01)}, "scores more for the same money"),
        (
            {"saved_usd_range": Interval(-0.001, -0.002, -0.0005)},
            "it saves nothing: -1.00 USD per 1,000 prompts",
        ),
        ({"saved_usd_range": Interval(0.001, -0.001, 0.003)}, "what it saves may be chance"),
        ({"saved_usd_range": Interval(0.0, -1e-11, 1e-11)}, "it saves nothing: 0 USD per 1,000 prompts"),
    ],
)
def test_what_may_be_chance_is_not_worth_it(change: dict[str, Interval], because: str) -> None:
    verdict = judged(replace(SETTING, **change))  # type: ignore[arg-type]  # fields of one type
    assert verdict.worth is False
    assert because in verdict.because
    assert str(verdict).startswith("not worth it, because ")


def test_what_needs_no_router_is_named_with_what_it_saves() -> None:
    """At .41 of big's cost, small at .2 of it leaves (.41 - .2) / .8 to big."""
    verdict = judged(replace(SETTING, over_mixtures=Interval(0.01, -0.01, 0.03)))
    assert verdict.because == (
        "sending 74 % of the prompts to small and 26 % to big scores as much for the same money, 2.95 USD "
        "less per 1,000 prompts than big alone: routing adds 1.0 % of the score, range -1.0 % to 3.0 %"
    )
    cheap = judged(replace(SETTING, cost=0.2, over_mixtures=Interval(0.01, -0.01, 0.03)))
    assert cheap.because.startswith("sending all prompts to small scores as much")


def test_a_pool_with_nothing_to_choose_is_not_worth_it() -> None:
    assert judged(SETTING, models=1).because == "big is the only model in the pool"
    assert judged(SETTING, best=SMALL).because == "small scores best and costs least"


def test_without_validation_or_resamples_it_is_not_known() -> None:
    for setting in (None, replace(SETTING, over_mixtures=None)):
        verdict = judged(setting)
        assert verdict.worth is None
        assert str(verdict).startswith("not known whether routing is worth it, because ")
    assert judged(None).to_dict()["kept"] is None


def record(n_prompts: int, score: float) -> ValidationRecord:
    """Two prices: all to the big model, and half of its cost at this score; mixtures reach .65 there."""
    return ValidationRecord(
        models=("big", "small"),
        n_prompts=n_prompts,
        prices=np.array([0.0, 50.0]),
        predicted_usd=np.array([0.005, 0.003]),
        cost_usd=np.array([0.005, 0.003]),
        score=np.array([0.8, score]),
        single_cost_usd=np.array([0.005, 0.001]),
        single_score=np.array([0.8, 0.5]),
        spread=CostSpread.of(("big", "small"), np.zeros((2, 3), np.int32), np.ones((3, 2)), np.ones((3, 2))),
    )


def test_validation_has_to_show_more_than_so_many_prompts_can_by_chance() -> None:
    verdict = verdict_on_validation(record(4000, 0.77))
    assert verdict.worth
    assert "on validation, worth routing" in str(verdict)
    assert verdict.kept == pytest.approx(0.77 / 0.8)
    assert verdict.cost == pytest.approx(0.6)
    assert verdict.saved_usd == pytest.approx(2.0)
    few = verdict_on_validation(record(100, 0.77))
    assert few.worth is None
    assert few.because == (
        "its score above fixed shares of single models, +0.120, may be chance: on 100 prompts of validation "
        "that has to exceed 0.196; `routoo evaluate` tells more, on test prompts"
    )


def test_where_no_cheaper_price_keeps_enough_the_dearest_saves_nothing() -> None:
    verdict = verdict_on_validation(record(4000, 0.6))
    assert verdict.worth is None
    assert not math.isnan(verdict.kept)
