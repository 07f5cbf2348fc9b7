"""Predictions are checked once, on entry."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from routoo.data.errors import InputError
from routoo.data.pool import Pool, PoolModel
from routoo.data.scores import Scores, repriced

ONE = np.ones((1, 1), np.float32)

P = np.array([[0.9, 0.4], [0.2, 0.1], [0.5, 0.6]])
COST = np.array([[0.02, 0.001]] * 3)


def scores_of(**fields: Any) -> Scores:
    return Scores(**{"p_correct": P, "cost_usd": COST, "models": ("large", "small"), **fields})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"p_correct": P + 0.2}, r"p_correct must lie in \[0, 1\] .*; row 0, column 0 is 1.1"),
        ({"p_correct": np.where(P == 0.1, np.nan, P)}, "row 1, column 1 is nan"),
        ({"p_correct": P[0]}, r"p_correct must be \(n_prompts, n_models\)"),
        ({"p_correct": P[:, :0], "cost_usd": COST[:, :0], "models": ()}, "with a model at least"),
        ({"cost_usd": COST[:2]}, r"cost_usd has shape \(2, 2\), p_correct has \(3, 2\)"),
        ({"cost_usd": -COST}, "cost_usd must lie in"),
        ({"cost_usd": COST * np.inf}, "cost_usd must lie in"),
        ({"cost_usd": COST * 1e300}, "cost_usd must lie in"),
        ({"latency_s": P - 0.3}, "latency_s must be at least 0"),
        ({"input_tokens": -P}, "input_tokens must be at least 0"),
        ({"models": ("a",)}, "2 columns need as many different model names"),
        ({"models": ("a", "a")}, "2 columns need as many different model names"),
        ({"prompt_ids": ["x"]}, "3 rows need as many prompt ids, got 1"),
    ],
)
def test_a_fault_is_named(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        scores_of(**fields)


def test_an_empty_batch_is_a_batch() -> None:
    scores = scores_of(p_correct=P[:0], cost_usd=COST[:0])
    assert (len(scores), scores.to_polars().height) == (0, 0)


def test_unknown_latency_is_null_and_infinite_latency_stays() -> None:
    latency = np.array([[np.nan, np.inf]] * 3)
    column = scores_of(latency_s=latency).to_polars()["latency_s"].to_list()
    assert column == [None, np.inf] * 3
    assert np.isnan(scores_of().latency).all()


def test_rows_and_columns_go_together() -> None:
    scores = scores_of(prompt_ids=["x", "y", "z"], output_tokens=P * 100, input_tokens=P * 10)
    some = scores.rows(np.array([2, 0]))
    assert some.names() == ["z", "x"]
    np.testing.assert_array_equal(some.p_correct, np.float32(P[[2, 0]]))
    np.testing.assert_array_equal(some.input_tokens, np.float32(P[[2, 0]] * 10))
    mask = scores.rows(np.array([False, True, False]))
    assert mask.names() == ["y"]
    small = scores.columns(["small"])
    assert small.models == ("small",)
    np.testing.assert_array_equal(small.output_tokens, np.float32(P[:, 1:] * 100))
    np.testing.assert_array_equal(small.input_tokens, np.float32(P[:, 1:] * 10))
    assert small.logit_std is None
    with pytest.raises(InputError, match=r"unknown models \['huge'\]; known: large, small"):
        scores.columns(["huge"])
    with pytest.raises(InputError, match="none given"):
        scores.columns([])


def test_the_tidy_frame_has_a_row_a_prompt_and_model() -> None:
    frame = scores_of().to_polars()
    assert frame.columns == ["prompt_id", "model", "p_correct", "cost_usd", "latency_s"]
    more = scores_of(output_tokens=P * 100, input_tokens=P * 10).to_polars()
    assert more.columns[5:] == ["input_tokens", "output_tokens"]
    assert more["input_tokens"].to_list() == np.float32(P * 10).ravel().tolist()
    assert frame.row(3) == ("1", "small", np.float32(0.1), np.float32(0.001), None)


def test_what_is_no_number_or_no_list_is_refused_in_words() -> None:
    ones: Any = np.ones((1, 2))
    with pytest.raises(InputError, match=r"p_correct must be rows of numbers .*, got ndarray of <U4"):
        Scores(np.array([["good", "bad"]]), ones, models=("a", "b"))
    with pytest.raises(InputError, match="cost_usd must be a list of numbers, got None"):
        Scores(ones, None, models=("a", "b"))  # type: ignore[arg-type]  # the point of the test
    with pytest.raises(InputError, match="got one text"):
        Scores(ones, ones, models="ab")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="got one text"):
        Scores(ones.T, ones.T, models=("a",), prompt_ids="xy")


def test_the_interval_holds_the_expected_score_and_caution_lowers_it() -> None:
    rng = np.random.default_rng(0)
    odds = rng.normal(size=(2000, 3))
    error = rng.uniform(0.1, 1.0, size=odds.shape)
    true = 1 / (1 + np.exp(-(odds + error * rng.normal(size=odds.shape))))
    p = (1 / (1 + np.exp(-odds))).astype(np.float32)
    scores = Scores(p, np.ones_like(p), models=("a", "b", "c"), logit_std=error.astype(np.float32))
    for level in (0.5, 0.9):
        low, high = scores.interval(level)
        assert ((low <= true) & (true <= high)).mean() == pytest.approx(level, abs=0.02)
    np.testing.assert_allclose(scores.cautious(0.95).p_correct, scores.interval(0.9)[0], atol=1e-6)
    np.testing.assert_allclose(scores.cautious(0.5).p_correct, scores.p_correct, atol=1e-6)


@pytest.mark.parametrize("p", [0.0, 1e-6, 0.5, 1.0])
@pytest.mark.parametrize("std", [100.0, 1e6, float(np.finfo(np.float32).max)])
def test_nothing_known_is_an_interval_of_everything(p: float, std: float) -> None:
    scores = Scores(np.array([[p]]), np.array([[0.01]]), models=("m",), logit_std=np.array([[std]]))
    low, high = scores.interval(0.9)
    assert (low.item(), high.item()) == (0.0, 1.0)
    assert "logit_std" in scores.to_polars().columns


def test_a_sure_prediction_keeps_its_order_under_caution() -> None:
    p, error = np.array([[[0.70, 0.68]], [[0.9, 0.1]]], np.float32)
    scores = Scores(p, np.ones_like(p), models=("bold", "sure"), logit_std=error)
    assert scores.p_correct.argmax() == 0
    assert scores.cautious(0.9).p_correct.argmax() == 1


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda s: s.interval(1.0), "level must lie between 0 and 1, got 1.0"),
        (lambda s: s.cautious(0.4), "confidence must be at least 0.5 and below 1, got 0.4"),
    ],
)
def test_a_share_out_of_range_is_refused(ask: Callable[[Scores], object], words: str) -> None:
    scores = Scores(ONE, ONE, models=("m",), logit_std=ONE)
    with pytest.raises(InputError, match=words):
        ask(scores)


def test_scores_that_know_no_uncertainty_say_so() -> None:
    with pytest.raises(InputError, match="say nothing of their uncertainty"):
        Scores(ONE, ONE, models=("m",)).cautious(0.9)


def test_other_prices_make_other_costs_and_state_what_nominal_calls_count() -> None:
    small = PoolModel(name="small", usd_per_1m_input=1, usd_per_1m_output=2)
    pool = Pool((small, replace(small, name="large", output_tokens=500)))
    tokens = {"input_tokens": np.full((3, 2), 40.0), "output_tokens": np.full((3, 2), 70.0)}
    known = repriced(scores_of(**tokens), pool)
    np.testing.assert_allclose(known.cost_usd, 180e-6, rtol=1e-6)
    assert not known.nominal_costs
    guessed = repriced(scores_of(**tokens, nominal_costs={"large": "as others", "small": "as others"}), pool)
    np.testing.assert_allclose(guessed.cost_usd, [[1040e-6, 180e-6]] * 3, rtol=1e-6)
    assert guessed.nominal_costs == {"large": "500 output tokens, as the pool states", "small": "as others"}
    unknown = repriced(scores_of(input_tokens=tokens["input_tokens"]), pool)
    assert unknown.output_tokens is not None
    np.testing.assert_allclose(unknown.cost_usd, [[1040e-6, 240e-6]] * 3, rtol=1e-6)
    assert unknown.nominal_costs["small"] == "100 output tokens"
    np.testing.assert_array_equal(unknown.output_tokens, [[500, 100]] * 3)
