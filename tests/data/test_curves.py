import numpy as np
import pytest

from routoo.data.curves import area, best_single, choices, curve, hull, routing_area

SCORE = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
COST = np.tile([10.0, 1.0], (4, 1))


def test_knowing_the_outcome_beats_knowing_nothing() -> None:
    informed = routing_area(SCORE, COST, SCORE, COST)
    blind = routing_area(np.tile(SCORE.mean(0), (4, 1)), COST, SCORE, COST)
    assert informed > blind
    assert blind == pytest.approx((0.5 + 0.75) / 2, abs=1e-3)


def test_there_is_no_area_where_the_cheapest_is_the_best() -> None:
    assert np.isnan(routing_area(SCORE, COST[:, ::-1], SCORE, COST[:, ::-1]))


def test_of_models_that_tie_the_cheapest_is_the_best() -> None:
    assert best_single(np.array([[10.0, 0.8], [2.0, 0.8], [1.0, 0.7]])) == 1
    noise = np.array([[10.0, 1.0], [1.0, 1.0 - 1e-7]])
    assert best_single(noise) == 1
    assert np.isnan(routing_area(np.ones((4, 2)), COST, np.ones((4, 2)), COST))


def test_a_missing_score_counts_as_the_mean_of_its_model() -> None:
    holed, filled = SCORE.copy(), SCORE.copy()
    holed[3, 1], filled[3, 1] = np.nan, SCORE[:3, 1].mean()
    assert routing_area(SCORE, COST, holed, COST) == routing_area(SCORE, COST, filled, COST)


def test_choices_are_the_argmax_at_every_price() -> None:
    rng = np.random.default_rng(0)
    p, cost = rng.random((50, 6)), rng.random((50, 6))
    prices = np.r_[0.0, np.geomspace(1e-3, 1e3, 41)]
    expected = np.array([(p - price * cost).argmax(1) for price in prices])
    np.testing.assert_array_equal(choices(p, cost, prices), expected)


def test_the_hull_never_falls_and_is_concave() -> None:
    points = np.random.default_rng(1).random((200, 2))
    vertices = hull(points)
    slope = np.diff(vertices[:, 1]) / np.diff(vertices[:, 0])
    assert (np.diff(vertices, axis=0) > 0).all()
    assert (np.diff(slope) < 0).all()
    assert (points[:, 1] <= np.interp(points[:, 0], vertices[:, 0], vertices[:, 1]) + 1e-12).all()


def test_dear_points_do_not_change_the_area_below_them() -> None:
    points = curve(choices(SCORE, COST), SCORE, COST)
    assert area(np.vstack([points, [99.0, 0.1]]), 1.0, 10.0) == area(points, 1.0, 10.0)
