"""Selection of single prompts."""

import numpy as np
import pytest

from routoo.data.errors import InfeasibleError, InputError
from routoo.data.scores import Scores
from routoo.solver.select import select

ONE = Scores(
    np.array([[0.9, 0.8, 0.4]]),
    np.array([[0.02, 0.004, 0.001]]),
    np.array([[5.0, 2.0, np.inf]]),
    models=("large", "middle", "small"),
)


def test_the_price_of_money_decides() -> None:
    assert select(ONE).model == "large"
    assert select(ONE, price=10).model == "middle"
    choice = select(ONE, max_latency_s=3)
    assert (choice.model, choice.latency_s) == ("middle", 2.0)
    assert choice.p_correct == pytest.approx(0.8)
    assert select(ONE, allowed=["middle"]).model == "middle"


def test_equal_scores_go_to_the_cheaper_model() -> None:
    tie = Scores(np.array([[0.5, 0.5]]), np.array([[0.02, 0.01]]), models=("a", "b"))
    assert select(tie).model == "b"


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (
            {"max_cost_usd": 0.0001},
            "within max_cost_usd 0.0001: the least that would do is 0.004 USD",
        ),
        ({"max_latency_s": 1}, "within max_latency_s 1: the least that would do is 2 s"),
        ({"max_cost_usd": 0.003, "allowed": ["large"]}, "the least that would do is 0.02 USD"),
        ({"max_cost_usd": 0.005, "max_latency_s": 1.0}, "max_latency_s .* with max_cost_usd kept is 2 s"),
        ({"allowed": ["small"]}, "infinite latency"),
    ],
    ids=str,
)
def test_what_cannot_be_is_said_in_words(limits: dict[str, object], words: str) -> None:
    with pytest.raises(InfeasibleError, match=words):
        select(ONE, **limits)  # type: ignore[arg-type]  # the table mixes kinds


def test_two_limits_that_fight_are_both_named() -> None:
    scores = Scores(
        np.array([[0.9, 0.4]]), np.array([[0.02, 0.001]]), np.array([[1.0, 9.0]]), models=("fast", "cheap")
    )
    with pytest.raises(InfeasibleError, match=r"max_cost_usd 0\.01 and max_latency_s 2 together"):
        select(scores, max_cost_usd=0.01, max_latency_s=2)


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="takes one prompt"):
        select(ONE.rows(np.array([0, 0])))
    with pytest.raises(InputError, match="price"):
        select(ONE, price=float("nan"))


@pytest.mark.parametrize("price", [float("inf"), None])
def test_a_price_without_end_is_refused(price: float) -> None:
    scores = Scores(np.array([[0.9, 0.4]]), np.array([[0.02, 0.001]]), models=("large", "small"))
    with pytest.raises(InputError, match="price must be a finite number"):
        select(scores, price=price)
