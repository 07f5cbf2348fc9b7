"""What true costs teach is bounded, and fades."""

import numpy as np
import pytest

from routoo.solver.online.true_costs import TrueCosts


def taught(*calls: tuple[float, float]) -> TrueCosts:
    true_costs = TrueCosts()
    for predicted, true in calls:
        true_costs.learn(predicted, true)
    return true_costs


def test_the_ratio_follows_what_calls_cost() -> None:
    assert TrueCosts().ratio == 1.0
    assert taught(*[(1.0, 3.0)] * 1500).ratio == pytest.approx(3.0, rel=1e-3)
    assert taught(*[(1.0, 3.0)] * 1500, *[(1.0, 1.0)] * 100).ratio == pytest.approx(2.0, rel=0.01)
    assert taught(*[(1.0, 0.0)] * 9000).ratio > 0


@pytest.mark.parametrize(
    "odd", [(1e-6, 1.0), (1e-3, 1.0), (1.0, 1e6), (1e6, 1.0), (1e6, 1e12), (0.0, 1.0)], ids=str
)
@pytest.mark.parametrize("before", [0, 3, 300])
def test_one_odd_call_moves_little_and_is_forgotten(odd: tuple[float, float], before: int) -> None:
    calls = taught(*[(1.0, 1.0)] * before, odd, *[(1.0, 1.0)] * 50)
    assert 0.5 < calls.ratio < 1.5
    assert float(calls.reserve(1.0, 1.0)) < 4.0
    later = taught(*[(1.0, 1.0)] * before, odd, *[(1.0, 1.0)] * 1500)
    assert later.ratio == pytest.approx(1.0, abs=1e-3)
    assert float(later.reserve(1.0, 1.0)) == pytest.approx(1.0, abs=0.05)


def test_a_reserve_covers_the_sum_of_calls_that_spread() -> None:
    rng = np.random.default_rng(0)
    ratios = rng.lognormal(0, 0.5, 3000)
    calls = taught(*[(1.0, float(ratio)) for ratio in ratios])
    sums = rng.choice(ratios, (2000, 20)).sum(axis=1)
    assert (sums > float(calls.reserve(20.0, 20.0))).mean() < 0.01
    assert float(calls.reserve(20.0, 20.0)) < 2 * sums.mean()
