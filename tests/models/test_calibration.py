import numpy as np
import pytest
from scipy.special import expit, logit

from routoo.models.calibration import fit_calibration, fit_spread


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


@pytest.mark.parametrize("wrong_by", [0.2, 0.6])
def test_the_spread_makes_disagreement_a_standard_error(wrong_by: float) -> None:
    rng = np.random.default_rng(3)
    kinds = rng.normal(size=(60, 4))  # prompts of a kind are thought alike, and are wrong together
    kind = np.repeat(np.arange(60), 80)
    logits = kinds[kind] + 0.01 * rng.normal(size=(4800, 4))
    true = kinds[kind] + wrong_by * rng.normal(size=(60, 4))[kind]
    score = (rng.random(true.shape) < expit(true)).astype(float)
    spread = fit_spread(logits, np.full(logits.shape, 0.1), score)
    assert spread * 0.1 == pytest.approx(wrong_by, rel=0.25)


def test_a_network_that_is_right_claims_less() -> None:
    rng = np.random.default_rng(4)
    logits = rng.normal(size=(4000, 5))
    score = (rng.random(logits.shape) < expit(logits)).astype(float)
    assert fit_spread(logits, np.full(logits.shape, 0.5), score) < 0.5


def test_few_prompts_move_the_spread_little() -> None:
    rng = np.random.default_rng(5)
    score = (rng.random((40, 2)) < 0.5).astype(float)
    score[:10] = np.nan
    assert fit_spread(rng.normal(size=(40, 2)), np.full((40, 2), 0.3), score) == pytest.approx(1, abs=0.5)
    assert fit_spread(np.zeros((1, 2)), np.ones((1, 2)), np.full((1, 2), np.nan)) == pytest.approx(
        1, abs=1e-4
    )
