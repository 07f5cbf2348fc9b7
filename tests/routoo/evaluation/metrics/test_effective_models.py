"""Shares that are equal, and any others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routoo.evaluation.metrics.effective_models import effective_models


@given(st.lists(st.integers(0, 20), min_size=1, max_size=8).filter(any))
def test_effective_models_lies_between_one_and_all_that_are_called(counts: list[int]) -> None:
    shares = np.array(counts) / sum(counts)
    found = float(effective_models(shares))
    assert 1 - 1e-9 <= found <= np.count_nonzero(counts) + 1e-9


def test_effective_models_of_equal_shares_is_their_number() -> None:
    assert float(effective_models(np.full(7, 1 / 7))) == pytest.approx(7)
