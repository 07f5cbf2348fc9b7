"""Heads of output tokens and latency, solved in closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from routoo.models.network.heads import HeadConfig, Heads
from routoo.models.training.targets import Targets
from routoo.models.usage import fit_usage, ridge


def test_ridge_is_least_squares_where_nothing_is_missing() -> None:
    rng = np.random.default_rng(0)
    inputs, weight = rng.normal(size=(200, 3)), rng.normal(size=(3, 2))
    found, level = ridge(inputs, inputs @ weight + [1.0, -2.0], 1e-9)
    np.testing.assert_allclose(found, weight, atol=1e-6)
    np.testing.assert_allclose(level, [1.0, -2.0], atol=1e-6)


def test_each_model_is_solved_on_its_own_cells() -> None:
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(120, 4))
    target = rng.normal(size=(120, 3))
    target[::2, 1] = np.nan
    target[:, 2] = np.nan
    weight, level = ridge(inputs, target, 5.0)
    alone, alone_level = ridge(inputs[1::2], target[1::2, 1:2], 5.0)
    np.testing.assert_allclose(weight[:, 1], alone[:, 0])
    np.testing.assert_allclose(level[1], alone_level[0])
    assert (weight[:, 2] == 0).all()
    assert level[2] == pytest.approx(np.nanmean(target))


def test_a_strong_ridge_says_the_mean() -> None:
    rng = np.random.default_rng(2)
    inputs, target = rng.normal(size=(50, 4)), rng.normal(size=(50, 1))
    weight, level = ridge(inputs, target, 1e9)
    np.testing.assert_allclose(inputs @ weight + level, np.full((50, 1), target.mean()), atol=1e-6)


def test_a_model_without_records_is_as_the_others_are() -> None:
    heads = Heads(HeadConfig(n_features=4, n_models=3, width=6, members=2, output_tokens=True))
    assert heads.tokens is not None
    rng = np.random.default_rng(4)
    hidden = rng.normal(size=(2, 300, 6))
    log_tokens = 3 + hidden[0, :, :1] * [0.5, 0.0, 0.3] + 0.3 * rng.normal(size=(300, 3))
    log_tokens[:, 1] = np.nan
    targets = Targets(
        np.ones((300, 3), np.float32), log_tokens.astype(np.float32), None, np.full(300, -1, np.int64), ()
    )
    assert targets.unrecorded(("a", "b", "c")) == ("b",)
    fit_usage(heads, hidden, targets, held=np.arange(300) >= 200)
    with torch.no_grad():
        said = heads.tokens(torch.from_numpy(hidden).float()).mean(0).numpy()
    np.testing.assert_allclose(said[:, 1], said[:, [0, 2]].mean(1), rtol=1e-4)


def test_predicted_usage_follows_the_prompt_and_has_the_recorded_mean() -> None:
    heads = Heads(HeadConfig(n_features=4, n_models=3, width=6, members=2, output_tokens=True))
    assert heads.tokens is not None
    rng = np.random.default_rng(3)
    hidden = rng.normal(size=(2, 400, 6))
    log_tokens = 3 + hidden[0, :, :1] * [0.5, -0.5, 0.0] + 0.3 * rng.normal(size=(400, 3))
    targets = Targets(
        np.ones((400, 3), np.float32),
        log_tokens.astype(np.float32),
        None,
        np.full(400, -1, np.int64),
        (),
    )
    explained = fit_usage(heads, hidden, targets, held=np.arange(400) >= 300)
    with torch.no_grad():
        said = heads.tokens(torch.from_numpy(hidden).float()).mean(0).exp().numpy()
    # the members are solved apart and averaged: the one that sees nothing says the mean, and halves the slope
    assert 0.3 < explained["val_output_tokens_explained"] < 0.7
    np.testing.assert_allclose(said.mean(0), np.exp(log_tokens).mean(0), rtol=1e-3)
    assert np.corrcoef(np.log(said[:, 0]), hidden[0, :, 0])[0, 1] > 0.9
