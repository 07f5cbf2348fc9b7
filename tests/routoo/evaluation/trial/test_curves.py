"""Curves, hulls and areas against their definitions."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.data.curves import PRICES, area, choices, curve, hull

Array = npt.NDArray[np.float64]


@st.composite
def _problems(draw: st.DrawFn) -> tuple[Array, Array]:
    """Predictions and costs on coarse grids, so that ties abound."""
    n, m = draw(st.integers(1, 12)), draw(st.integers(1, 5))
    cell = st.integers(0, 4)
    p = draw(st.lists(cell, min_size=n * m, max_size=n * m))
    cost = draw(st.lists(cell, min_size=n * m, max_size=n * m))
    return np.reshape(p, (n, m)) / 4, np.reshape(cost, (n, m)) * 2.0**-10


points_strategy = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 8)).map(lambda t: (t[0] / 8, t[1] / 8)),
    min_size=1,
    max_size=12,
)


def test_prices_are_zero_and_600_geometric_steps() -> None:
    assert len(PRICES) == 601
    assert PRICES[0] == 0
    assert PRICES[1] == pytest.approx(1e-2)
    assert PRICES[-1] == pytest.approx(1e7)
    assert np.allclose(np.diff(np.log(PRICES[1:])), np.log(1e9) / 599)


@given(_problems())
@settings(max_examples=150, deadline=None)
def test_choices_are_those_of_every_price_in_turn(problem: tuple[Array, Array]) -> None:
    p, cost = problem
    plain = np.array([(p - price * cost).argmax(1) for price in PRICES])
    assert np.array_equal(choices(p, cost), plain)


def test_curve_pays_the_true_costs_of_the_choices() -> None:
    p = np.array([[0.9, 0.2], [0.6, 0.5]])
    expected = np.array([[0.01, 0.001]] * 2)
    score, paid = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[0.02, 0.002]] * 2)
    points = curve(choices(p, expected, np.array([0.0, 20.0, 1e6])), score, paid)
    assert points == pytest.approx(np.array([[0.02, 0.5], [0.011, 1.0], [0.002, 0.5]]))


@given(points_strategy)
@settings(max_examples=150, deadline=None)
def test_hull_is_the_least_non_decreasing_concave_curve_above_the_points(
    points: list[tuple[float, float]],
) -> None:
    vertices = hull(np.array(points))
    costs, scores = vertices.T
    assert np.all(np.diff(costs) > 0)
    assert np.all(np.diff(scores) > 0)
    slopes = np.diff(scores) / np.diff(costs)
    assert np.all(np.diff(slopes) < 0)
    assert {tuple(v) for v in vertices.tolist()} <= set(points)
    assert all(score <= np.interp(cost, costs, scores) + 1e-12 for cost, score in points)


def test_area_of_a_hull_continued_on_both_sides() -> None:
    points = np.array([[0.25, 0.4], [0.75, 0.8]])
    assert area(points, 0.0, 1.0) == pytest.approx(0.25 * 0.4 + 0.5 * 0.6 + 0.25 * 0.8, abs=1e-4)
    assert area(points, 0.75, 0.75) == pytest.approx(0.8)
