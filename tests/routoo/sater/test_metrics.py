"""Trade-off areas and overheads, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from routoo.data.errors import InputError
from routoo.sater.metrics import TradeOff, TwoModels, overheads, trade_off_area

# four queries: the small model is right on two, the large one on three, one of which the small one fails too
FOUR = TwoModels(
    small_score=np.array([1.0, 1.0, 0.0, 0.0]),
    large_score=np.array([1.0, 0.0, 1.0, 1.0]),
    small_cost=np.ones(4),
    large_cost=np.full(4, 9.0),
)


def test_areas_by_hand() -> None:
    assert FOUR.area([]) == pytest.approx((0.5 + 0.75) / 2)
    assert FOUR.golden == TradeOff(5.0, 1.0)
    # from (1, .5) to (5, 1) to (9, .75): halves of (.5 + 1) / 2 and (1 + .75) / 2
    assert FOUR.area([FOUR.golden]) == pytest.approx((0.75 + 0.875) / 2)


def test_the_ratio_is_0_for_random_and_1_for_golden() -> None:
    random = [TradeOff(1 + 8 * share, 0.5 + 0.25 * share) for share in (0.1, 0.5, 0.8)]
    assert FOUR.gain_ratio(random) == pytest.approx(0)
    assert FOUR.gain_ratio([FOUR.golden]) == pytest.approx(1)
    assert FOUR.gain_ratio([FOUR.sending(np.array([True, True, False, False]))]) < 0


def test_overhead_of_a_refusal_counts() -> None:
    sent = np.array([False, False, True, True])
    assert FOUR.sending(sent, overhead=0.5) == TradeOff(5.25, 1.0)
    assert 0 < FOUR.gain_ratio([FOUR.sending(sent, overhead=0.5)]) < 1


def test_points_that_cost_too_much_and_worse_ones_at_one_cost_do_not_count() -> None:
    ends = {"small": TradeOff(1, 0.4), "large": TradeOff(3, 0.8)}
    points = [TradeOff(4, 1.0), TradeOff(2, 0.8), TradeOff(2, 0.1), TradeOff(0.5, 0.3)]
    assert trade_off_area(points, **ends) == pytest.approx(0.7)


def test_a_point_that_costs_less_than_the_small_model_counts_at_its_cost() -> None:
    ends = {"small": TradeOff(1, 0.4), "large": TradeOff(3, 0.8)}
    assert trade_off_area([TradeOff(0.5, 0.6)], **ends) == pytest.approx(0.7)


def test_a_large_model_that_costs_no_more_is_refused() -> None:
    with pytest.raises(InputError, match="the large model must cost more"):
        trade_off_area([], small=TradeOff(2, 0.4), large=TradeOff(2, 0.8))


def test_overheads_are_means_of_those_settled_and_those_sent() -> None:
    found = overheads(np.array([2.0, 4.0, 9.0, 11.0]), np.array([False, False, True, True]))
    assert (found.agl, found.arol) == (3.0, 10.0)
    assert np.isnan(overheads(np.array([1.0]), np.array([False])).arol)
