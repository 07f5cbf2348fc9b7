"""Which model is the best, which the cheapest, and what is measured between them."""

import math

import numpy as np
import pytest

from routoo.evaluation.metrics.budgets import apgr, costs_at
from routoo.evaluation.metrics.undefined import ratio
from routoo.evaluation.trial.single_models import SingleModels


def test_scale_of_a_weak_and_a_strong_model() -> None:
    singles = SingleModels(np.array([[10.0, 0.8], [1.0, 0.5]]))
    assert (singles.best, singles.cheapest) == (0, 1)
    assert apgr(0.65, singles) == pytest.approx(0.5)
    mixing = singles.points
    assert apgr(singles.area(mixing), singles) == pytest.approx(0.5, abs=1e-3)
    assert costs_at(mixing, singles)[1.0] == pytest.approx(1.0)
    assert costs_at(mixing, singles, [0.8125])[0.8125] == pytest.approx(0.55)


@pytest.mark.parametrize(
    ("judged", "best"), [([100, 100, 29], 0), ([100, 100, 30], 2), ([29, 12, 3], 2), ([29, 31, 3], 1)]
)
def test_a_model_with_few_outcomes_is_best_only_where_all_have_few(judged: list[int], best: int) -> None:
    singles = SingleModels(np.array([[10.0, 0.8], [1.0, 0.5], [2.0, 1.0]]), np.array(judged))
    assert singles.best == best


def test_scale_of_equal_models_leaves_shares_undefined() -> None:
    singles = SingleModels(np.array([[0.0, 0.5], [0.0, 0.5]]))
    assert math.isnan(apgr(0.5, singles))
    assert all(math.isnan(value) for value in costs_at(singles.points, singles).values())
    assert math.isnan(ratio(1.0, 0.0))
