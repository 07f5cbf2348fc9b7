"""Pools, votes, ties and balance, by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.models.baselines.neighbours import NearestNeighbours
from routoo.orchestra.votes import NO_POOL, PoolVotes, pools_of
from routoo.solver.select import select

POOL = Pool(
    tuple(
        PoolModel(name=name, usd_per_1m_input=price, usd_per_1m_output=price)
        for name, price in (("large", 10.0), ("small", 1.0))
    )
)


def on_a_circle(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """A text is its angle in degrees."""
    angles = np.deg2rad([float(text) for text in texts])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def outcomes_of(scores: dict[str, tuple[float, float]]) -> Outcomes:
    """Scores of large and small on prompts that are angles."""
    rows = [
        {"prompt_id": text, "model": model, "score": score, "input_tokens": 10, "output_tokens": 10}
        for text, pair in scores.items()
        for model, score in zip(POOL.names, pair, strict=True)
    ]
    return Outcomes(pl.DataFrame({"prompt_id": [*scores], "prompt": [*scores]}), pl.DataFrame(rows))


def test_both_right_is_the_small_ones_and_none_right_is_nobodys() -> None:
    found = outcomes_of({"0": (1, 1), "1": (1, 0), "2": (0, 1), "3": (0, 0)})
    learner = PoolVotes(on_a_circle, k=1).fit(found, POOL)
    assert len(learner.vectors) == 3
    assert learner.predict(["0", "1", "2", "3"]).p_correct.tolist() == [[0, 1], [1, 0], [0, 1], [0, 1]]


def test_a_tie_goes_to_the_cheapest() -> None:
    learner = PoolVotes(on_a_circle, k=2).fit(outcomes_of({"0": (1, 0), "10": (1, 1)}), POOL)
    scores = learner.predict(["1"])
    assert scores.p_correct.tolist() == [[0.5, 0.5]]
    assert select(scores).model == "small"


def test_all_that_tie_with_the_last_neighbour_vote() -> None:
    learner = PoolVotes(on_a_circle, k=1).fit(outcomes_of({"0": (1, 0), "20": (1, 1), "90": (1, 1)}), POOL)
    assert learner.predict(["10"]).p_correct.tolist() == [[0.5, 0.5]]


def test_balanced_pools_are_as_large_as_the_smallest() -> None:
    scores = {str(at): (1.0, float(at % 5 > 0)) for at in range(40)}
    votes = PoolVotes(on_a_circle, balance=True).fit(outcomes_of(scores), POOL).value
    assert votes.sum(0).tolist() == [8, 8]
    all_votes = PoolVotes(on_a_circle).fit(outcomes_of(scores), POOL).value
    assert all_votes.sum(0).tolist() == [8, 32]


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=3, max_size=12), st.integers(1, 4))
def test_leaving_out_is_learning_without(right: list[tuple[bool, bool]], k: int) -> None:
    scores = {str(at * 7): (float(large), float(small)) for at, (large, small) in enumerate(right)}
    held = {text: pair for text, pair in scores.items() if any(pair)}
    if len(held) < 2:
        return
    found = PoolVotes(on_a_circle, k=k).fit(outcomes_of(held), POOL).left_out()
    for row, text in enumerate(sorted(held)):
        others = {name: pair for name, pair in held.items() if name != text}
        alone = PoolVotes(on_a_circle, k=k).fit(outcomes_of(others), POOL).expected([text], [None])
        np.testing.assert_allclose(found[row], alone[0])


def test_a_prompt_is_no_neighbour_of_itself() -> None:
    learner = NearestNeighbours(on_a_circle, k=1).fit(outcomes_of({"0": (1, 0), "5": (0, 1)}), POOL)
    assert learner.left_out().tolist() == [[0, 1], [1, 0]]
    assert learner.expected(["0", "5"], [None, None]).tolist() == [[1, 0], [0, 1]]


def test_weighted_neighbours_count_by_their_cosine() -> None:
    learner = NearestNeighbours(on_a_circle, k=2, weighted=True)
    found = learner.fit(outcomes_of({"0": (1, 0), "60": (0, 0)}), POOL).predict(["0"])
    np.testing.assert_allclose(found.p_correct, [[1 / 1.5, 0]], atol=1e-6)


def test_where_nobody_was_right_nobody_can_be_voted_for() -> None:
    with pytest.raises(InputError, match="nobody to vote for"):
        PoolVotes(on_a_circle).fit(outcomes_of({"0": (0, 0)}), POOL)
    assert pools_of(np.array([[np.nan, 0.2]]), np.ones(2)).tolist() == [NO_POOL]
