"""Confidence sequences: by hand, against brute force, and how often they are ever wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.solver.bounds import betting, failures
from routoo.solver.bounds.betting import mean_lower, mean_upper
from routoo.solver.bounds.failures import highest_rate, most_failures
from routoo.solver.bounds.stakes import KEPT, WEIGHTS


def test_capital_by_hand() -> None:
    """One failure multiplies a bet by u, one success by (1 - u q) / (1 - q)."""
    q, u = 0.2, KEPT
    by_hand = np.log(WEIGHTS @ (u * ((1 - u * q) / (1 - q)) ** 2))
    assert betting.log_capital(np.array([1.0, 0, 1]), 1 - q, batch=None) == pytest.approx(by_hand)
    assert failures.log_capital(1, 3, q, batch=None) == pytest.approx(by_hand)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.data())
def test_what_is_above_the_bound_is_refuted(batch: int, data: st.DataObject) -> None:
    """Bisection finds the last failure count that is possible: there is none above it."""
    seen = data.draw(st.integers(1, batch))
    failed = data.draw(st.integers(0, seen))
    alpha = data.draw(st.floats(0.001, 0.5))
    every = np.arange(failed, batch - seen + failed + 1)
    possible = failures.log_capital(failed, seen, every, batch=batch) < -np.log(alpha)
    assert most_failures(failed, seen, batch=batch, alpha=alpha) == every[possible][-1]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.booleans())
def test_bounds_of_means_hold_the_mean_of_a_whole_batch(values: list[float], whole: bool) -> None:
    batch = len(values) if whole else 3 * len(values)
    low, high = (float(f(values, alpha=0.1, batch=batch)) for f in (mean_lower, mean_upper))
    assert sum(values) / batch - 1e-9 <= low <= np.mean(values) + 1e-9
    assert np.mean(values) - 1e-9 <= high
    if whole:
        assert low == pytest.approx(np.mean(values)) == pytest.approx(high)


def test_a_batch_is_known_better_than_a_stream_and_more_doubt_costs() -> None:
    assert most_failures(5, 500, batch=1000, alpha=0.05) / 1000 < highest_rate(5, 500, alpha=0.05)
    assert highest_rate(5, 500, alpha=0.05) < highest_rate(5, 500, alpha=0.001)
    right = np.arange(500) % 100 != 0
    assert 1 - mean_lower(right, alpha=0.05) == pytest.approx(highest_rate(5, 500, alpha=0.05), abs=1e-6)


def test_bounds_stand_beside_the_sample_as_it_grows() -> None:
    """At a tenth of failures: within a tenth of it after 20,000, and wider than what one look would say."""
    n = np.array([100, 1000, 20_000])
    width = highest_rate(n // 10, n, alpha=0.05) - 0.1
    one_look = 1.645 * np.sqrt(0.09 / n)
    assert (width > one_look).all()
    assert (width < 2.6 * one_look).all()


@pytest.mark.parametrize(("batch", "rate"), [(200, 0.05), (1000, 0.02), (1000, 0.3)])
def test_they_are_ever_wrong_as_rarely_as_promised(batch: int, rate: float) -> None:
    """Looked at after every item to the end of the batch, at the null itself: the worst that can be asked."""
    runs, alpha = 2000, 0.1
    draw = np.random.default_rng(batch)
    failed = draw.permuted(np.tile(np.arange(batch) < rate * batch, (runs, 1)), axis=1).cumsum(1)
    null = np.full((runs, batch), rate * batch)
    wrong = failures.log_capital(failed, np.arange(1, batch + 1), null, batch=batch) >= -np.log(alpha)
    assert 0.005 < wrong.any(1).mean() < alpha + 3 * np.sqrt(alpha * (1 - alpha) / runs)


@pytest.mark.parametrize("null", [1, 8, 40, 120])
def test_the_probability_of_ever_being_wrong_is_worked_out_exactly(null: int) -> None:
    """Over all orders of a batch: by the failures seen, among orders in which it was not yet wrong."""
    batch, alpha = 160, 0.05
    right_so_far, failed = np.zeros(null + 1), np.arange(null + 1)
    right_so_far[0], wrong = 1.0, 0.0
    for seen in range(1, batch + 1):
        fails = np.clip((null - failed) / (batch - seen + 1), 0, 1)
        right_so_far = right_so_far * (1 - fails) + np.append(0, (right_so_far * fails)[:-1])
        possible = (failed <= seen) & (seen - failed <= batch - null)
        capital = failures.log_capital(failed[possible], seen, null, batch=batch)
        ends = np.flatnonzero(possible)[capital >= -np.log(alpha)]
        wrong += right_so_far[ends].sum()
        right_so_far[ends] = 0
    assert wrong + right_so_far.sum() == pytest.approx(1)
    assert 0.2 * alpha < wrong <= alpha


def test_bounds_of_scores_are_wrong_as_rarely() -> None:
    """Scores of a skewed law, a batch without replacement, looks after every tenth."""
    runs, batch, alpha = 300, 120, 0.1
    draw = np.random.default_rng(3)
    population = draw.beta(4, 0.5, batch)
    values = draw.permuted(np.tile(population, (runs, 1)), axis=1)
    looks = [mean_lower(values[:, :n], alpha=alpha, batch=batch) for n in range(10, batch, 10)]
    ever = np.max(looks, 0) > population.mean() + 1e-9
    assert ever.mean() < alpha + 3 * np.sqrt(alpha * (1 - alpha) / runs)
    assert np.mean(looks[5]) > population.mean() - 0.12
