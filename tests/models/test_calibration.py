import numpy as np
from scipy.special import expit, logit

from routoo.models.calibration import fit_calibration


def test_overconfident_logits_are_pulled_in() -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(size=(4000, 3))
    score = (rng.random(true.shape) < expit(true)).astype(float)
    slope, shift = fit_calibration(3 * true + 1, score)
    np.testing.assert_allclose(slope, 1 / 3, atol=0.05)
    np.testing.assert_allclose(shift, -1 / 3, atol=0.15)


def test_few_prompts_leave_the_logits_nearly_alone() -> None:
    pairs = fit_calibration(np.array([[2.0, -1.0]]), np.array([[0.0, 1.0]]))
    np.testing.assert_allclose(pairs, [[1, 1], [0, 0]], atol=0.1)


def test_nothing_known_changes_nothing() -> None:
    pairs = fit_calibration(np.zeros((3, 2)), np.full((3, 2), np.nan))
    np.testing.assert_array_equal(pairs, [[1, 1], [0, 0]])


def test_each_model_gets_its_own_shift_and_missing_cells_do_not_count() -> None:
    rng = np.random.default_rng(1)
    logits = np.zeros((3000, 2))
    score = (rng.random(logits.shape) < [0.2, 0.8]).astype(float)
    score[::2, 1] = np.nan
    _, shift = fit_calibration(logits, score, strength=1.0)
    np.testing.assert_allclose(shift, logit([0.2, 0.8]), atol=0.2)


def test_a_models_ranking_is_never_turned_round() -> None:
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(5000, 1))
    slope, _ = fit_calibration(logits, (rng.random(logits.shape) < expit(-2 * logits)).astype(float))
    assert slope.min() > 0
