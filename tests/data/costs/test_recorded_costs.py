"""What a call cost follows one rule, cell by cell, and the rule says what it did."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.data.costs.recorded_costs import RecordedCosts, recorded_cost_usd
from routoo.data.outcomes import Outcomes
from routoo.data.pool import NOMINAL_OUTPUT_TOKENS, Pool, PoolModel

SMALL = PoolModel(name="small", usd_per_1m_input=1, usd_per_1m_output=3)
LARGE = PoolModel(name="large", usd_per_1m_input=10, usd_per_1m_output=40)
POOL = Pool((SMALL, LARGE))
TEXTS = ["a" * 400, "b" * 40, "ä" * 20]


def outcomes_of(small: dict[str, Any], large: dict[str, Any], texts: list[str] = TEXTS) -> Outcomes:
    """Two models on the texts, with these columns recorded of each; None where a column is not."""
    ids = [f"{at:03d}" for at in range(len(texts))]
    columns = sorted({*small, *large})
    rows = [
        pl.DataFrame({"prompt_id": ids, "model": name, "score": 1.0}).with_columns(
            pl.Series(column, recorded.get(column, [None] * len(ids)), dtype=pl.Float64) for column in columns
        )
        for name, recorded in (("small", small), ("large", large))
    ]
    return Outcomes(pl.DataFrame({"prompt_id": ids, "prompt": texts}), pl.concat(rows))


def test_recorded_costs_are_what_was_paid() -> None:
    paid = outcomes_of({"cost_usd": [0.1, 0.2, None]}, {"cost_usd": [1.0, 2.0, 3.0]})
    costs = RecordedCosts.of(paid, POOL)
    np.testing.assert_array_equal(costs.cost_usd, [[0.1, 1.0], [0.2, 2.0], [np.nan, 3.0]])
    assert costs.in_words() == ()
    assert costs.unrecorded == ()


def test_recorded_tokens_are_paid_by_the_pool_where_no_cost_is() -> None:
    usage = {"input_tokens": [100, 10, 5], "output_tokens": [7, 8, None]}
    costs = RecordedCosts.of(outcomes_of(usage, {**usage, "cost_usd": [None, 9.0, None]}), POOL)
    expected = [[121e-6, 1280e-6], [34e-6, 9.0], [np.nan, np.nan]]
    np.testing.assert_allclose(costs.cost_usd, expected)
    assert costs.in_words() == (
        "3 of 6 costs were not recorded and are those of the recorded tokens at the pool's prices",
    )


def test_input_is_never_free() -> None:
    received = {"output_tokens": [10, 10, 10]}
    costs = RecordedCosts.of(outcomes_of({**received, "input_tokens": [90, None, None]}, received), POOL)
    np.testing.assert_allclose(costs.cost_usd[:, 0], [120e-6, 40e-6, 40e-6])
    np.testing.assert_allclose(costs.cost_usd[:, 1], [1300e-6, 500e-6, 500e-6])
    assert costs.in_words()[1].startswith("input tokens of 5 of these costs were not recorded: they are")


def test_a_model_without_usage_has_its_list_price_at_what_others_use() -> None:
    small = {"input_tokens": [100, 10, 5], "output_tokens": [7, None, 9]}
    costs = RecordedCosts.of(outcomes_of(small, {}), POOL)
    np.testing.assert_allclose(costs.cost_usd[:, 1], [1280e-6, 420e-6, 410e-6])
    assert costs.unrecorded == ("large",)
    assert (
        "3 of 6 costs are nominal, list prices, since no usage of large was recorded" in costs.in_words()[1]
    )
    assert costs.in_words(np.zeros(3, bool)) == ()


def test_a_stated_number_of_output_tokens_goes_first() -> None:
    stated = PoolModel(name="large", usd_per_1m_input=10, usd_per_1m_output=40, output_tokens=500)
    small = {"input_tokens": [100, 10, 5], "output_tokens": [7, 8, 9]}
    cost = recorded_cost_usd(outcomes_of(small, {}), Pool((SMALL, stated)))
    np.testing.assert_allclose(cost[:, 1], [21000e-6, 20100e-6, 20050e-6])


def test_without_any_usage_all_have_list_prices_and_input_counts() -> None:
    cost = recorded_cost_usd(outcomes_of({}, {}), POOL)
    nominal = NOMINAL_OUTPUT_TOKENS * np.array([3e-6, 40e-6])
    np.testing.assert_allclose(cost, np.array([100, 10, 10])[:, None] * [1e-6, 10e-6] + nominal)


def test_a_prompt_that_was_never_asked_has_a_list_price_too() -> None:
    whole = outcomes_of({"cost_usd": [0.1, 0.2, 0.3]}, {})
    asked = Outcomes(whole.prompts, whole.outcomes.filter(pl.col("model") == "small"))
    assert not np.isnan(recorded_cost_usd(asked, POOL)).any()


def _usage(rng: np.random.Generator, n: int) -> dict[str, list[float | None]]:
    """Recorded numbers with holes, or no record at all."""
    tokens: npt.NDArray[np.float64] = rng.integers(1, 900, (2, n)).astype(float)
    holes = rng.random((2, n)) < rng.choice([0.0, 0.5, 1.0], (2, 1))
    sent, received = (
        [None if hole else value for value, hole in zip(row.tolist(), missing, strict=True)]
        for row, missing in zip(tokens, holes.tolist(), strict=True)
    )
    return {"input_tokens": sent, "output_tokens": received}


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.floats(1, 50))
def test_costs_that_were_not_recorded_are_linear_in_the_prices(seed: int, factor: float) -> None:
    rng = np.random.default_rng(seed)
    outcomes = outcomes_of(_usage(rng, 3), _usage(rng, 3))
    dearer = Pool(
        tuple(
            PoolModel(
                name=model.name,
                usd_per_1m_input=model.usd_per_1m_input * factor,
                usd_per_1m_output=model.usd_per_1m_output * factor,
            )
            for model in POOL.models
        )
    )
    before, after = recorded_cost_usd(outcomes, POOL), recorded_cost_usd(outcomes, dearer)
    np.testing.assert_allclose(after, before * factor, rtol=1e-12)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(0, 2), st.text(min_size=1, max_size=40))
def test_a_longer_prompt_never_costs_less(seed: int, row: int, more: str) -> None:
    rng = np.random.default_rng(seed)
    received = {"output_tokens": _usage(rng, 3)["output_tokens"]}
    longer = [text + more * (at == row) for at, text in enumerate(TEXTS)]
    before = recorded_cost_usd(outcomes_of(received, {}), POOL)
    after = recorded_cost_usd(outcomes_of(received, {}, longer), POOL)
    known = ~np.isnan(before)
    assert (known == ~np.isnan(after)).all()
    assert (after[known] >= before[known]).all()


@pytest.mark.parametrize("tokens", [36_000, 360_000])
def test_a_long_prompt_is_not_cheap(tokens: int) -> None:
    text = "word " * tokens
    cost = recorded_cost_usd(outcomes_of({}, {}, [text]), POOL)
    assert cost[0, 1] > tokens * 10e-6
