"""Hardness of prompts, read off the scores of known models."""

import numpy as np
from scipy.special import expit

from routoo.models.column_fit import Array, ColumnPrior, fit_score
from routoo.models.hardness import Hardness


def drawn(n: int, models: int, deviation: float, *, seed: int = 0) -> tuple[Array, Array, Array]:
    """Log-odds that are right on average, the ease of the prompts, and scores."""
    rng = np.random.default_rng(seed)
    ease = deviation * rng.normal(size=(n, 1))
    logits = rng.normal(size=(n, models))
    widened = np.sqrt(1 + (16 * np.sqrt(3) / (15 * np.pi)) ** 2 * deviation**2) * logits
    return logits, ease[:, 0], (rng.random((n, models)) < expit(widened + ease)).astype(float)


def test_the_ease_of_prompts_is_found() -> None:
    logits, ease, score = drawn(400, 20, 1.5)
    found = Hardness.of(logits, score)
    assert abs(found.deviation - 1.5) <= 0.25
    assert np.corrcoef(found.offset, ease)[0, 1] > 0.9
    assert (found.gain > 1).all()


def test_where_prompts_are_alike_nothing_is_corrected() -> None:
    logits, _, score = drawn(400, 20, 0.0)
    found = Hardness.of(logits, score)
    assert found.deviation <= 0.25
    assert np.abs(found.offset).max() < 0.5


def test_a_prompt_that_nobody_else_was_run_on_is_left_as_it_is() -> None:
    logits, _, score = drawn(100, 20, 1.5)
    score[:10] = np.nan
    found = Hardness.of(logits, score)
    np.testing.assert_allclose(found.gain[:10], 1, atol=0.01)
    np.testing.assert_allclose(found.offset[:10], 0, atol=1e-9)
    nothing = Hardness.of(logits, np.full_like(score, np.nan))
    np.testing.assert_allclose(nothing.gain, 1, atol=1e-6)
    np.testing.assert_allclose(nothing.offset, 0, atol=1e-9)


def test_twenty_prompts_of_known_hardness_measure_a_level_better() -> None:
    prior = ColumnPrior(np.zeros(1), np.full((1, 1), 2.0), np.ones(1))
    inputs, plain, corrected = np.ones((20, 1)), [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        ease = 2.0 * rng.normal(size=(20, 1))
        score = (rng.random((20, 25)) < expit(ease)).astype(float)
        found = Hardness.of(np.zeros((20, 24)), score[:, :-1])
        plain.append(fit_score(inputs, score[:, -1], prior)[0])
        corrected.append(fit_score(inputs, score[:, -1], prior, gain=found.gain, offset=found.offset)[0])
    assert np.abs(corrected).mean() < 0.95 * np.abs(plain).mean()  # the truth is 0
