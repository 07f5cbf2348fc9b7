"""Weights of a blend: what helps is taken, what does not is left alone."""

import dataclasses

import numpy as np
import pytest
from scipy.special import logit

from routoo.models.blend import Blend, Held, fit_blend

Array = np.ndarray


def held(*parts: Array, truth: Array, seed: int = 0) -> Held:
    """Prompts whose expected scores are `truth`, with a dear model and a cheap one."""
    score = (np.random.default_rng(seed).random(truth.shape) < truth).astype(float)
    cost = np.broadcast_to([1.0, 0.1], truth.shape)
    return Held(np.stack([logit(p.clip(0.02, 0.98)) for p in parts]), score, cost, cost)


def two_kinds(n: int = 400) -> Array:
    """Expected scores: on every other prompt the cheap model is as good as the dear one."""
    return np.where(np.arange(n)[:, None] % 2 == 0, [[0.9, 0.1]], [[0.8, 0.8]])


def test_noise_gets_no_weight_beside_what_knows() -> None:
    truth = two_kinds()
    noise = np.random.default_rng(1).random((3, *truth.shape))
    blend = fit_blend(held(truth, *noise, truth=truth))
    assert blend.weights == (1.0, 0.0, 0.0, 0.0)
    assert not blend.better


def test_what_knows_is_found_behind_means() -> None:
    truth = two_kinds()
    means = np.broadcast_to(truth.mean(0), truth.shape)
    blend = fit_blend(held(means, truth, truth=truth))
    assert blend.weights == blend.proposed
    assert blend.weights[1] > 0.5
    assert blend.gain > 3 * blend.error
    np.testing.assert_allclose(sum(blend.weights), 1.0)


def test_halves_of_the_truth_are_put_together() -> None:
    truth = two_kinds(800)
    rng = np.random.default_rng(2)
    left, right = (logit(truth) + 4 * rng.normal(size=truth.shape) * side for side in ([0.1, 1], [1, 0.1]))
    parts = [1 / (1 + np.exp(-z)) for z in (left, right)]
    blend = fit_blend(held(*parts, truth=truth))
    assert min(blend.proposed) > 0.1


@pytest.mark.parametrize(
    ("gain", "likelihood", "better"),
    [(0.02, -0.001, False), (0.002, 0.001, True), (-0.019, 0.001, True), (-0.021, 0.02, False)],
)
def test_a_gain_has_to_be_seen(gain: float, likelihood: float, better: bool) -> None:
    assert Blend((1.0,), (1.0,), gain, 0.01, likelihood, 0.01).better == better


def test_the_same_seed_gives_the_same_weights() -> None:
    truth = two_kinds(200)
    rng = np.random.default_rng(3)
    parts = [np.clip(truth + 0.3 * rng.normal(size=truth.shape), 0, 1) for _ in range(3)]
    assert fit_blend(held(*parts, truth=truth)) == fit_blend(held(*parts, truth=truth))


def test_where_nothing_is_to_trade_the_loss_decides() -> None:
    truth = np.tile([[0.2, 0.9], [0.1, 0.6]], (150, 1))
    means = np.broadcast_to(truth.mean(0), truth.shape)
    blend = fit_blend(held(means, truth, truth=truth))
    assert blend.weights[1] > 0.5


@pytest.mark.parametrize("seed", range(5))
def test_the_means_serve_where_the_prompts_tell_nothing(seed: int) -> None:
    truth = np.tile([[0.7, 0.4]], (300, 1))
    rng = np.random.default_rng(seed)
    noise = [np.clip(truth + 0.2 * rng.normal(size=truth.shape), 0, 1) for _ in range(2)]
    blend = fit_blend(dataclasses.replace(held(*noise, truth, truth=truth, seed=seed), means=2))
    assert blend.weights == (0.0, 0.0, 1.0)
    assert blend.over_means <= blend.over_means_error


def test_the_means_do_not_serve_where_the_prompts_tell_something() -> None:
    truth = two_kinds(100)
    means = np.broadcast_to(truth.mean(0), truth.shape)
    blend = fit_blend(dataclasses.replace(held(truth, means, truth=truth), means=1))
    assert blend.weights[0] > 0.9
    assert blend.over_means > 3 * blend.over_means_error > 0
