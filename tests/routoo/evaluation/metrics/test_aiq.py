"""RouterBench's metric by hand."""

import numpy as np
import pytest

from routoo.evaluation.metrics.aiq import aiq
from routoo.evaluation.trial.single_models import SingleModels


def test_aiq_is_the_integral_that_the_area_averages_on_a_grid() -> None:
    random = np.random.default_rng(0)
    points = random.random((40, 2))
    singles = SingleModels(np.array([[0.1, 0.2], [0.9, 0.95]]))
    assert aiq(points, singles.low_usd, singles.high_usd) == pytest.approx(singles.area(points), abs=1e-4)


def test_aiq_of_a_line_a_plateau_and_a_point() -> None:
    line = np.array([[0.0, 0.0], [1.0, 1.0]])
    assert aiq(line, 0.0, 1.0) == pytest.approx(0.5)
    assert aiq(line, 0.0, 2.0) == pytest.approx(0.75)
    assert aiq(line, 0.5, 0.5) == pytest.approx(0.5)
