"""Which pairs an embedding is tuned to."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routoo.data.errors import InputError
from routoo.orchestra.pairs import expert_pairs, extreme_pairs, outcome_pairs, slot_f1, task_pairs
from tests.routoo.orchestra.test_votes import POOL, on_a_circle, outcomes_of

STATES = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(("1", "2")), max_size=4)


@given(st.lists(STATES, min_size=1, max_size=6))
def test_f1_is_symmetric_and_one_for_the_same_state_alone(states: list[dict[str, str]]) -> None:
    found = slot_f1(states)
    np.testing.assert_allclose(found, found.T)
    for first, row in zip(states, found, strict=True):
        for second, value in zip(states, row, strict=True):
            assert 0 <= value <= 1
            assert (value == 1) == (first == second)


def test_turns_that_change_the_same_are_alike() -> None:
    turns = pl.DataFrame(
        {
            "state": ["{}"] * 4,
            "answer": ['{"day": "friday"}', '{"day": "friday"}', '{"food": "thai"}', '{"food": "thai"}'],
        }
    )
    pairs = task_pairs(turns, n_pairs=1)
    together = {
        (int(a), int(b)) for a, b in zip(pairs.first[pairs.alike], pairs.second[pairs.alike], strict=True)
    }
    assert together == {(0, 1), (1, 0), (2, 3), (3, 2)}
    apart = zip(pairs.first[~pairs.alike], pairs.second[~pairs.alike], strict=True)
    assert all((first < 2) != (second < 2) for first, second in apart)


def test_prompts_that_are_no_turns_are_told_what_to_use() -> None:
    with pytest.raises(InputError, match="use outcome_pairs"):
        task_pairs(pl.DataFrame({"prompt": ["?"]}))
    with pytest.raises(InputError, match="must be a JSON object"):
        task_pairs(pl.DataFrame({"state": ["{}"], "answer": ["friday"]}))


def test_prompts_on_which_the_models_did_alike_are_alike() -> None:
    found = outcome_pairs(outcomes_of({"0": (1, 0), "1": (1, 0), "2": (0, 1), "3": (0, 1)}), n_pairs=1)
    assert set(zip(found.first[found.alike], found.second[found.alike], strict=True)) == {
        (0, 1),
        (1, 0),
        (2, 3),
        (3, 2),
    }


def test_experts_make_pairs_of_near_prompts_by_their_pools() -> None:
    record = outcomes_of({"0": (1, 0), "1": (1, 1), "2": (1, 0), "3": (1, 1), "4": (0, 0)})
    found = expert_pairs(record, POOL, on_a_circle, n_pairs=1)
    alike = set(zip(found.first[found.alike], found.second[found.alike], strict=True))
    assert alike == {(0, 2), (2, 0), (1, 3), (3, 1)}
    assert set(found.first[~found.alike] % 2 + found.second[~found.alike] % 2) == {1}
    assert 4 not in found.first
    with pytest.raises(InputError, match="one was best on all"):
        expert_pairs(outcomes_of({"0": (1, 1), "1": (1, 1)}), POOL, on_a_circle)


@given(st.integers(2, 9), st.integers(1, 12))
def test_nothing_is_paired_with_itself(n: int, n_pairs: int) -> None:
    found = extreme_pairs(np.zeros((n, n)), n_pairs=n_pairs)
    assert (found.first != found.second).all()
    assert len(found) == 2 * n * min(n_pairs, (n - 1) // 2)
