"""The bound for a sample of a known size: by hand, how often it is wrong, and what it needs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.solver.bounds.betting import mean_lower
from routoo.solver.bounds.planned_sample import planned_above, planned_judged_lower, planned_lower


def test_capital_by_hand() -> None:
    """Of two values either bet is the most that is allowed, 1.5 times what the value lies above 0.6."""
    capital = (1 + 1.5 * 0.4) * (1 + 1.5 * 0.15)
    assert planned_above([1.0, 0.75], 0.6, alpha=1.001 / capital)
    assert not planned_above([1.0, 0.75], 0.6, alpha=0.999 / capital)
    assert planned_above([1.0, 0.0], 0.6, alpha=1 / 1.6), "the largest capital on the way counts"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.floats(0.01, 0.5))
def test_the_bound_is_where_the_test_begins_to_fail(values: list[float], alpha: float) -> None:
    low = float(planned_lower(values, alpha=alpha))
    assert 0 <= low <= max(values)
    assert low == 0 or planned_above(values, low, alpha=alpha)
    assert not planned_above(values, low + 1e-6, alpha=alpha)


@pytest.mark.parametrize("law", ["skewed", "few differ", "right or wrong"])
def test_it_is_wrong_as_rarely_as_promised(law: str) -> None:
    runs, n, alpha = 3000, 300, 0.1
    draw = np.random.default_rng(len(law))
    values, mean = {
        "skewed": (draw.beta(4, 0.5, (runs, n)), 4 / 4.5),
        "few differ": (draw.choice([0.0, 0.495, 0.505, 1.0], (runs, n), p=[0.02, 0.48, 0.48, 0.02]), 0.5),
        "right or wrong": (draw.random((runs, n)) < 0.03, 0.03),
    }[law]
    wrong = planned_above(values, mean, alpha=alpha).mean()
    assert 0.005 < wrong < alpha + 3 * np.sqrt(alpha * (1 - alpha) / runs)


def test_it_needs_fewer_values_than_a_bound_that_may_be_looked_at() -> None:
    draw = np.random.default_rng(1)
    values = draw.choice([0.0, 0.5, 0.52, 1.0], (200, 2000), p=[0.03, 0.2, 0.74, 0.03])
    assert planned_lower(values, alpha=0.05).mean() > mean_lower(values, alpha=0.05).mean() + 0.001


@pytest.mark.parametrize("agreement", [0.6, 0.95])
@pytest.mark.parametrize("favours", [False, True])
def test_a_judge_may_be_wrong_as_he_likes_and_helps_when_he_is_good(agreement: float, favours: bool) -> None:
    """Labels of a mean of 0.3, of which 200 are known, and what a judge says of them and of 2,000 others."""
    runs, alpha, draw = 1000, 0.1, np.random.default_rng(int(100 * agreement) + favours)
    truth = (draw.random((runs, 2200)) < 0.3).astype(float)
    slip = draw.random(truth.shape) > agreement
    said = np.where(slip, 1.0 if favours else 1 - truth, truth)
    low = planned_judged_lower(truth[:, :200], said[:, :200], others=said[:, 200:], alpha=alpha)
    assert (low > 0.3).mean() < alpha + 3 * np.sqrt(alpha * (1 - alpha) / runs)
    alone = planned_lower(truth[:, :200], alpha=alpha)
    assert (low.mean() > alone.mean() + 0.01) == (agreement == 0.95)
    assert low.mean() > alone.mean() - 0.02


def test_without_enough_others_a_judge_is_not_asked() -> None:
    labels = np.tile([1.0, 0.0, 1.0, 1.0], 50)
    found = planned_judged_lower(labels, labels, others=labels[:9], alpha=0.05)
    assert found == pytest.approx(float(planned_lower(labels, alpha=0.05)))
