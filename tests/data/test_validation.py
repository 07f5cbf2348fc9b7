"""What validation showed: prices that keep a share of the score, or spend a share of the cost."""

import json

import numpy as np
import pytest

from routoo.data.errors import InputError
from routoo.data.scores import Scores
from routoo.data.validation import ValidationRecord

COSTS = np.array([0.01, 0.001])


def record() -> ValidationRecord:
    """Ten prompts: the small model answers seven of them, the large one all; its gain is known, 0.1 to 1."""
    gain = np.linspace(0.1, 1.0, 10)
    p = np.stack([np.ones(10), 1 - gain], axis=1)
    score = np.stack([np.ones(10), gain < 0.75], axis=1).astype(float)
    cost = np.tile(COSTS, (10, 1))
    return ValidationRecord.of(Scores(p, cost, models=("large", "small")), score, cost)


def test_the_record_has_the_curve_and_the_single_models() -> None:
    found = record()
    assert found.single_score.tolist() == pytest.approx([1.0, 0.7])
    assert found.single_cost_usd.tolist() == pytest.approx(COSTS.tolist())
    assert found.best == 0
    assert found.prices[0] == 0
    assert (found.score[0], found.score[-1]) == (1.0, pytest.approx(0.7))
    assert found.cost_usd[-1] == pytest.approx(0.001)
    np.testing.assert_allclose(found.predicted_usd, found.cost_usd, rtol=1e-6)


@pytest.mark.parametrize(("share", "large"), [(1.0, 3), (0.9, 2), (0.8, 1), (0.7, 0)])
def test_the_price_that_keeps_a_share_costs_the_least(share: float, large: int) -> None:
    """Keeping all takes the large model three times: the small one fails where the gain is above .75."""
    price = record().price_keeping(share)
    assert price is not None
    gain = np.linspace(0.1, 1.0, 10)
    assert int((gain > price * 0.009).sum()) == large


def test_the_price_that_spends_half_scores_most() -> None:
    found = record()
    price = found.price_spending(0.5)
    assert price is not None
    at = int(np.flatnonzero(found.prices == price)[0])
    assert found.cost_usd[at] <= 0.005
    assert found.score[at] == 1.0
    assert found.price_spending(0.05) is None
    assert found.price_keeping(1.01) is None


def test_costs_that_were_not_recorded_count_as_the_mean() -> None:
    p = np.tile([0.9, 0.8], (4, 1))
    cost = np.array([[2.0, np.nan], [4.0, np.nan], [np.nan, np.nan], [np.nan, np.nan]])
    ones = np.ones((4, 2), np.float32)
    found = ValidationRecord.of(Scores(p, ones, models=("a", "b")), np.ones((4, 2)), cost)
    assert found.single_cost_usd.tolist() == [3.0, 1.0]
    assert found.spread.ratio[0] == 3.0


def test_one_model_has_one_setting() -> None:
    once = np.ones((3, 1), np.float32)
    found = ValidationRecord.of(Scores(once, once, models=("only",)), np.ones((3, 1)), np.ones((3, 1)))
    assert found.prices.tolist() == [0.0]
    assert found.price_keeping(1.0) == 0


def test_the_round_trip_through_json() -> None:
    found = record()
    again = ValidationRecord.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.to_dict() == found.to_dict()
    assert again.price_keeping(0.95) == pytest.approx(found.price_keeping(0.95), rel=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prices": []}, "prices must be some finite numbers"),
        ({"score": [1.0]}, "score must be"),
        ({"score": None}, "score must be"),
        ({"models": ["large"]}, "ratio must be 1 finite"),
        ({"cost_spread": 5}, "cost spread"),
    ],
)
def test_what_is_broken_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        ValidationRecord.from_dict({**record().to_dict(), **change})


def test_prices_ascend_from_zero() -> None:
    written = record().to_dict()
    with pytest.raises(InputError, match="ascend from 0"):
        ValidationRecord.from_dict({**written, "prices": written["prices"][::-1]})
    with pytest.raises(InputError, match="'models'"):
        ValidationRecord.from_dict({})
