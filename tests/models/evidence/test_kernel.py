"""The kernel in the graph is that of the paper, and its centres stand for all prompts."""

import numpy as np
import numpy.typing as npt
import pytest
import torch

from routoo.models.evidence.kernel import FittedKernel


def some_features(n: int, width: int, layers: int, *, seed: int = 0) -> npt.NDArray[np.float32]:
    random = np.random.default_rng(seed)
    return random.normal(3, 2, size=(n, width * layers + 1)).astype(np.float32)


def gram(kernel: FittedKernel, features: npt.NDArray[np.float32], layers: int) -> npt.NDArray[np.float64]:
    """The kernel among prompts, computed pair by pair from its definition."""
    width = (features.shape[1] - 1) // layers
    used = features[:, width if layers > 1 else 0 : -1].astype(np.float64)
    parts = (used - used.mean(0)).reshape(len(used), -1, width)
    parts /= np.sqrt((parts**2).sum(2).mean(0))[:, None]
    e = parts.reshape(len(used), -1) / np.sqrt(parts.shape[1])
    apart = ((e[:, None] - e) ** 2).sum(2)
    return np.asarray(np.exp(-apart / 0.8))


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_inputs_have_the_products_of_the_kernel(layers: int) -> None:
    """All prompts are centres here, so that nothing is lost."""
    features = some_features(40, 5, layers)
    kernel = FittedKernel(features, layers, seed=0)
    inputs = kernel.inputs(features)
    assert inputs.shape == (40, 40)
    np.testing.assert_allclose(inputs @ inputs.T, gram(kernel, features, layers), atol=0.01)


@pytest.mark.parametrize("layers", [1, 3])
def test_the_graph_says_what_numpy_says(layers: int) -> None:
    kernel = FittedKernel(some_features(30, 4, layers), layers, seed=0).kernel
    asked = some_features(7, 4, layers, seed=1)
    mean, factor, centres = (getattr(kernel, name).double().numpy() for name in ("mean", "factor", "centres"))
    e = (asked[:, kernel.span] - mean) * factor
    expected = np.exp(-((e[:, None] - centres) ** 2).sum(2) / 0.8)
    np.testing.assert_allclose(kernel(torch.from_numpy(asked)).numpy(), expected, atol=1e-5)


def test_length_and_the_words_below_other_layers_are_not_compared() -> None:
    features = some_features(30, 4, 3)
    kernel = FittedKernel(features, 3, seed=0).kernel
    turned = features.copy()
    turned[:, -1] += 100
    turned[:, :4] -= 100
    assert torch.equal(kernel(torch.from_numpy(turned)), kernel(torch.from_numpy(features)))
    turned[:, 5] += 1
    assert not torch.equal(kernel(torch.from_numpy(turned)), kernel(torch.from_numpy(features)))


def test_each_layer_counts_alike_whatever_its_units() -> None:
    features = some_features(30, 4, 3)
    large = features.copy()
    large[:, 8:12] *= 50
    found, expected = (FittedKernel(each, 3, seed=0).inputs(each) for each in (large, features))
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-3)


def test_prompts_that_are_the_same_are_one_centre() -> None:
    features = np.repeat(some_features(6, 4, 2), 10, axis=0)
    kernel = FittedKernel(features, 2, seed=0)
    assert len(kernel.kernel.centres) == 6
    inputs = kernel.inputs(features)
    assert np.isfinite(inputs).all()
    np.testing.assert_allclose(inputs[0], inputs[9])
    np.testing.assert_allclose(np.square(inputs).sum(1), 1, atol=0.01)


def test_prompts_that_are_all_the_same_are_alike() -> None:
    features = np.repeat(some_features(1, 4, 2), 20, axis=0)
    kernel = FittedKernel(features, 2, seed=0)
    alike = kernel.kernel(torch.from_numpy(features))
    np.testing.assert_allclose(alike.numpy(), 1.0)
    assert np.isfinite(kernel.inputs(features)).all()


def test_of_many_prompts_some_are_centres_by_the_seed() -> None:
    features = some_features(700, 3, 1)
    first, again, other = (FittedKernel(features, 1, seed=seed) for seed in (0, 0, 1))
    assert len(first.kernel.centres) == 600
    assert torch.equal(first.kernel.centres, again.kernel.centres)
    assert not torch.equal(first.kernel.centres, other.kernel.centres)
