"""Tests that watch, bounds by a judge, several hypotheses, and how many labels could do."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.data.errors import InputError
from routoo.solver.bounds.betting import mean_lower
from routoo.solver.bounds.drift import DriftTest
from routoo.solver.bounds.failures import highest_rate, most_failures
from routoo.solver.bounds.multiplicity import fixed_sequence, holm
from routoo.solver.bounds.prediction_powered import judged_mean_lower
from routoo.solver.bounds.sample_size import least_labels


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


def test_a_sequence_ends_where_it_fails_and_holm_needs_no_order() -> None:
    assert fixed_sequence([], alpha=0.05) == 0
    assert fixed_sequence([0.9, 0.001], alpha=0.05) == 0
    assert fixed_sequence([0.05, 0.05], alpha=0.05) == 2
    p = np.array([0.04, 0.001, 0.02, 0.9])
    assert holm(p, alpha=0.05).tolist() == [False, True, False, False]
    assert holm(p[[1, 2, 0]], alpha=0.05).tolist() == [True, True, True]


def test_a_false_hypothesis_is_rejected_as_rarely_as_promised() -> None:
    draw = np.random.default_rng(0)
    p = draw.random((4000, 4))
    p[:, 2] = 0  # one is true
    false = np.delete(np.array([holm(row, alpha=0.1) for row in p]), 2, 1).any(1).mean()
    assert false < 0.1 + 3 * np.sqrt(0.09 / 4000)


@pytest.mark.parametrize("batch", [None, 400])
@pytest.mark.parametrize("rate", [1.0, 0.97])
def test_the_least_number_of_labels_would_do_and_one_less_would_not(batch: int | None, rate: float) -> None:
    n = least_labels(floor=0.95, alpha=0.05, batch=batch, rate=rate)
    assert n is not None
    for labels, passes in ((n, True), (n - 1, False)):
        failed = int(np.ceil(labels * (1 - rate) - 1e-9))
        bound = (
            highest_rate(failed, labels, alpha=0.05)
            if batch is None
            else most_failures(failed, labels, batch=batch, alpha=0.05) / batch
        )
        assert (bound <= 0.05 + 1e-9) == passes


def test_no_number_of_labels_shows_what_is_not_so() -> None:
    assert least_labels(floor=0.95, alpha=0.05, rate=0.95) is None
    assert least_labels(floor=0.95, alpha=0.05, rate=0.9, batch=100) is None
    assert least_labels(floor=1, alpha=0.05) is None
    assert least_labels(floor=1, alpha=0.05, batch=30) == 30
