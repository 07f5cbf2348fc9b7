"""An answer sums up its choices; one without choices names no model."""

import math
from typing import Any

import numpy as np
import pytest

from routoo.data.assignment import Assignment, LimitUse
from routoo.data.errors import InfeasibleError


def answer(**fields: Any) -> Assignment:
    """Two prompts, one to each of two models, under a budget."""
    given: dict[str, Any] = {
        "models": ("large", "small"),
        "choice": np.array([0, 1], np.int32),
        "status": "feasible",
        "score": 1.5,
        "cost_usd": 0.021,
        "objective": 1.5,
        "bound": 1.6,
        "solver": "greedy",
        "limits": (
            LimitUse("budget_usd", "USD", used=0.021, limit=0.022, price=3.0),
            LimitUse("max_requests of large", "requests", used=1, limit=5),
        ),
        "chosen_p_correct": np.array([0.9, 0.6], np.float32),
        "chosen_latency_s": np.array([np.nan, 2.0], np.float32),
    }
    return Assignment(**{**given, **fields})


def unanswered(status: str) -> Assignment:
    return answer(
        choice=np.full(2, -1, np.int32),
        status=status,
        chosen_p_correct=None,
        chosen_latency_s=None,
        reason="the budget of 1 USD is below 2 USD",
        least_budget_usd=2.0,
    )


def test_an_answer_in_tables_and_words() -> None:
    assert answer().chosen == ["large", "small"]
    assert answer().gap == pytest.approx(0.1 / 1.6)
    assert answer().shares() == {"large": 0.5, "small": 0.5}
    assert answer().prices == {"budget_usd": 3.0}
    frame = answer(prompt_ids=["x", "y"]).to_polars()
    assert frame.rows() == [("x", "large", np.float32(0.9), None), ("y", "small", np.float32(0.6), 2.0)]
    assert "price of budget_usd: 3" in answer().summary()


def test_without_a_bound_the_gap_is_infinite() -> None:
    assert answer(bound=math.inf).gap == math.inf


def test_an_empty_batch_has_an_answer() -> None:
    none = np.array([], np.float32)
    empty = answer(
        choice=np.array([], np.int32),
        score=0,
        objective=0,
        bound=0,
        chosen_p_correct=none,
        chosen_latency_s=none,
    )
    assert (len(empty), empty.gap, empty.to_polars().height) == (0, 0.0, 0)
    assert "0 prompts" in empty.summary()


@pytest.mark.parametrize("status", ["infeasible", "unsolved"])
def test_without_an_answer_no_model_is_named(status: str) -> None:
    none = unanswered(status)
    assert none.to_polars()["model"].to_list() == [None, None]
    assert none.summary() == f"{status}: the budget of 1 USD is below 2 USD"
    assert none.shares() == {"large": 0.0, "small": 0.0}
    with pytest.raises(InfeasibleError, match="the budget of 1 USD is below 2 USD") as caught:
        _ = none.chosen
    assert caught.value.least_budget_usd == 2.0


def test_an_infeasible_answer_has_no_gap() -> None:
    assert math.isnan(unanswered("infeasible").gap)
