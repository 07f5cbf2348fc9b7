"""The columns that together serve all rows best, against brute force."""

import math
from itertools import chain, combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.data.errors import InputError
from routoo.solver.subset import GUARANTEE, pick_subset, subset_value

Floats = npt.NDArray[np.float64]

_seeds = st.integers(0, 2**32 - 1)


def _instance(seed: int) -> tuple[Floats, Floats]:
    """A few rows and columns; every third instance has ties, free columns and values below 0."""
    rng = np.random.default_rng(seed)
    n_rows, n_columns = int(rng.integers(1, 9)), int(rng.integers(1, 8))
    values, weights = rng.random((n_rows, n_columns)), rng.random(n_columns)
    values **= int(rng.integers(1, 5))
    if seed % 3 == 0:
        return np.round(values, 1) - 0.3, np.round(weights)
    return values, weights


def _subsets(n: int) -> list[tuple[int, ...]]:
    return list(chain.from_iterable(combinations(range(n), size) for size in range(n + 1)))


@given(_seeds, st.integers(1, 8))
@settings(max_examples=150, deadline=None)
def test_of_a_size_the_promise_and_the_bound_hold(seed: int, size: int) -> None:
    values, _ = _instance(seed)
    best = max(subset_value(values, subset) for subset in _subsets(values.shape[1]) if len(subset) <= size)
    found = pick_subset(values, size=size)
    assert len(found.columns) <= size
    assert found.value == pytest.approx(subset_value(values, found.columns))
    assert GUARANTEE * best - 1e-9 <= found.value <= best + 1e-9
    assert best <= found.upper_bound + 1e-9


@given(_seeds, st.floats(0, 4))
@settings(max_examples=150, deadline=None)
def test_under_a_spend_the_promise_and_the_bound_hold(seed: int, spend: float) -> None:
    values, weights = _instance(seed)
    fitting = [s for s in _subsets(values.shape[1]) if weights[list(s)].sum() <= spend]
    best = max(subset_value(values, subset) for subset in fitting)
    found = pick_subset(values, spend=spend, weights=weights)
    assert weights[list(found.columns)].sum() <= spend + 1e-12
    assert found.value == pytest.approx(subset_value(values, found.columns))
    assert GUARANTEE * best - 1e-9 <= found.value <= best + 1e-9
    assert best <= found.upper_bound + 1e-9


@given(_seeds, st.data())
@settings(max_examples=150, deadline=None)
def test_a_column_adds_the_less_the_more_there_is(seed: int, data: st.DataObject) -> None:
    values, _ = _instance(seed)
    columns = st.integers(0, values.shape[1] - 1)
    few = data.draw(st.frozensets(columns))
    many = few | data.draw(st.frozensets(columns))
    added = data.draw(columns)

    def gain(to: frozenset[int]) -> float:
        return subset_value(values, tuple(to | {added})) - subset_value(values, tuple(to))

    assert gain(few) >= gain(many) - 1e-12
    assert gain(many) >= -1e-12


@given(_seeds)
@settings(max_examples=60, deadline=None)
def test_the_answer_is_never_below_plain_greedy(seed: int) -> None:
    values = np.random.default_rng(seed).random((20, 12))
    chosen: list[int] = []
    for _ in range(5):
        worth = [subset_value(values, (*chosen, at)) for at in range(12)]
        chosen.append(int(np.argmax(worth)))
    assert pick_subset(values, size=5).value >= subset_value(values, tuple(chosen)) - 1e-9


def test_of_columns_that_tie_the_lighter_is_taken() -> None:
    values = np.array([[0.5, 0.5, 0.5]])
    assert pick_subset(values, size=2, weights=np.array([3.0, 1.0, 2.0])).columns == (1,)


def test_a_light_column_does_not_keep_a_heavy_one_out() -> None:
    """Greedy on gain per weight takes the crumb, and then the loaf fits no more."""
    values, weights = np.array([[0.2, 10.0]]), np.array([0.01, 1.0])
    found = pick_subset(values, spend=1.0, weights=weights)
    assert found.columns == (1,)
    assert found.proved_share == pytest.approx(1.0, abs=0.03)


def test_what_adds_nothing_is_left_out() -> None:
    values = np.array([[0.9, 0.9, 0.1], [0.8, 0.3, 0.2]])
    assert pick_subset(values, size=3).columns == (0,)
    assert pick_subset(values, spend=9.0, weights=np.ones(3)).columns == (0,)


def test_nothing_is_picked_where_nothing_fits_or_is_worth_anything() -> None:
    assert pick_subset(np.ones((2, 2)), spend=0.5, weights=np.ones(2)).columns == ()
    nothing = pick_subset(-np.ones((2, 2)), size=2)
    assert (nothing.columns, nothing.value, nothing.upper_bound, nothing.proved_share) == ((), 0.0, 0.0, 1.0)


def test_two_that_are_best_together_are_found_though_a_third_is_best_alone() -> None:
    values = np.array([[1.0, 0.0, 0.6], [1.0, 0.0, 0.6], [0.0, 1.0, 0.6], [0.0, 1.0, 0.6]])
    assert pick_subset(values, size=1).columns == (2,)
    assert sorted(pick_subset(values, size=2).columns) == [0, 1]


def test_where_the_gains_left_prove_less_than_all_the_share_says_so() -> None:
    values = np.random.default_rng(0).random((30, 12))
    best = max(subset_value(values, subset) for subset in combinations(range(12), 3))
    found = pick_subset(values, size=3)
    assert found.value <= best < found.upper_bound
    assert GUARANTEE < found.proved_share < 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "give a size or a spend"),
        ({"size": 1, "spend": 1.0}, "give a size or a spend"),
        ({"size": 0}, "size must be at least 1, got 0"),
        ({"spend": -1.0, "weights": np.ones(2)}, "spend must be finite and at least 0"),
        ({"spend": math.nan, "weights": np.ones(2)}, "spend must be finite and at least 0"),
        ({"spend": 1.0}, "a spend needs the weight of each column"),
        ({"spend": 1.0, "weights": np.ones(3)}, "weights must be 2 finite numbers"),
        ({"spend": 1.0, "weights": -np.ones(2)}, "weights must be 2 finite numbers"),
    ],
)
def test_what_cannot_be_picked_from_is_said(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        pick_subset(np.ones((3, 2)), **options)


def test_values_are_finite_numbers() -> None:
    with pytest.raises(InputError, match="values must be a finite matrix"):
        pick_subset(np.array([[np.nan]]), size=1)
