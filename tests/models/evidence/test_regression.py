"""Regression on groups of features: what tells is listened to, what does not is not."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from routoo.models.evidence import regression
from routoo.models.evidence.regression import _Components, _Spectrum, fit_regression
from routoo.models.gaps import covariance

Array = npt.NDArray[np.float64]


def predicted(found: regression.Regression, inputs: Array) -> tuple[Array, Array]:
    """Mean and variance that a regression says of inputs, as `Evidence` computes them in the graph."""
    q = inputs @ found.basis - found.offset
    return found.level + q @ found.weight, q**2 @ found.spread


def linear_data(
    n: int = 300, columns: int = 4, *, noise: float = 0.5, seed: int = 0
) -> tuple[list[Array], Array, Array]:
    """Two groups of features, of which the first alone tells; columns with noise, and without."""
    random = np.random.default_rng(seed)
    tells, mute = random.normal(size=(n, 5)), random.normal(size=(n, 20))
    truth = 0.5 + tells @ random.normal(size=(5, columns))
    return [tells, mute], truth + noise * random.normal(size=(n, columns)), truth


def components(groups: list[Array], target: Array) -> _Components:
    deviation = target - np.nanmean(target, axis=0)
    inputs = np.hstack([each - each.mean(0) for each in groups])
    group = np.repeat(np.arange(len(groups)), [each.shape[1] for each in groups])
    return _Components(inputs, group, deviation, np.zeros(target.shape), covariance(deviation))


@given(
    log_scales=st.lists(st.floats(-2, 2), min_size=3, max_size=3),
    columns=st.integers(1, 6),
    noise=st.sampled_from([0.3, 1.0, 10.0]),
)
@settings(max_examples=25, deadline=None)
def test_the_gradient_of_the_scales_is_that_of_finite_differences(
    log_scales: list[float], columns: int, noise: float
) -> None:
    (tells, mute), target, _ = linear_data(60, columns, noise=noise)
    target[np.random.default_rng(1).random(target.shape) < 0.2] = np.nan
    tried = components([tells, np.arange(60)[:, None] / 60, mute], target)
    at = np.array(log_scales)
    _, found = tried._loss(at)
    expected = approx_fprime(at, lambda scales: tried._loss(scales)[0], 1e-6)
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max() + 1e-3)


def test_a_group_that_tells_nothing_has_next_to_no_share() -> None:
    groups, target, truth = linear_data()
    found = fit_regression(groups, target)
    assert found.scales[0] > 0.95
    assert found.scales.sum() == pytest.approx(1)
    weight = found.basis @ found.weight
    assert np.abs(weight[5:]).max() < 0.05 * np.abs(weight[:5]).max()
    mean, _ = predicted(found, np.hstack(groups))
    assert np.square(mean - truth).mean() < 0.05 * truth.var()


def test_which_group_comes_first_does_not_matter() -> None:
    groups, target, _ = linear_data()
    first, second = fit_regression(groups, target), fit_regression(groups[::-1], target)
    np.testing.assert_allclose(first.scales, second.scales[::-1], atol=0.01)
    np.testing.assert_allclose(first.left_out, second.left_out, atol=0.01)


def test_units_of_a_group_do_not_matter() -> None:
    (tells, mute), target, _ = linear_data()
    first, second = fit_regression([tells, mute], target), fit_regression([1e3 * tells + 7, mute], target)
    np.testing.assert_allclose(first.left_out, second.left_out, atol=1e-6)
    asked, _ = predicted(first, np.hstack([tells, mute]))
    again, _ = predicted(second, np.hstack([1e3 * tells + 7, mute]))
    np.testing.assert_allclose(asked, again, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_labels_of_noise_give_the_means_back(seed: int) -> None:
    random = np.random.default_rng(seed)
    target = (random.random((400, 6)) < np.linspace(0.2, 0.8, 6)).astype(np.float64)
    found = fit_regression([random.normal(size=(400, 10)), random.normal(size=(400, 30))], target)
    mean, variance = predicted(found, random.normal(size=(100, 40)))
    np.testing.assert_allclose(found.level, target.mean(0))
    assert np.abs(mean - target.mean(0)).max() < 0.12
    assert np.abs(mean - target.mean(0)).mean() < 0.02
    assert found.gain < 3
    assert variance.max() < 0.02


def test_gain_is_what_the_features_tell() -> None:
    gains = [fit_regression(*linear_data(noise=noise)[:2]).gain for noise in (0.5, 2.0, 8.0)]
    assert gains[0] > 2 * gains[1] > 4 * gains[2]


def test_left_out_predictions_are_those_of_truly_fitting_without_a_prompt() -> None:
    """With the scales, the signals and the rotation held, as they are for all prompts at once."""
    groups, target, _ = linear_data(80, 3, noise=1.0)
    tried = components(groups, target)
    at = np.array([1.0, -1.0])
    posterior = tried.posterior(at, np.zeros(3))
    seen = _Spectrum(tried, at)
    root = seen.root
    for row in range(0, 80, 7):
        others = np.arange(80) != row
        values = tried.values[others]
        centre = values.mean(0)  # the level is learned from the others too
        inputs = tried.inputs[others] * root
        signal = np.exp(np.linspace(-9.0, 0.5, len(seen.belief)))
        said = np.zeros(values.shape[1])
        for number, ratio in enumerate(signal):
            gram = ratio * inputs.T @ inputs + np.eye(len(root))
            weight = ratio * np.linalg.solve(gram, inputs.T @ (values - centre))
            said += seen.belief[number] * (tried.inputs[row] * root @ weight)
        np.testing.assert_allclose(posterior.left_out[row], (said + centre) @ tried.loadings.T, atol=0.12)


@pytest.mark.parametrize("columns", [1, 4])
def test_left_out_predictions_are_as_wrong_as_those_of_new_prompts(columns: int) -> None:
    groups, target, _ = linear_data(1200, columns, noise=2.0)
    fitted = fit_regression([each[:200] for each in groups], target[:200])
    new, _ = predicted(fitted, np.hstack(groups)[200:])
    seen, _ = predicted(fitted, np.hstack(groups)[:200])
    fresh = np.square(new - target[200:]).mean()
    assert np.square(fitted.left_out - target[:200]).mean() == pytest.approx(fresh, rel=0.15)
    assert np.square(seen - target[:200]).mean() < fresh


def test_cells_that_are_missing_at_random_change_little() -> None:
    groups, target, truth = linear_data(400, 5)
    holes = np.random.default_rng(1).random(target.shape) < 0.3
    whole = fit_regression(groups, target)
    found = fit_regression(groups, np.where(holes, np.nan, target))
    inputs = np.hstack(groups)
    errors = [np.square(predicted(each, inputs)[0] - truth).mean() for each in (found, whole)]
    assert errors[0] < 3 * errors[1] < 0.01 * truth.var()
    np.testing.assert_allclose(found.scales, whole.scales, atol=0.05)


def test_cells_that_are_missing_leave_the_noise_and_make_weights_less_sure() -> None:
    groups, target, _ = linear_data(600)
    holes = target.copy()
    holes[np.random.default_rng(3).random(target.shape) < 0.6] = np.nan
    complete, found = fit_regression(groups, target), fit_regression(groups, holes)
    np.testing.assert_allclose(np.diag(complete.noise), 0.25, rtol=0.15)
    assert np.diag(found.noise).mean() == pytest.approx(0.25, rel=0.3)
    variance, of_complete = (predicted(each, np.hstack(groups))[1].mean() for each in (found, complete))
    assert 1.8 * of_complete < variance < 4 * of_complete  # as of two prompts in five


@pytest.mark.parametrize("seed", range(3))
def test_what_columns_have_in_common_is_not_lost_where_six_cells_in_ten_are_missing(seed: int) -> None:
    random = np.random.default_rng(seed)
    x = random.normal(size=(300, 40))
    common = x[:, :5] @ random.normal(size=5) / 2 + 2 * random.normal(size=300)
    target = common[:, None] + 0.5 * x[:, 5:8] @ random.normal(size=(3, 8)) + random.normal(size=(300, 8))
    holes = random.random(target.shape) < 0.6
    groups = [x[:, :20], x[:, 20:]]
    complete, found = fit_regression(groups, target), fit_regression(groups, np.where(holes, np.nan, target))
    assert found.gain > 0.25 * complete.gain  # of two cells in five
    missed = [np.square(each.left_out - target)[holes].mean() for each in (found, complete)]
    assert missed[0] < 1.07 * missed[1]
    assert found.spread.mean() > 0.9 * complete.spread.mean()


def test_a_model_that_was_asked_what_it_finds_easy_is_not_taken_to_be_good() -> None:
    groups, target, truth = linear_data(400, 1)
    asked = np.random.default_rng(1).random((400, 1)) < np.where(truth > truth.mean(), 0.8, 0.3)
    recorded = np.where(asked, target, np.nan)
    flattered = np.nanmean(recorded) - target.mean()
    assert abs(fit_regression(groups, recorded).level[0] - target.mean()) < 0.2 * flattered


def test_prompts_of_which_nothing_was_recorded_change_little() -> None:
    groups, target, truth = linear_data(200, 3)
    inputs = np.hstack(groups)
    without = fit_regression([each[:150] for each in groups], target[:150])
    target[150:] = np.nan
    found = fit_regression(groups, target)
    assert np.square(predicted(found, inputs)[0] - predicted(without, inputs)[0]).mean() < 0.01 * truth.var()
    assert np.isfinite(found.left_out).all()


def test_the_error_that_is_named_is_the_error_that_is_made() -> None:
    """Over many truths, of which each is drawn as the prior has it."""
    z = []
    for seed in range(40):
        groups, target, truth = linear_data(100, 2, noise=2.0, seed=seed)
        found = fit_regression(groups, target)
        mean, variance = predicted(found, np.hstack(groups))
        level = 4.0 / 100  # variance of the level, which the spread is without
        z.append(np.square(mean - truth) / (variance + level))
    assert np.mean(z) == pytest.approx(1, abs=0.3)


CASES: dict[str, tuple[tuple[int, int], tuple[int, ...]]] = {
    "one column": ((60, 1), (4, 3)),
    "one group": ((60, 3), (4,)),
    "one feature": ((60, 3), (1,)),
    "more columns than prompts": ((10, 30), (4, 3)),
    "more features than prompts": ((12, 3), (40, 20)),
    "two prompts": ((2, 2), (3, 3)),
}


@pytest.mark.parametrize("case", CASES)
def test_shapes_at_the_edge(case: str) -> None:
    shape, widths = CASES[case]
    random = np.random.default_rng(0)
    groups = [random.normal(size=(shape[0], width)) for width in widths]
    target = random.random(shape)
    found = fit_regression(groups, target)
    mean, variance = predicted(found, np.hstack(groups))
    assert mean.shape == variance.shape == found.left_out.shape == shape
    assert found.noise.shape == (shape[1], shape[1])
    for value in (mean, variance, found.left_out, found.noise, found.scales):
        assert np.isfinite(value).all()
    assert (variance >= 0).all()
    np.testing.assert_allclose(found.noise, found.noise.T, atol=1e-12)
    assert np.linalg.eigvalsh(found.noise).min() > 0


def test_a_constant_column_is_said_as_it_is() -> None:
    groups, target, _ = linear_data(100, 3)
    target[:, 1] = 1.0
    found = fit_regression(groups, target)
    mean, _ = predicted(found, np.hstack(groups))
    np.testing.assert_allclose(mean[:, 1], 1.0, atol=1e-6)
    alone = fit_regression(groups, target[:, [1]])
    np.testing.assert_allclose(predicted(alone, np.hstack(groups))[0], 1.0, atol=1e-6)


def test_a_group_of_constants_tells_nothing() -> None:
    groups, target, _ = linear_data(100, 3)
    found = fit_regression([groups[0], np.full((100, 2), 3.0)], target)
    far = np.hstack([groups[0], np.full((100, 2), 1e6)])
    near = np.hstack([groups[0], np.full((100, 2), 3.0)])
    np.testing.assert_allclose(predicted(found, far)[0], predicted(found, near)[0])


def test_a_column_without_a_value_is_taken_to_be_as_the_others_are() -> None:
    groups, target, _ = linear_data(100, 3)
    target[:, 2] = np.nan
    found = fit_regression(groups, target)
    assert found.level[2] == pytest.approx(target[:, :2].mean())
    mean, variance = predicted(found, np.hstack(groups))
    assert np.isfinite(mean).all()
    assert np.isfinite(variance).all()
    without = fit_regression(groups, target[:, :2])
    np.testing.assert_allclose(mean[:, :2], predicted(without, np.hstack(groups))[0], atol=0.1)


def test_the_same_input_gives_the_same_answer_whatever_the_order_of_prompts() -> None:
    groups, target, _ = linear_data(90, 3)
    turn = np.random.default_rng(3).permutation(90)
    first, second = fit_regression(groups, target), fit_regression([g[turn] for g in groups], target[turn])
    np.testing.assert_allclose(first.left_out[turn], second.left_out, atol=1e-4)
    np.testing.assert_array_equal(first.left_out, fit_regression(groups, target).left_out)
