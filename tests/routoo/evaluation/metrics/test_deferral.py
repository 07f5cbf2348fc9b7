"""Deferring by hand, blindly and with all knowledge."""

import math

import numpy as np
import numpy.typing as npt
import pytest

from routoo.evaluation.metrics.deferral import deferral_of

Array = npt.NDArray[np.float64]


def _outcomes(n: int = 500) -> tuple[Array, Array]:
    random = np.random.default_rng(3)
    return (random.random(n) < 0.4).astype(float), (random.random(n) < 0.8).astype(float)


def test_deferral_by_hand() -> None:
    weak, strong = np.array([1.0, 0.0, 0.0, 1.0]), np.array([1.0, 1.0, 1.0, 0.0])
    curve = deferral_of(np.array([0.1, 0.9, 0.5, 0.0]), weak, strong)
    assert curve.share.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert curve.score.tolist() == [0.5, 0.75, 1.0, 1.0, 0.75]
    assert curve.recovered.tolist() == [0, 1, 2, 2, 1]
    assert curve.apgr_by_calls == pytest.approx((0.5 + 1.5 + 2 + 1.5) / 4)
    assert curve.cpt(0.5) == pytest.approx(0.125)
    assert curve.cpt(1.0) == pytest.approx(0.25)
    assert curve.cpt(0.0) == 0.0


def test_a_blind_router_defers_at_random() -> None:
    weak, strong = _outcomes()
    curve = deferral_of(np.zeros(len(weak)), weak, strong)
    assert curve.apgr_by_calls == pytest.approx(0.5)
    assert curve.cpt(0.8) == pytest.approx(0.8)
    assert np.allclose(np.diff(curve.score, 2), 0)


def test_ties_are_deferred_in_random_order() -> None:
    weak, strong = _outcomes(60)
    gain = np.random.default_rng(4).integers(0, 3, 60) / 2
    curves = []
    for seed in range(400):
        noise = np.random.default_rng(seed).random(60) * 1e-6
        curves.append(deferral_of(gain + noise, weak, strong).score)
    assert np.allclose(deferral_of(gain, weak, strong).score, np.mean(curves, 0), atol=0.01)


def test_knowing_the_gain_is_best_of_all() -> None:
    weak, strong = _outcomes()
    best = deferral_of(strong - weak, weak, strong)
    guess = deferral_of(np.random.default_rng(5).random(len(weak)), weak, strong)
    assert np.all(best.score >= guess.score - 1e-12)
    assert best.apgr_by_calls > guess.apgr_by_calls + 0.3
    assert best.score[-1] == pytest.approx(strong.mean())
    assert best.score[0] == pytest.approx(weak.mean())


def test_a_strong_model_that_is_not_better_leaves_no_gap() -> None:
    same = np.array([1.0, 0.0])
    curve = deferral_of(np.array([0.3, 0.2]), same, same)
    assert math.isnan(curve.apgr_by_calls)
    assert math.isnan(curve.cpt(0.5))
