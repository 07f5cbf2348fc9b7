"""A pacer keeps requests and tokens of every minute and day, and calls under way at once."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from routoo.data.errors import InfeasibleError, InputError
from routoo.data.pool import Pool, PoolModel
from routoo.data.rates import DAY_S
from routoo.data.scores import Scores
from routoo.solver.pacer import Pacer

SCORES = Scores(
    np.array([[0.9, 0.4]]),
    np.array([[0.02, 0.001]]),
    models=("large", "small"),
    input_tokens=np.array([[80, 80]]),
    output_tokens=np.array([[20, 20]]),
)


def pool(large: dict[str, Any], small: dict[str, Any] | None = None) -> Pool:  # Any: fields of PoolModel
    both = {"large": large, "small": small or {}}
    return Pool(
        tuple(
            PoolModel(name=name, usd_per_1m_input=1, usd_per_1m_output=1, **stated)
            for name, stated in both.items()
        )
    )


def choose(pacer: Pacer, stated: Pool, now_s: float | None = None) -> str:
    return pacer.select(SCORES, pool=stated, now_s=now_s).model


@pytest.mark.parametrize("stated", [{"requests_per_minute": 2}, {"tokens_per_minute": 250}], ids=str)
def test_a_minute_holds_no_more_than_the_pool_states(stated: dict[str, int]) -> None:
    pacer, rated = Pacer(9.0, expected_prompts=9), pool(stated)
    times = (0.5, 30.0, 59.0, 60.5, 61.0, 61.5, 91.0)
    made = [choose(pacer, rated, now_s) for now_s in times]
    assert made == ["large", "large", "small", "small", "large", "small", "large"]


@pytest.mark.parametrize("stated", [{"requests_per_day": 2}, {"tokens_per_day": 250}], ids=str)
def test_a_day_holds_no_more_beside_its_minutes(stated: dict[str, int]) -> None:
    """A call counts until the 24 minutes in which it was made are a day ago."""
    rated = pool({"requests_per_minute": 1, **stated})
    pacer, times = (
        Pacer(9.0, expected_prompts=9),
        (0.5, 30.0, 90.0, 3000.0, DAY_S, DAY_S + 1439.0, DAY_S + 1440.0),
    )
    made = [choose(pacer, rated, now_s) for now_s in times]
    assert made == ["large", "small", "large", "small", "small", "small", "large"]
    assert choose(pacer, rated, DAY_S + 1501.0) == "large"
    with pytest.raises(InfeasibleError, match=rf"large is at {next(iter(stated))} \d+"):
        pacer.select(SCORES, pool=rated, now_s=2 * DAY_S, allowed=["large"])


def test_who_has_to_wait_is_told_for_what_and_how_long() -> None:
    pacer = Pacer(9.0, expected_prompts=9)
    rated = pool({"requests_per_minute": 1}, {"tokens_per_minute": 50})
    assert choose(pacer, rated, 3.25) == "large"
    before = pacer.to_dict()
    with pytest.raises(
        InfeasibleError,
        match=r"large is at requests_per_minute 1; small is at tokens_per_minute 50, of which the prompt "
        r"takes 100; the first is free in 60\.8 s",
    ):
        choose(pacer, rated, 3.25)
    assert pacer.to_dict() == before
    assert choose(pacer, rated, 64.0) == "large"


def test_calls_under_way_count_until_they_are_settled() -> None:
    pacer, rated = Pacer(9.0, expected_prompts=9), pool({"concurrency": 1}, {"concurrency": 1})
    first = pacer.select(SCORES, pool=rated)
    assert (first.model, choose(pacer, rated)) == ("large", "small")
    with pytest.raises(InfeasibleError, match="large is at concurrency 1, until a call under way is settled"):
        choose(pacer, rated)
    pacer.settle(first.ticket, 0.02)
    assert choose(pacer, rated) == "large"


def test_rates_outlive_a_restart_in_a_state_that_stays_small() -> None:
    pacer = Pacer(900.0, expected_prompts=9000)
    rated = pool({"requests_per_minute": 600, "tokens_per_minute": 40_000})
    for step in range(2000):
        pacer.settle(pacer.select(SCORES, pool=rated, now_s=1.7e9 + step / 10).ticket, 0.01)
    state = json.dumps(pacer.to_dict())
    assert len(state) < 10_000
    again = Pacer.from_dict(json.loads(state))
    for step in range(2000, 2500):
        now_s = 1.7e9 + step / 10
        assert choose(again, rated, now_s) == choose(pacer, rated, now_s)


@pytest.mark.parametrize("now_s", [float("nan"), float("inf"), -1.0])
def test_a_clock_that_is_none_is_refused(now_s: float) -> None:
    pacer, rated = Pacer(9.0, expected_prompts=9), pool({"requests_per_minute": 5})
    choose(pacer, rated, 10.0)
    with pytest.raises(InputError, match="now_s must be"):
        choose(pacer, rated, now_s)


def test_a_clock_that_goes_back_stands_still() -> None:
    pacer, rated = Pacer(9.0, expected_prompts=9), pool({"requests_per_minute": 1})
    times = (70.0, 1.0, 70.0, 130.0, 131.0)
    assert [choose(pacer, rated, now_s) for now_s in times] == ["large", "small", "small", "small", "large"]


def test_a_rate_needs_the_time_and_the_tokens() -> None:
    pacer = Pacer(9.0, expected_prompts=9)
    with pytest.raises(InputError, match=r"rates \(large\): give the time as now_s"):
        choose(pacer, pool({"requests_per_minute": 5}))
    blind = Scores(SCORES.p_correct, SCORES.cost_usd, models=SCORES.models)
    with pytest.raises(InputError, match="tokens_per_minute needs input_tokens"):
        pacer.select(blind, pool=pool({"tokens_per_minute": 5}), now_s=1.0)
