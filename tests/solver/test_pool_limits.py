"""What rates per minute and per day allow in a period, and whether a batch tier fits into it at all."""

from __future__ import annotations

import numpy as np
import pytest

from routoo.data.pool import Pool, PoolModel
from routoo.data.rates import DAY_S
from routoo.data.scores import Scores
from routoo.solver.limits import ModelLimit, pool_limits
from routoo.solver.problem import Problem
from routoo.solver.solve import solve


@pytest.mark.parametrize(
    ("stated", "period_s", "limit"),
    [
        ({"requests_per_day": 100}, 600, {"max_requests": 100}),
        ({"requests_per_day": 100}, 1.5 * DAY_S, {"max_requests": 150}),
        ({"requests_per_day": 100, "requests_per_minute": 1}, 3600, {"max_requests": 60}),
        ({"tokens_per_day": 1000, "tokens_per_minute": 600}, 60, {"max_tokens": 600}),
        ({"batch_window_s": DAY_S}, DAY_S - 1, {"max_requests": 0}),
        ({"batch_window_s": DAY_S}, DAY_S, {}),
        ({"batch_window_s": DAY_S, "tokens_per_day": 1000}, DAY_S, {"max_tokens": 1000}),
        ({"batch_window_s": DAY_S, "tokens_per_day": 1000}, 2 * DAY_S - 1, {"max_tokens": 1000}),
        ({"batch_window_s": DAY_S, "requests_per_day": 7}, 3 * DAY_S, {"max_requests": 21}),
        ({"batch_window_s": 3600, "requests_per_day": 7}, DAY_S, {"max_requests": 7}),
    ],
)
def test_a_period_holds_what_its_days_hold(
    stated: dict[str, int], period_s: float, limit: dict[str, float]
) -> None:
    pool = Pool.from_records([{"name": "m", "usd_per_1m_input": 1, "usd_per_1m_output": 1, **stated}])
    assert pool_limits(pool, period_s).get("m", ModelLimit()) == ModelLimit(**limit)


def tiers() -> tuple[Scores, Pool]:
    """Three prompts for a model that costs 2 at once and 1 in a batch."""
    model = PoolModel(
        name="m", usd_per_1m_input=2, usd_per_1m_output=2, time_to_first_token_s=1, tokens_per_second=10
    )
    tier = PoolModel(name="m@batch", usd_per_1m_input=1, usd_per_1m_output=1, batch_window_s=DAY_S)
    latency = np.tile([2.0, DAY_S], (3, 1))
    scores = Scores(np.full((3, 2), 0.9), np.tile([2.0, 1.0], (3, 1)), latency, ("m", "m@batch"))
    return scores, Pool((model, tier))


def test_a_prompt_whose_deadline_is_near_is_asked_at_once() -> None:
    """Four dollars buy one answer at once and two in a batch; the deadline says whose is at once."""
    scores, pool = tiers()
    plan = solve(Problem(scores=scores, pool=pool, budget_usd=4, max_latency_s=[1e6, 60.0, 1e6]))
    assert plan.or_raise().chosen == ["m@batch", "m", "m@batch"]


def test_a_period_below_the_window_closes_the_tier() -> None:
    scores, pool = tiers()
    assert solve(Problem(scores=scores, pool=pool, budget_usd=6, period_s=DAY_S - 1)).chosen == ["m"] * 3
    assert not solve(Problem(scores=scores, pool=pool, budget_usd=5, period_s=DAY_S - 1)).found
    assert solve(Problem(scores=scores, pool=pool, budget_usd=3, period_s=DAY_S)).chosen == ["m@batch"] * 3
