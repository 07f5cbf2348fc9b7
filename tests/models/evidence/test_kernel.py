"""The kernel in the graph is that of the paper, and its centres stand for all prompts."""

import numpy as np
import numpy.typing as npt
import pytest
import torch

from routoo.models.evidence.kernel import Kernel, fit_kernel


def some_features(n: int, width: int, layers: int, *, seed: int = 0) -> npt.NDArray[np.float32]:
    random = np.random.default_rng(seed)
    return random.normal(3, 2, size=(n, width * layers + 1)).astype(np.float32)


def inputs_of(kernel: Kernel, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = kernel(torch.from_numpy(features)).double().numpy()
    return found


def gram(features: npt.NDArray[np.float32], layers: int) -> npt.NDArray[np.float64]:
    """The kernel among prompts, computed pair by pair from its definition."""
    width = (features.shape[1] - 1) // layers
    used = features[:, width if layers > 1 else 0 : -1].astype(np.float64)
    parts = (used - used.mean(0)).reshape(len(used), -1, width)
    parts /= np.sqrt((parts**2).sum(2).mean(0))[:, None]
    e = parts.reshape(len(used), -1) / np.sqrt(parts.shape[1])
    apart = ((e[:, None] - e) ** 2).sum(2)
    return np.asarray(np.exp(-apart / 1.4))


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_inputs_have_the_products_of_the_kernel(layers: int) -> None:
    """All prompts are centres here, so that nothing is lost."""
    features = some_features(40, 5, layers)
    inputs = inputs_of(fit_kernel(features, layers, seed=0), features)
    assert inputs.shape == (40, 40)
    np.testing.assert_allclose(inputs @ inputs.T, gram(features, layers), atol=0.01)


@pytest.mark.parametrize("layers", [1, 3])
def test_the_graph_says_what_numpy_says(layers: int) -> None:
    kernel = fit_kernel(some_features(30, 4, layers), layers, seed=0)
    asked = some_features(7, 4, layers, seed=1)
    mean, factor, centres, root = (
        getattr(kernel, name).double().numpy() for name in ("mean", "factor", "centres", "root")
    )
    e = (asked[:, kernel.span] - mean) * factor
    expected = np.exp(-((e[:, None] - centres) ** 2).sum(2) / 2) @ root
    np.testing.assert_allclose(inputs_of(kernel, asked), expected, atol=1e-5)


def test_no_prompt_is_more_than_itself() -> None:
    kernel = fit_kernel(some_features(30, 4, 2), 2, seed=0)
    near, far = some_features(50, 4, 2, seed=1), some_features(50, 4, 2, seed=2) + 100
    covered = [np.square(inputs_of(kernel, each)).sum(1) for each in (near, far)]
    assert (covered[0] < 1 + 1e-5).all()
    assert (covered[1] < 1e-6).all()


def test_length_and_the_words_below_other_layers_are_not_compared() -> None:
    features = some_features(30, 4, 3)
    kernel = fit_kernel(features, 3, seed=0)
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
    found, expected = (inputs_of(fit_kernel(each, 3, seed=0), each) for each in (large, features))
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-3)


def test_prompts_that_are_the_same_are_one_centre() -> None:
    features = np.repeat(some_features(6, 4, 2), 10, axis=0)
    kernel = fit_kernel(features, 2, seed=0)
    assert len(kernel.centres) == 6
    inputs = inputs_of(kernel, features)
    assert np.isfinite(inputs).all()
    np.testing.assert_allclose(inputs[0], inputs[9])
    np.testing.assert_allclose(np.square(inputs).sum(1), 1, atol=0.01)


def test_prompts_that_are_all_the_same_are_alike() -> None:
    features = np.repeat(some_features(1, 4, 2), 20, axis=0)
    np.testing.assert_allclose(inputs_of(fit_kernel(features, 2, seed=0), features), 1.0)


def test_of_many_prompts_some_are_centres_by_the_seed() -> None:
    features = some_features(700, 3, 1)
    first, again, other = (fit_kernel(features, 1, seed=seed) for seed in (0, 0, 1))
    assert len(first.centres) == 600
    assert torch.equal(first.centres, again.centres)
    assert not torch.equal(first.centres, other.centres)
