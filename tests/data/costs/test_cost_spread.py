"""The reserve of a budget: right values where they are known, and coverage where costs are drawn."""

import json

import numpy as np
import numpy.typing as npt
import pytest

from routoo.data.costs.cost_spread import CostSpread
from routoo.data.errors import InputError

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


def drawn(random: np.random.Generator, n: int, ratio: Array, sigma: Array) -> tuple[Array, Array]:
    """Predicted costs, and true ones that are `ratio` of them on average with lognormal spread."""
    predicted = random.lognormal(-6, 1, (n, len(ratio)))
    noise = random.lognormal(-(sigma**2) / 2, sigma, (n, len(ratio)))
    return predicted, predicted * ratio * noise


def spread_of(predicted: Array, cost: Array, chosen: Rows) -> CostSpread:
    return CostSpread.of([f"m{j}" for j in range(predicted.shape[1])], chosen, predicted, cost)


def test_two_calls_by_hand() -> None:
    """Predicted 1 and 1, true 1 and 3: ratio 2, each a whole predicted cost away from it."""
    found = spread_of(np.ones((2, 1)), np.array([[1.0], [3.0]]), np.zeros((1, 2), np.intp))
    assert found.ratio.tolist() == [2.0]
    assert found.error.tolist() == pytest.approx([1.0])
    assert found.variance.tolist() == pytest.approx([1.0])
    assert found.third.tolist() == pytest.approx([0.0])
    assert found.misfit == 0


def test_what_the_costs_were_drawn_with_is_found() -> None:
    random = np.random.default_rng(0)
    ratio, sigma = np.array([1.3, 0.9]), np.array([0.3, 0.8])
    predicted, cost = drawn(random, 20_000, ratio, sigma)
    chosen = np.stack([np.zeros(20_000, np.intp), np.arange(20_000) % 2, np.ones(20_000, np.intp)])
    found = spread_of(predicted, cost, chosen)
    np.testing.assert_allclose(found.ratio, ratio, rtol=0.05)
    np.testing.assert_allclose(np.sqrt(found.variance), ratio * np.sqrt(np.exp(sigma**2) - 1), rtol=0.15)
    assert (np.abs(found.ratio - ratio) < 3 * found.error).all()
    assert found.third[1] > found.third[0] > 0


@pytest.mark.parametrize("size", [5, 60, 600])
def test_true_costs_keep_the_budget_as_often_as_promised(size: int) -> None:
    """Validation and batches drawn again and again: the reserve holds in 95 of 100 at least."""
    random = np.random.default_rng(size)
    ratio, sigma = np.array([1.1, 0.95, 1.0]), np.array([0.4, 0.9, 0.6])
    kept = []
    for _ in range(250):
        predicted, cost = drawn(random, 400, ratio, sigma)
        found = spread_of(predicted, cost, random.integers(3, size=(8, 400)))
        batch, paid = drawn(random, size, ratio, sigma)
        choice, rows = random.integers(3, size=size), np.arange(size)
        expected = batch[rows, choice]
        reserve = found.reserve_usd(choice, expected, 0.95)
        kept.append(paid[rows, choice].sum() <= expected.sum() + reserve)
    assert np.mean(kept) >= 0.95


def test_the_spread_is_that_of_what_prices_choose() -> None:
    """Predictions that are noise: what they call cheap is chosen, and costs more than they say."""
    random = np.random.default_rng(1)
    predicted = random.lognormal(0, 1, (4000, 4))
    cost = np.full_like(predicted, predicted.mean())
    cheapest = predicted.argmin(1)[None]
    chosen = spread_of(predicted, cost, cheapest)
    assert (chosen.ratio > 2).all()
    rows = np.arange(4000)
    expected = predicted[rows, cheapest[0]]
    assert expected.sum() + chosen.reserve_usd(cheapest[0], expected, 0.95) >= cost.mean() * 4000


