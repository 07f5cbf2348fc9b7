"""The measures of others on cases worked by hand."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.evaluation.metrics.deferral import deferral_of
from routoo.evaluation.metrics.published import (
    aiq,
    arena_score,
    collapse,
    cost_save,
    effective_models,
    in_hindsight,
    pareto_dist,
    pareto_front,
    perf_gain,
)
from routoo.evaluation.trial.single_models import SingleModels

Array = npt.NDArray[np.float64]


def test_aiq_is_the_integral_that_the_area_averages_on_a_grid() -> None:
    random = np.random.default_rng(0)
    points = random.random((40, 2))
    singles = SingleModels(np.array([[0.1, 0.2], [0.9, 0.95]]))
    assert aiq(points, singles.low_usd, singles.high_usd) == pytest.approx(singles.area(points), abs=1e-4)


def test_aiq_of_a_line_a_plateau_and_a_point() -> None:
    line = np.array([[0.0, 0.0], [1.0, 1.0]])
    assert aiq(line, 0.0, 1.0) == pytest.approx(0.5)
    assert aiq(line, 0.0, 2.0) == pytest.approx(0.75)
    assert aiq(line, 0.5, 0.5) == pytest.approx(0.5)


def test_perf_gain_and_cost_save_of_settings_that_pass_the_best_single_model() -> None:
    points = np.array([[0.2, 0.7], [0.6, 0.8], [0.9, 0.84]])
    assert perf_gain(points, 0.8) == pytest.approx(0.05)
    assert cost_save(points, 0.8, 1.0) == pytest.approx(0.4)
    assert math.isnan(cost_save(points, 0.85, 1.0))
    assert cost_save(points, 0.84, 0.6) == pytest.approx(-0.5)
    assert math.isnan(perf_gain(points, 0.0))


def test_pareto_front_keeps_what_nothing_beats() -> None:
    points = np.array([[1.0, 0.5], [1.0, 0.4], [2.0, 0.5], [2.0, 0.6], [0.5, 0.1]])
    assert pareto_front(points).tolist() == [[0.5, 0.1], [1.0, 0.5], [2.0, 0.6]]


def test_pareto_dist_by_hand() -> None:
    everyone = np.array([[0.0, 0.0], [2.0, 0.5], [4.0, 1.0], [4.0, 0.5]])
    assert pareto_dist(everyone[:3], everyone) == 0
    assert pareto_dist(everyone[3:], everyone) == pytest.approx(0.5)
    twice = np.vstack([everyone[3:], everyone[3:], everyone[:1]])
    assert pareto_dist(twice, everyone) == pytest.approx(0.25)
    assert pareto_dist(np.array([[1.0, 0.5]]), np.array([[1.0, 0.5]])) == 0


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_pareto_dist_does_not_depend_on_units(points: list[tuple[int, int]]) -> None:
    everyone = np.array(points, np.float64)
    part = everyone[::2]
    assert 0 <= pareto_dist(part, everyone) <= math.sqrt(2)
    scaled = np.array([1e-3, 7.0])
    assert pareto_dist(part * scaled, everyone * scaled) == pytest.approx(pareto_dist(part, everyone))


def test_arena_score_by_hand_and_at_its_ends() -> None:
    middle = math.sqrt(0.0044 * 200)  # half way in logarithms: C = 1/2
    found = arena_score(np.array([0.8, 0.8, 0.8, 0.0, 0.8]), np.array([middle, 0.0044, 200, 0.1, 0]) / 1000)
    assert found[0] == pytest.approx(1.1 * 0.8 * 0.5 / (0.08 + 0.5))
    assert found[1] == pytest.approx(1.1 * 0.8 / 1.08)
    assert found[2:4].tolist() == [0.0, 0.0]
    assert found[4] == found[1]


@given(st.lists(st.integers(0, 20), min_size=1, max_size=8).filter(any))
def test_effective_models_lies_between_one_and_all_that_are_called(counts: list[int]) -> None:
    shares = np.array(counts) / sum(counts)
    found = float(effective_models(shares))
    assert 1 - 1e-9 <= found <= np.count_nonzero(counts) + 1e-9


def test_effective_models_of_equal_shares_is_their_number() -> None:
    assert float(effective_models(np.full(7, 1 / 7))) == pytest.approx(7)


def test_collapse_counts_calls_that_were_not_needed() -> None:
    needless = np.array([[0.0, 1.0], [0.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    assert collapse(np.array([1, 1, 1, 1]), needless, 1) == 0.75
    assert collapse(np.array([0, 1, 0, 0]), needless, 1) == 0.0
    assert collapse(np.array([0, 0, 0, 0]), needless, 0) == 0.0


def test_calls_withheld_where_they_were_needed_do_not_make_up_for_those_that_were_not() -> None:
    needless = np.array([[0.0, 1.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    assert collapse(np.array([1, 0, 0, 0]), needless, 1) == 0.25


def test_the_best_setting_in_hindsight_is_picked_measure_by_measure() -> None:
    singles = SingleModels(np.array([[1.0, 0.8], [0.1, 0.5]]))
    points = np.array([[0.2, 0.7], [0.6, 0.8], [0.9, 0.84]])
    gain, saved, arena = in_hindsight(points, singles)
    assert gain == pytest.approx(0.05)
    assert saved == pytest.approx(0.4)
    assert arena == arena_score(points[:, 1], points[:, 0]).max()


# Deferral -----------------------------------------------------------------------------------------------


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
