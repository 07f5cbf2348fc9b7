"""Pairs that are ranked right, ties and gaps."""

import math

import numpy as np
import numpy.typing as npt
import pytest

from routoo.evaluation.metrics.ranking import auc, mean_auc

Array = npt.NDArray[np.float64]


def test_auc_counts_pairs_and_ties_by_half() -> None:
    random = np.random.default_rng(0)
    p = random.integers(0, 6, 60) / 5
    y = random.integers(0, 2, 60).astype(float)
    pairs = [(a > b) + 0.5 * (a == b) for a in p[y == 1] for b in p[y == 0]]
    assert auc(p, y) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("y", [np.zeros(3), np.ones(3), np.array([0.5, 0.4, 0.0])])
def test_auc_needs_both_sides(y: Array) -> None:
    assert math.isnan(auc(np.array([0.1, 0.2, 0.3]), y))


def test_mean_auc_leaves_out_missing_cells_and_models_without_one() -> None:
    p = np.array([[0.9, 0.1, 0.5], [0.1, 0.2, 0.5], [0.5, 0.3, 0.5]])
    y = np.array([[1, 1, 0], [0, 1, 0], [np.nan, 0, np.nan]])
    assert mean_auc(p, y) == pytest.approx((1.0 + 0.0) / 2)
    assert math.isnan(mean_auc(p[:, 2:], y[:, 2:]))
