"""Which prompts to score: greedy design, money, and faults in words."""

import numpy as np
import pytest

from routoo.data.errors import InputError
from routoo.data.pool import PoolModel
from routoo.models.scoring_plan import Array, most_informative, scoring_plan
from routoo.models.training.train import TrainedNetwork

NEW = PoolModel(name="new", usd_per_1m_input=2.0, usd_per_1m_output=6.0)


def plainly_greedy(directions: Array, price: Array, n: int) -> list[int]:
    covariance = np.eye(directions.shape[1])
    rows: list[int] = []
    for _ in range(n):
        worth = np.log1p(((directions @ covariance) * directions).sum(1)) / price
        worth[rows] = -1
        rows.append(int(worth.argmax()))
        along = covariance @ directions[rows[-1]]
        covariance = covariance - np.outer(along, along) / (1 + along @ directions[rows[-1]])
    return rows


def test_looking_at_few_rows_finds_what_looking_at_all_finds() -> None:
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(700, 12)) * np.geomspace(1, 0.1, 12)
    cost = rng.lognormal(size=700)
    assert most_informative(directions, cost, n=80).tolist() == plainly_greedy(directions, np.ones(700), 80)
    budget = float(cost[plainly_greedy(directions, cost, 80)].sum())
    found = most_informative(directions, cost, budget=budget * (1 + 1e-9))
    assert found[:80].tolist() == plainly_greedy(directions, cost, 80)


def test_what_was_measured_before_is_not_measured_again() -> None:
    directions = np.array([[2.0, 0.0], [0.0, 1.0]])
    assert most_informative(directions, np.ones(2), n=1).tolist() == [0]
    assert most_informative(directions, np.ones(2), n=1, measured=directions[[0, 0, 0]]).tolist() == [1]


def test_no_more_is_spent_than_there_is_and_nothing_twice() -> None:
    rng = np.random.default_rng(1)
    directions, cost = rng.normal(size=(200, 5)), rng.lognormal(size=200)
    for budget in (0.5, 3.0, 20.0, 1e9):
        rows = most_informative(directions, cost, budget=budget)
        assert cost[rows].sum() <= budget
        assert len(set(rows.tolist())) == len(rows)
        assert budget < 1e9 or len(rows) == 200
    assert len(most_informative(directions, np.zeros(200), budget=1.0)) == 200


def test_a_plan_costs_what_its_prompts_are_expected_to_cost(trained: TrainedNetwork) -> None:
    prompts = [f"write a function that sorts {'many ' * length}numbers" for length in range(30)]
    whole = scoring_plan(trained, NEW, prompts, n=30)
    assert sorted(whole.rows.tolist()) == list(range(30))
    budget = float(whole.cost_usd.mean()) * 6
    part = scoring_plan(trained, NEW, prompts, budget_usd=budget)
    assert 1 <= len(part.rows) < 30
    assert part.cost_usd.sum() <= budget
    doubled = PoolModel(name="new", usd_per_1m_input=4.0, usd_per_1m_output=12.0)
    np.testing.assert_allclose(
        scoring_plan(trained, doubled, prompts, n=3).cost_usd.sum(),
        2 * scoring_plan(trained, NEW, prompts, n=3).cost_usd.sum(),
    )


def test_prompts_that_were_scored_count(trained: TrainedNetwork) -> None:
    prompts = ["add the numbers 1 2", "when did the war end 3 4", "write a function that sorts 5 6"]
    first = int(scoring_plan(trained, NEW, prompts, n=1).rows[0])
    again = scoring_plan(trained, NEW, prompts, n=1, scored=[prompts[first]] * 30)
    assert int(again.rows[0]) != first


def test_a_text_that_is_listed_twice_is_paid_for_once(trained: TrainedNetwork) -> None:
    once = [f"write a function that sorts {'many ' * length}numbers" for length in range(20)]
    whole = scoring_plan(trained, NEW, once, n=20)
    twice = scoring_plan(trained, NEW, [*once, *once], n=40)
    assert twice.rows.tolist() == whole.rows.tolist()
    np.testing.assert_array_equal(twice.cost_usd, whole.cost_usd)
    few = scoring_plan(trained, NEW, [*once, *once], budget_usd=float(whole.cost_usd.sum()) / 3)
    assert 1 < len(few.rows) == len(set(few.rows.tolist()))
    assert few.rows.max() < 20


def test_what_was_scored_is_not_chosen_again(trained: TrainedNetwork) -> None:
    prompts = [f"write a function that sorts {'many ' * length}numbers" for length in range(8)]
    whole = scoring_plan(trained, NEW, prompts, n=8)
    rest = scoring_plan(trained, NEW, prompts, n=8, scored=[prompts[1], "another", prompts[4]])
    assert sorted(rest.rows.tolist()) == [0, 2, 3, 5, 6, 7]
    cost = dict(zip(whole.rows.tolist(), whole.cost_usd, strict=True))
    np.testing.assert_allclose(rest.cost_usd, [cost[row] for row in rest.rows.tolist()], rtol=1e-5)
    with pytest.raises(InputError, match="nothing to choose from: every prompt was scored already"):
        scoring_plan(trained, NEW, prompts, n=1, scored=prompts)


@pytest.mark.parametrize(
    ("prompts", "limits", "words"),
    [
        ([], {"n": 3}, "at least 1 text, got 0"),
        ("one text", {"n": 3}, "got one text: put it in a list"),
        (["a b"], {}, "Give n, budget_usd, or both"),
        (["a b"], {"n": 0}, "n must be a whole number of at least 1, got 0"),
        (["a b"], {"budget_usd": -1.0}, "budget_usd must be a number of at least 0, got -1.0"),
        (["a b"], {"budget_usd": 1e-12}, "the cheapest prompt costs"),
        (["a b", " "], {"n": 1}, r"prompts\[1\] is empty"),
        (["a b", "a b", " "], {"n": 1}, r"prompts\[2\] is empty"),
    ],
)
def test_what_cannot_be_planned_is_said(
    trained: TrainedNetwork, prompts: list[str], limits: dict[str, float], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        scoring_plan(trained, NEW, prompts, **limits)  # type: ignore[arg-type]  # numbers of both kinds
