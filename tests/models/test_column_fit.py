"""Fits of one column: on made-up pools whose truth is known."""

import numpy as np
import pytest
from scipy.special import expit

from routoo.models.column_fit import Array, ColumnPrior, fit_log, fit_score, standard_error

LEVEL = np.eye(6)[5]


def made_pool(n: int = 12, *, seed: int = 0) -> Array:
    """Columns that differ along two directions; the last input is constant."""
    rng = np.random.default_rng(seed)
    columns: Array = np.arange(6.0)[:, None] / 4 + rng.normal(size=(6, 2)) @ rng.normal(size=(2, n))
    return columns


def made_inputs(n: int, *, seed: int = 1) -> Array:
    inputs: Array = np.c_[np.random.default_rng(seed).normal(size=(n, 5)), np.ones(n)]
    return inputs


def test_the_fit_is_where_the_posterior_is_highest() -> None:
    inputs, prior = made_inputs(40), ColumnPrior.of(made_pool(), LEVEL)
    score = np.random.default_rng(2).random(40)
    gain, offset = np.full(40, 1.3), np.linspace(-1, 1, 40)
    covariance = prior.factor @ prior.factor.T

    def loss(column: Array) -> float:
        z, away = gain * (inputs @ column) + offset, column - prior.mean
        return float((np.logaddexp(0, z) - score * z).sum() + away @ np.linalg.solve(covariance, away) / 2)

    found = fit_score(inputs, score, prior, gain=gain, offset=offset)
    for nudge in 1e-3 * np.vstack([np.eye(6), -np.eye(6)]):
        assert loss(found) < loss(found + nudge)


def test_the_standard_error_is_that_of_a_prompt_left_out() -> None:
    inputs, prior = made_inputs(30), ColumnPrior.of(made_pool(), LEVEL)
    score = np.random.default_rng(4).random(30)
    gain, offset = np.linspace(0.8, 1.5, 30), np.linspace(-1, 1, 30)
    column = fit_score(inputs, score, prior, gain=gain, offset=offset)
    p = expit(gain * (inputs @ column) + offset)
    told = (inputs.T * (gain**2 * p * (1 - p))) @ inputs
    before = np.linalg.inv(prior.factor @ prior.factor.T)
    variance = []
    for x, g, q in zip(inputs, gain, p, strict=True):
        left = told - g**2 * q * (1 - q) * np.outer(x, x)
        variance.append(x @ np.linalg.solve(before + left, x))
    found = standard_error(inputs, column, prior, gain=gain, offset=offset)
    assert found == pytest.approx(np.sqrt(np.mean(variance)))


@pytest.mark.parametrize("n", [20, 200])
def test_columns_are_as_far_off_as_their_standard_error_says(n: int) -> None:
    columns, fresh = made_pool(), made_inputs(500, seed=9)
    wrong, claimed = [], []
    for at in range(columns.shape[1]):
        prior = ColumnPrior.of(np.delete(columns, at, axis=1), LEVEL)
        inputs = made_inputs(n, seed=at)
        score = (np.random.default_rng(at).random(n) < expit(inputs @ columns[:, at])).astype(float)
        column = fit_score(inputs, score, prior)
        wrong.append(((fresh @ (column - columns[:, at])) ** 2).mean())
        claimed.append(standard_error(inputs, column, prior) ** 2)
    assert np.sqrt(np.mean(claimed) / np.mean(wrong)) == pytest.approx(1, abs=0.3)


def test_without_records_a_model_is_a_typical_one() -> None:
    prior = ColumnPrior.of(made_pool(), LEVEL)
    nothing = np.empty((0, 6))
    np.testing.assert_allclose(fit_score(nothing, np.empty(0), prior), prior.mean)
    np.testing.assert_allclose(fit_log(nothing, np.empty(0), prior), prior.mean)


def test_more_prompts_come_nearer_and_twenty_beat_the_typical_model() -> None:
    columns, fresh = made_pool(), made_inputs(500, seed=9)
    errors: dict[int, list[float]] = {0: [], 20: [], 100: [], 1000: []}
    for at in range(columns.shape[1]):
        prior = ColumnPrior.of(np.delete(columns, at, axis=1), LEVEL)
        inputs = made_inputs(1000, seed=at)
        score = (np.random.default_rng(at).random(1000) < expit(inputs @ columns[:, at])).astype(float)
        for n, found in errors.items():
            column = fit_score(inputs[:n], score[:n], prior)
            found.append(float(np.abs(expit(fresh @ column) - expit(fresh @ columns[:, at])).mean()))
    mean = [np.mean(found) for found in errors.values()]
    assert mean[0] > 1.5 * mean[1] > 1.5 * mean[2] > 1.5 * mean[3]
    assert mean[3] < 0.03


def test_what_the_pool_has_in_common_helps_a_few_prompts() -> None:
    columns, inputs, fresh = made_pool(), made_inputs(20), made_inputs(500, seed=9)
    twin = columns[:, 0]
    score = expit(inputs @ twin)
    near = fit_score(inputs, score, ColumnPrior.of(columns, LEVEL))
    alone = ColumnPrior(np.zeros(6), np.eye(6), LEVEL)
    far = fit_score(inputs, score, alone)

    def error(column: Array) -> float:
        return float(np.abs(expit(fresh @ column) - expit(fresh @ twin)).mean())

    assert error(near) < 0.6 * error(far)


def test_logarithms_are_learned_with_their_mean_in_plain_units() -> None:
    columns = made_pool() * 0.2
    inputs = made_inputs(3000)
    value = inputs @ columns[:, 3] + np.random.default_rng(5).normal(scale=0.7, size=3000)
    column = fit_log(inputs, value, ColumnPrior.of(np.delete(columns, 3, axis=1), LEVEL))
    np.testing.assert_allclose(np.exp(inputs @ column).mean(), np.exp(value).mean())
    slopes = column[:5], columns[:5, 3]
    np.testing.assert_allclose(*slopes, atol=0.05)


@pytest.mark.parametrize("n", [1, 2])
def test_a_pool_of_one_or_two_leaves_room(n: int) -> None:
    prior = ColumnPrior.of(made_pool(n), LEVEL)
    inputs = made_inputs(2000)
    score = expit(inputs @ np.array([1.0, -1.0, 0.5, 0.0, 2.0, -0.5]))
    assert np.abs(expit(inputs @ fit_score(inputs, score, prior)) - score).mean() < 0.05
