"""The best setting in hindsight, metric by metric."""

import numpy as np
import pytest

from routoo.evaluation.metrics.arena import arena_score
from routoo.evaluation.metrics.published import in_hindsight
from routoo.evaluation.trial.single_models import SingleModels


def test_the_best_setting_in_hindsight_is_picked_measure_by_measure() -> None:
    singles = SingleModels(np.array([[1.0, 0.8], [0.1, 0.5]]))
    points = np.array([[0.2, 0.7], [0.6, 0.8], [0.9, 0.84]])
    gain, saved, arena = in_hindsight(points, singles)
    assert gain == pytest.approx(0.05)
    assert saved == pytest.approx(0.4)
    assert arena == arena_score(points[:, 1], points[:, 0]).max()
