"""Fronts and distances by hand, in any unit."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.evaluation.metrics.pareto_dist import (
    pareto_dist,
    pareto_front,
)


def test_pareto_front_keeps_what_nothing_beats() -> None:
    points = np.array([[1.0, 0.5], [1.0, 0.4], [2.0, 0.5], [2.0, 0.6], [0.5, 0.1]])
    assert pareto_front(points).tolist() == [[0.5, 0.1], [1.0, 0.5], [2.0, 0.6]]


def test_pareto_dist_by_hand() -> None:
    everyone = np.array([[0.0, 0.0], [2.0, 0.5], [4.0, 1.0], [4.0, 0.5]])
    assert pareto_dist(everyone[:3], everyone) == 0
    assert pareto_dist(everyone[3:], everyone) == pytest.approx(0.5)
    twice = np.vstack([everyone[3:], everyone[3:], everyone[:1]])
    assert pareto_dist(twice, everyone) == pytest.approx(0.25)
    assert pareto_dist(np.array([[1.0, 0.5]]), np.array([[1.0, 0.5]])) == 0


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_pareto_dist_does_not_depend_on_units(points: list[tuple[int, int]]) -> None:
    everyone = np.array(points, np.float64)
    part = everyone[::2]
    assert 0 <= pareto_dist(part, everyone) <= math.sqrt(2)
    scaled = np.array([1e-3, 7.0])
    assert pareto_dist(part * scaled, everyone * scaled) == pytest.approx(pareto_dist(part, everyone))
