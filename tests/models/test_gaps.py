"""Filling in is the conditional mean of a normal distribution."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.models.gaps import filled_in


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
@settings(max_examples=50, deadline=None)
def test_it_is_the_conditional_mean(seed: int, columns: int) -> None:
    random = np.random.default_rng(seed)
    root = random.normal(size=(columns, columns))
    noise = root @ root.T + 0.1 * np.eye(columns)
    value, fit = random.normal(size=(8, columns)), random.normal(size=(8, columns))
    known = random.random((8, columns)) < 0.6
    found = filled_in(np.where(known, value, np.nan), known, fit, noise)
    for row in range(8):
        there, gone = np.flatnonzero(known[row]), np.flatnonzero(~known[row])
        np.testing.assert_array_equal(found[row, there], value[row, there])
        missed = np.linalg.solve(noise[np.ix_(there, there)], (value - fit)[row, there])
        np.testing.assert_allclose(found[row, gone], fit[row, gone] + noise[np.ix_(gone, there)] @ missed)


def test_what_is_whole_and_what_is_empty() -> None:
    fit, noise = np.full((2, 3), 0.25), np.eye(3)
    value = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(filled_in(value, np.ones((2, 3), bool), fit, noise), value)
    np.testing.assert_array_equal(filled_in(value, np.zeros((2, 3), bool), fit, noise), fit)


def test_many_rows_are_filled_in_as_few_are() -> None:
    random = np.random.default_rng(0)
    value, fit, noise = random.normal(size=(5000, 2)), np.zeros((5000, 2)), np.array([[1.0, 0.7], [0.7, 1.0]])
    known = random.random((5000, 2)) < 0.5
    whole = filled_in(value, known, fit, noise)
    np.testing.assert_array_equal(whole[4990:], filled_in(value[4990:], known[4990:], fit[4990:], noise))
