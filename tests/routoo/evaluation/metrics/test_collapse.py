"""Calls that were not needed, counted."""

import numpy as np

from routoo.evaluation.metrics.collapse import collapse


def test_collapse_counts_calls_that_were_not_needed() -> None:
    needless = np.array([[0.0, 1.0], [0.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    assert collapse(np.array([1, 1, 1, 1]), needless, 1) == 0.75
    assert collapse(np.array([0, 1, 0, 0]), needless, 1) == 0.0
    assert collapse(np.array([0, 0, 0, 0]), needless, 0) == 0.0


def test_calls_withheld_where_they_were_needed_do_not_make_up_for_those_that_were_not() -> None:
    needless = np.array([[0.0, 1.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    assert collapse(np.array([1, 0, 0, 0]), needless, 1) == 0.25
