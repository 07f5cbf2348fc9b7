"""Tests that watch, and bounds by a judge."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.data.errors import InputError
from routoo.solver.bounds.betting import mean_lower
from routoo.solver.bounds.drift import DriftTest
from routoo.solver.bounds.prediction_powered import judged_mean_lower


def test_drift_is_told_and_good_times_are_not_taken_for_it() -> None:
    draw = np.random.default_rng(0)
    false = sum(
        any(test.observe(float(score)) for score in draw.random(800) < 0.9)
        for test in (DriftTest(floor=0.9, false_alarm=0.1) for _ in range(150))
    )
    assert false / 150 < 0.1 + 3 * np.sqrt(0.09 / 150)
    test = DriftTest(floor=0.9, false_alarm=0.01)
    assert not any(test.observe(float(score)) for score in draw.random(3000) < 0.95)
    delay = next(at for at, score in enumerate(draw.random(2000) < 0.8, 1) if test.observe(float(score)))
    assert delay < 500
    assert test.observe(1)  # an alarm stays


def test_a_small_drift_of_scores_near_the_middle_is_told() -> None:
    """A contract of 0.98, whose floor is 0.495: of the share two points are lost."""
    draw, floor = np.random.default_rng(0), 0.98 / 1.98
    policy, reference = draw.random((2, 15_000)) < np.array([[0.8 * 0.96], [0.8]])
    policy = np.where(draw.random(15_000) < 0.6, policy, reference & (draw.random(15_000) < 0.96))
    test = DriftTest(floor=floor, false_alarm=0.01)
    assert any(test.observe(float(score)) for score in (policy - 0.98 * reference + 0.98) / 1.98)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=30), st.integers(0, 30))
def test_a_drift_test_goes_on_where_it_was_written_down(scores: list[float], cut: int) -> None:
    whole, first = (DriftTest(floor=0.7, false_alarm=0.05) for _ in range(2))
    for score in scores:
        whole.observe(score)
    for score in scores[:cut]:
        first.observe(score)
    again = DriftTest.from_dict(json.loads(json.dumps(first.to_dict())))
    for score in scores[cut:]:
        again.observe(score)
    assert again.to_dict() == whole.to_dict()
    assert 0 < again.p_value <= 1


def test_what_a_drift_test_cannot_use_is_refused() -> None:
    with pytest.raises(InputError, match="floor must be above 0 and below 1, got 1"):
        DriftTest(floor=1, false_alarm=0.1)
    with pytest.raises(InputError, match="score must be a number of at least 0 and at most 1, got 2"):
        DriftTest(floor=0.9, false_alarm=0.1).observe(2)
    with pytest.raises(InputError, match="a drift test of format 9 cannot be read"):
        DriftTest.from_dict({"format": 9})


@pytest.mark.parametrize("agreement", [0.6, 0.8, 0.95])
@pytest.mark.parametrize("biased", [False, True])
def test_a_judge_may_be_wrong_as_he_likes(agreement: float, biased: bool) -> None:
    """A judge who errs at random, or always in favour: missed no more often than promised, in four looks."""
    runs, batch, alpha = 300, 400, 0.1
    draw = np.random.default_rng(7)
    truth = np.arange(batch) < 0.85 * batch
    slip = draw.random((runs, batch)) > agreement
    truth = draw.permuted(np.tile(truth, (runs, 1)), axis=1)
    judge = np.where(slip, True if biased else ~truth, truth)
    looks = [
        judged_mean_lower(truth[:, :n], judge[:, :n], judge=judge, alpha=alpha) for n in (40, 80, 160, 300)
    ]
    assert (np.max(looks, 0) > 0.85).mean() < alpha + 3 * np.sqrt(alpha * (1 - alpha) / runs)


def test_a_good_judge_saves_labels_and_a_bad_one_costs_few() -> None:
    draw = np.random.default_rng(1)
    truth = draw.random(4000) < 0.7
    good = np.where(draw.random(4000) < 0.97, truth, ~truth) * 1.0
    bad = draw.random(4000).round()
    few = truth[:300] * 1.0
    alone = mean_lower(few, alpha=0.05, batch=4000)
    assert judged_mean_lower(few, good[:300], judge=good, alpha=0.05) > alone + 0.02
    assert judged_mean_lower(few, bad[:300], judge=bad, alpha=0.05) > alone - 0.02
    stream = judged_mean_lower(few, good[:300], judge=good[300:], alpha=0.05, whole_batch=False)
    assert alone < stream < judged_mean_lower(few, good[:300], judge=good, alpha=0.05)
    with pytest.raises(InputError, match="must have one shape"):
        judged_mean_lower(few, good, judge=good, alpha=0.05)
