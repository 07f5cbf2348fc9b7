"""What settings gain and save, by hand."""

import math

import numpy as np
import pytest

from routoo.evaluation.metrics.perf_gain import (
    cost_save,
    perf_gain,
)


def test_perf_gain_and_cost_save_of_settings_that_pass_the_best_single_model() -> None:
    points = np.array([[0.2, 0.7], [0.6, 0.8], [0.9, 0.84]])
    assert perf_gain(points, 0.8) == pytest.approx(0.05)
    assert cost_save(points, 0.8, 1.0) == pytest.approx(0.4)
    assert math.isnan(cost_save(points, 0.85, 1.0))
    assert cost_save(points, 0.84, 0.6) == pytest.approx(-0.5)
    assert math.isnan(perf_gain(points, 0.0))
