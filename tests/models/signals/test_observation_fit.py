"""Levels of signals, as they are learned from answers."""

from __future__ import annotations

import numpy as np
import pytest

from routoo.data.observation import ObservationModel
from routoo.models.signals.observation_fit import fit_observation


def fitted(p: np.ndarray, right: np.ndarray, log_ratio: np.ndarray) -> ObservationModel:
    return fit_observation(
        ("a",),
        p_correct=p[:, None],
        score=right[:, None].astype(np.float64),
        log_ratio=log_ratio[:, None],
        codes=np.full((len(p), 1), -1),
    )


def test_levels_of_a_signal_of_three_values_are_these_values() -> None:
    draw = np.random.default_rng(0)
    p = draw.uniform(0.2, 0.8, 20_000)
    right = draw.uniform(size=len(p)) < p
    shares = {False: [0.7, 0.25, 0.05], True: [0.1, 0.3, 0.6]}
    value = np.empty(len(p))
    for kind, share in shares.items():
        value[right == kind] = draw.choice([-2.0, 0.1, 2.5], (right == kind).sum(), p=share)
    found = fitted(p, right, value)
    assert found.level_right[0] == pytest.approx(shares[True], abs=0.02)
    assert found.level_wrong[0] == pytest.approx(shares[False], abs=0.02)


def test_what_the_prompt_says_is_not_told_again_by_the_answer() -> None:
    draw = np.random.default_rng(1)
    p = draw.uniform(0.02, 0.98, 20_000)
    found = fitted(p, draw.uniform(size=len(p)) < p, p + draw.normal(0, 0.1, len(p)))
    assert found.level_right[0] == pytest.approx(found.level_wrong[0], abs=0.02)
