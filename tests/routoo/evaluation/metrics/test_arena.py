"""RouterArena's score by hand, and at its ends."""

import math

import numpy as np
import pytest

from routoo.evaluation.metrics.arena import arena_score


def test_arena_score_by_hand_and_at_its_ends() -> None:
    middle = math.sqrt(0.0044 * 200)  # half way in logarithms: C = 1/2
    found = arena_score(np.array([0.8, 0.8, 0.8, 0.0, 0.8]), np.array([middle, 0.0044, 200, 0.1, 0]) / 1000)
    assert found[0] == pytest.approx(1.1 * 0.8 * 0.5 / (0.08 + 0.5))
    assert found[1] == pytest.approx(1.1 * 0.8 / 1.08)
    assert found[2:4].tolist() == [0.0, 0.0]
    assert found[4] == found[1]
