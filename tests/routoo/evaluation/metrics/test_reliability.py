"""Errors and bins of predictions."""

import math

import numpy as np
import pytest

from routoo.evaluation.metrics.reliability import brier, reliability


def test_brier_of_nothing_known_is_undefined() -> None:
    assert math.isnan(brier(np.array([0.5]), np.array([np.nan])))


def test_reliability_bins_are_of_equal_mass_and_ordered() -> None:
    p = np.linspace(0, 1, 100)
    bins = reliability(p, (p > 0.5).astype(float), bins=10)
    assert bins.count.tolist() == [10] * 10
    assert np.all(np.diff(bins.p_correct) > 0)
    assert bins.score.tolist() == [0] * 5 + [1] * 5
    assert bins.ece == pytest.approx(np.abs(bins.p_correct - bins.score).mean())


def test_reliability_of_fewer_predictions_than_bins() -> None:
    assert reliability(np.array([0.3]), np.array([1.0])).ece == pytest.approx(0.7)
    assert math.isnan(reliability(np.array([0.3]), np.array([np.nan])).ece)
