"""What a budget buys, and what a score costs."""

import math

import numpy as np
import pytest

from routoo.data.curves import hull
from routoo.evaluation.metrics.budgets import cost_of, score_of, score_within


def test_score_within_score_of_and_cost_of() -> None:
    points = np.array([[1.0, 0.2], [2.0, 0.6], [4.0, 0.7]])
    assert score_within(points, 2.0) == 0.6
    assert math.isnan(score_within(points, 0.5))
    vertices = hull(points)
    assert cost_of(vertices, 0.4) == pytest.approx(1.5)
    assert cost_of(vertices, 0.1) == 1.0
    assert math.isnan(cost_of(vertices, 0.71))
    assert cost_of(vertices, 0.7 * (1 + 1e-7)) == 4.0
    assert score_of(vertices, 1.5) == pytest.approx(0.4)
    assert score_of(vertices, 9.0) == 0.7
    assert math.isnan(score_of(vertices, 0.5))