def test_the_share_of_single_calls_shrinks_and_that_of_the_ratio_stays() -> None:
    random = np.random.default_rng(2)
    predicted, cost = drawn(random, 500, np.array([1.0]), np.array([0.7]))
    found = spread_of(predicted, cost, np.zeros((1, 500), np.intp))
    shares = [
        found.reserve_usd(np.zeros(n, np.intp), np.full(n, 0.01), 0.95) / (0.01 * n)
        for n in (10, 1000, 10**6)
    ]
    assert shares[0] > 3 * shares[1] > 3 * shares[2] > 0
    assert shares[2] == pytest.approx(
        max(found.ratio[0] - 1, 0) + found.misfit + 1.96 * found.error[0], rel=0.05
    )
    more = found.reserve_usd(np.zeros(10, np.intp), np.full(10, 0.01), 0.99)
    assert more / 0.1 > shares[0]


def test_costs_that_are_as_predicted_need_no_reserve() -> None:
    predicted = np.random.default_rng(3).lognormal(-6, 1, (50, 3))
    found = spread_of(predicted, predicted, np.zeros((2, 50), np.intp))
    assert found.reserve_usd(np.arange(50) % 3, predicted[:, 0], 0.99) == pytest.approx(0, abs=1e-12)


def test_free_models_and_unknown_costs_divide_by_nothing() -> None:
    predicted = np.array([[0.0, 1.0, 1.0]] * 6)
    cost = np.array([[0.0, np.nan, 2.0]] * 6)
    found = spread_of(predicted, cost, np.tile([[0], [1], [2]], (1, 6)))
    assert found.ratio.tolist() == [1.0, 1.0, 2.0]
    assert found.reserve_usd(np.zeros(6, np.intp), np.zeros(6), 0.95) == 0
    assert found.reserve_usd(np.full(6, 2), np.ones(6), 0.95) >= 6


def test_models_that_no_price_chooses_have_figures() -> None:
    predicted, cost = drawn(np.random.default_rng(4), 300, np.array([1.0, 3.0]), np.array([0.1, 0.1]))
    found = spread_of(predicted, cost, np.zeros((5, 300), np.intp))
    assert found.ratio[1] == pytest.approx(3, rel=0.05)


def test_the_round_trip_through_json() -> None:
    predicted, cost = drawn(np.random.default_rng(5), 100, np.array([1.0, 1.2]), np.array([0.5, 0.5]))
    found = spread_of(predicted, cost, np.zeros((1, 100), np.intp))
    again = CostSpread.from_dict(found.models, json.loads(json.dumps(found.to_dict())))
    choice = np.arange(20) % 2
    args = choice, np.full(20, 0.01), 0.9
    assert again.reserve_usd(*args) == pytest.approx(found.reserve_usd(*args), rel=1e-4)
    assert again.columns(["m1", "m0"]).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ratio": [1.0]}, "ratio must be 2 finite numbers"),
        ({"error": [1.0, -1.0]}, "error must be at least 0"),
        ({"variance": [1.0, None]}, "variance must be 2 finite"),
        ({"shared": 1.5}, "shared must lie in"),
        ({"n_prompts": "many"}, "cost spread"),
    ],
)
def test_what_is_broken_is_refused(change: dict[str, object], words: str) -> None:
    good = CostSpread(("a", "b"), 5, np.ones(2), np.ones(2), 0.5, 0.0, np.ones(2), np.ones(2)).to_dict()
    with pytest.raises(InputError, match=words):
        CostSpread.from_dict(("a", "b"), {**good, **change})


def test_an_unknown_model_or_confidence_is_refused() -> None:
    found = CostSpread(("a",), 5, np.ones(1), np.ones(1), 0.0, 0.0, np.ones(1), np.ones(1))
    with pytest.raises(InputError, match="costs of b may be off"):
        found.columns(["a", "b"])
    for confidence in (0.4, 1.0, float("nan")):
        with pytest.raises(InputError, match="budget_confidence must be at least"):
            found.reserve_usd(np.zeros(1, np.intp), np.ones(1), confidence)
