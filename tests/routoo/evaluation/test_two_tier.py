"""Curves of two-tier selection: a random signal's line, the oracle's curve, and what a signal costs."""

from __future__ import annotations

import numpy as np
import pytest

from routoo.data.errors import InputError
from routoo.evaluation.two_tier import Tier, two_tier_curve

N = 3000
RNG = np.random.default_rng(0)
SMALL = Tier((RNG.random(N) < 0.5).astype(float), RNG.uniform(0.5, 1.5, N))
LARGE = Tier((RNG.random(N) < 0.8).astype(float), RNG.uniform(2, 8, N))
LOW, HIGH = SMALL.mean_cost, LARGE.mean_cost
BETTER, WORSE = ((SMALL.score < LARGE.score).mean(), (SMALL.score > LARGE.score).mean())


@pytest.mark.parametrize("learn_costs", [False, True])
@pytest.mark.parametrize(("reads", "each"), [("prompt", HIGH - LOW), ("answer", HIGH)])
def test_a_random_signal_gives_a_straight_line(reads: str, each: float, learn_costs: bool) -> None:
    """A share of (b - c1) / each prompts gains what the large model is better by."""
    signal = np.random.default_rng(1).random(N)
    curve = two_tier_curve(signal, SMALL, LARGE, reads=reads, learn_costs=learn_costs)
    share = (curve.budget - LOW) / each
    line = SMALL.score.mean() + share * (LARGE.score.mean() - SMALL.score.mean())
    before = curve.budget < 0.95 * HIGH  # from there on all can go to the large one at once
    np.testing.assert_allclose(curve.share[before], share[before], atol=0.03)
    np.testing.assert_allclose(curve.score[before], line[before], atol=0.015)


@pytest.mark.parametrize(("reads", "each"), [("prompt", HIGH - LOW), ("answer", HIGH)])
def test_a_perfect_signal_gives_the_curve_of_the_oracle(reads: str, each: float) -> None:
    """First those on which the large model is better, then those on which it is as good, then the rest."""
    curve = two_tier_curve(SMALL.score - LARGE.score, SMALL, LARGE, reads=reads)
    share = (curve.budget - LOW) / each
    oracle = SMALL.score.mean() + np.minimum(share, BETTER) - np.maximum(share - (1 - WORSE), 0)
    before = curve.budget < 0.95 * HIGH
    np.testing.assert_allclose(
        curve.score[before], oracle[before], atol=0.025
    )  # at the bend a running rank errs
    assert np.abs(curve.score - oracle)[before].mean() < 0.005


def test_the_area_is_that_of_trapezoids_and_of_all_prompts_parts() -> None:
    signal = np.random.default_rng(1).random(N)
    curve = two_tier_curve(signal, SMALL, LARGE)
    by_hand = np.trapezoid(curve.score, curve.budget) / (curve.budget[-1] - curve.budget[0])
    assert curve.area == pytest.approx(by_hand, abs=1e-12)
    assert curve.score[-1] == pytest.approx(LARGE.score.mean())
    assert curve.score[0] == pytest.approx(SMALL.score.mean())


def test_below_what_a_signal_costs_the_plain_model_answers() -> None:
    committee = Tier(SMALL.score, SMALL.cost * 3)
    plain = Tier(np.full(N, 0.25), SMALL.cost)
    curve = two_tier_curve(np.zeros(N), committee, LARGE, plain=plain)
    low = curve.budget < committee.mean_cost
    assert (curve.score[low] == 0.25).all()
    assert (curve.share[low] == 0).all()
    assert curve.score[~low].min() > 0.4


def test_a_large_model_that_costs_less_is_refused() -> None:
    with pytest.raises(InputError, match="must cost more"):
        two_tier_curve(np.zeros(N), LARGE, SMALL)
