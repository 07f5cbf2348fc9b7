"""Hulls and swaps against trying everything."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.solver.search.hull import increments
from routoo.solver.search.swaps import best_swaps
from routoo.solver.sums.rows import Floats


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 7), st.booleans())
def test_every_price_finds_its_choice_on_the_hull(seed: int, n: int, m: int, coarse: bool) -> None:
    rng = np.random.default_rng(seed)
    value, weight = rng.random((n, m)), rng.random((n, m))
    if coarse:
        value, weight = (value * 4).round() / 4, (weight * 4).round() / 4
    steps = increments(value, weight)
    assert (steps.weight > 0).all()
    assert (steps.value > 0).all()
    for price in (0.0, 0.3, 1.0, 2.5, 40.0):
        choice = steps.start.copy()
        for row, column, slope in zip(steps.row, steps.column, steps.slope, strict=True):
            if slope > price:
                choice[row] = column
        every = np.arange(n)
        reached = (value - price * weight)[every, choice]
        assert reached == pytest.approx((value - price * weight).max(axis=1))


def test_steps_between_two_slopes_start_from_the_steeper_ones() -> None:
    value, weight = (
        np.array([[0.0, 0.9, 1.5, 1.6], [0.0, 0.1, 0.1, 0.0]]),
        np.array([[0.0, 1.0, 2.0, 3.0]] * 2),
    )
    steps = increments(value, weight).between(0.5, 0.8)
    assert steps.start.tolist() == [1, 0]
    assert (steps.row.tolist(), steps.column.tolist()) == ([0], [2])


def brute(loss: Floats, extra: Floats, price: float, slack: float) -> float:
    """The least gap of any combination."""
    n, m = loss.shape
    rows = np.arange(n)
    gaps = [
        loss[rows, c].sum() + price * (slack - extra[rows, c].sum())
        for c in map(np.array, product(range(m), repeat=n))
        if extra[rows, c].sum() <= slack
    ]
    return float(min(gaps))


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(2, 4))
def test_swaps_are_the_best_there_are(seed: int, n: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    loss, extra = rng.random((n, m)) ** 2, rng.normal(size=(n, m))
    loss[:, 0] = extra[:, 0] = 0.0
    price, slack = float(rng.random() * 3), float(rng.random())
    swaps = best_swaps(loss, extra, price=price, slack=slack)
    assert swaps.proved
    assert swaps.gap == pytest.approx(brute(loss, extra, price, slack))
    used = extra[swaps.row, swaps.column].sum()
    assert used <= slack + 1e-12
    assert loss[swaps.row, swaps.column].sum() + price * (slack - used) == pytest.approx(swaps.gap)
    assert len(set(swaps.row.tolist())) == len(swaps.row)
