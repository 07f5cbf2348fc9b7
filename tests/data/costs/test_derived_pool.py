"""Prices come back from the costs they made, or it is said why they cannot."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.data.costs.derived_pool import derive_pool, fit_prices, fit_speed, nonnegative_least_squares
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes

N = 60
RNG = np.random.default_rng(0)
SENT = RNG.integers(5, 900, N).astype(float)
RECEIVED = RNG.integers(1, 500, N).astype(float)
COST = SENT * 0.5e-6 + RECEIVED * 1.5e-6


def outcomes_of(**columns: Any) -> Outcomes:
    """One model on `N` prompts, with these columns recorded."""
    ids = [f"{at:03d}" for at in range(N)]
    return Outcomes(
        pl.DataFrame({"prompt_id": ids, "prompt": ids}),
        pl.DataFrame({"prompt_id": ids, "model": "m", "score": 1.0, **columns}),
    )


def prices_of(outcomes: Outcomes) -> tuple[float, float, float]:
    model = derive_pool(outcomes)["m"]
    return model.usd_per_1m_input, model.usd_per_1m_output, model.usd_per_call


def test_prices_per_token_come_back() -> None:
    outcomes = outcomes_of(input_tokens=SENT, output_tokens=RECEIVED, cost_usd=COST)
    assert prices_of(outcomes) == (0.5, 1.5, 0.0)


def test_a_price_per_call_comes_back() -> None:
    outcomes = outcomes_of(input_tokens=SENT, output_tokens=RECEIVED, cost_usd=COST + 0.002)
    assert prices_of(outcomes) == (0.5, 1.5, 0.002)


def test_a_free_token_stays_free() -> None:
    outcomes = outcomes_of(input_tokens=SENT, output_tokens=RECEIVED, cost_usd=RECEIVED * 3e-6)
    assert prices_of(outcomes) == (0.0, 3.0, 0.0)
    assert prices_of(outcomes_of(input_tokens=SENT, output_tokens=RECEIVED, cost_usd=0.0)) == (0.0, 0.0, 0.0)


def test_missing_cells_are_left_out_of_the_fit() -> None:
    holes: list[float | None] = COST.tolist()
    holes[3] = None
    received: list[float | None] = RECEIVED.tolist()
    received[5] = None
    assert prices_of(outcomes_of(input_tokens=SENT, output_tokens=received, cost_usd=holes)) == (
        0.5,
        1.5,
        0.0,
    )


@pytest.mark.parametrize(
    "tokens",
    [{}, {"input_tokens": RNG.permutation(SENT)}, {"input_tokens": 9, "output_tokens": 7}],
    ids=["no tokens", "input tokens that costs do not follow", "tokens that never vary"],
)
def test_costs_alone_give_a_price_per_call(tokens: dict[str, Any]) -> None:
    assert prices_of(outcomes_of(**tokens, cost_usd=COST)) == pytest.approx((0, 0, COST.mean()), rel=1e-5)


@pytest.mark.parametrize("tokens", [{}, {"output_tokens": 7}], ids=["none", "that never vary"])
@pytest.mark.parametrize("sent", [True, False], ids=["recorded", "counted"])
def test_input_is_priced_without_output_tokens(tokens: dict[str, Any], sent: bool) -> None:
    cost = SENT * 2e-6 + RECEIVED * 1.5e-6
    found = outcomes_of(**tokens, cost_usd=cost, **({"input_tokens": SENT} if sent else {}))
    if not sent:
        texts = pl.Series("prompt", ["word" * int(count) for count in SENT])  # four bytes a token
        found = Outcomes(found.prompts.with_columns(texts), found.outcomes)
    per_input, per_output, per_call = prices_of(found)
    assert per_input == pytest.approx(2, rel=0.2)
    assert per_output == 0
    assert per_input * 1e-6 * SENT.mean() + per_call == pytest.approx(cost.mean(), rel=1e-4)


def test_few_calls_give_a_price_per_call() -> None:
    few = [None if at > 1 else 0.25 for at in range(N)]
    assert prices_of(outcomes_of(input_tokens=SENT, output_tokens=RECEIVED, cost_usd=few)) == (0, 0, 0.25)


def test_without_input_tokens_they_are_paid_by_the_call() -> None:
    per_input, per_output, per_call = prices_of(
        outcomes_of(output_tokens=RECEIVED, cost_usd=RECEIVED * 2e-6 + 0.01)
    )
    assert (per_input, per_output, per_call) == (0.0, 2.0, 0.01)


def test_a_poor_fit_is_refused_with_its_residual() -> None:
    noisy = outcomes_of(
        input_tokens=SENT, output_tokens=RECEIVED, cost_usd=np.random.default_rng(1).random(N)
    )
    with pytest.raises(
        InputError, match=r"costs of 'm' do not follow its tokens: .* leave \d\d\.\d% unexplained"
    ):
        derive_pool(noisy)
    assert derive_pool(noisy, max_residual=1.0).names == ("m",)


def test_without_costs_a_pool_is_asked_for_with_an_example() -> None:
    with pytest.raises(InputError, match="1 of 1 models have no recorded cost_usd") as caught:
        derive_pool(outcomes_of(input_tokens=SENT, output_tokens=RECEIVED))
    assert '[[model]]\nname = "m"\nusd_per_1m_input = ' in str(caught.value)


@settings(max_examples=40, deadline=None)
@given(
    prices=st.tuples(st.floats(0.01, 100), st.floats(0.01, 100)),
    per_call=st.sampled_from([0.0, 0.01]),
    seed=st.integers(0, 10),
)
def test_any_prices_come_back(prices: tuple[float, float], per_call: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sent, received = rng.integers(1, 5000, (2, 40)).astype(float)
    found = fit_prices(sent * prices[0] * 1e-6 + received * prices[1] * 1e-6 + per_call, sent, received)
    assert found.usd_per_1m_input == pytest.approx(prices[0], rel=1e-3)
    assert found.usd_per_1m_output == pytest.approx(prices[1], rel=1e-3)
    assert found.residual < 1e-3


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 3))
def test_nonnegative_least_squares_meets_the_conditions_of_the_optimum(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    terms, target = rng.normal(size=(12, n)), rng.normal(size=12)
    found = nonnegative_least_squares(terms, target)
    assert (found >= 0).all()
    pull = terms.T @ (target - terms @ found)
    np.testing.assert_array_less(pull, 1e-9)
    np.testing.assert_allclose(pull[found > 0], 0, atol=1e-9)


def test_speed_comes_back_through_retries_and_queues() -> None:
    rng = np.random.default_rng(2)
    tokens = rng.integers(1, 800, 400).astype(float)
    seconds = 0.7 + tokens / 50 + rng.normal(0, 0.2, 400).clip(-0.5)
    seconds[rng.random(400) < 0.15] += 60
    speed = fit_speed(seconds, tokens)
    assert speed is not None
    assert speed.tokens_per_second == pytest.approx(50, rel=0.05)
    assert speed.time_to_first_token_s == pytest.approx(0.7, abs=0.4)


def test_a_speed_is_left_open_where_no_line_is_seen() -> None:
    tokens = np.arange(50.0)
    assert fit_speed(np.full(50, 2.0), np.full(50, 9.0)) is None
    assert fit_speed(100 - tokens, tokens) is None
    assert fit_speed(np.full(50, math.nan), tokens) is None
    model = derive_pool(outcomes_of(cost_usd=COST, latency_s=2.0))["m"]
    assert (model.time_to_first_token_s, model.tokens_per_second) == (None, None)


def test_a_line_that_starts_below_zero_starts_at_zero() -> None:
    tokens = np.linspace(100, 200, 50)
    speed = fit_speed(tokens / 10 - 5, tokens)
    assert speed is not None
    assert speed.time_to_first_token_s == 0
    assert speed.tokens_per_second == pytest.approx(150 / 10, rel=1e-5)


def test_costs_in_test_are_not_looked_at_unless_there_are_no_others() -> None:
    parts = ["train"] * (N // 2) + ["test"] * (N - N // 2)
    cost = [0.001 if part == "train" else 0.5 for part in parts]
    recorded = outcomes_of(cost_usd=cost)
    split = Outcomes(recorded.prompts.with_columns(pl.Series("split", parts)), recorded.outcomes)
    assert derive_pool(split)["m"].usd_per_call == pytest.approx(0.001)
    judged = Outcomes(recorded.prompts.with_columns(pl.lit("test").alias("split")), recorded.outcomes)
    assert derive_pool(judged)["m"].usd_per_call > 0.2
