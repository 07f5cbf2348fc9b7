"""Every fault of a problem is named on entry."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from routoo.data.errors import InputError
from routoo.data.pool import Pool, PoolModel
from routoo.data.scores import Scores
from routoo.solver.limits import DomainLimit, LatencyTail, ModelLimit, pool_limits
from routoo.solver.problem import Problem

SCORES = Scores(np.full((3, 2), 0.5), np.full((3, 2), 0.01), models=("a", "b"))
TIMED = Scores(np.full((3, 2), 0.5), np.full((3, 2), 0.01), np.full((3, 2), 2.0), models=("a", "b"))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"budget_usd": float("nan")}, "budget_usd must be a number of at least 0, got nan"),
        ({"budget_usd": -1.0}, "budget_usd must be a number of at least 0, got -1.0"),
        ({"budget_usd": "5"}, "budget_usd must be a number"),
        ({"min_mean_score": 1.5}, "min_mean_score must lie in 0..1"),
        ({"allowed": ["a", "z"]}, "allowed names z; known: a, b"),
        ({"allowed": []}, "allowed names no model"),
        ({"allowed": np.ones((2, 2), bool)}, "they must agree"),
        ({"model_limits": {"z": ModelLimit(max_requests=1)}}, "model_limits names z; known: a, b"),
        ({"domain_limits": {"x": DomainLimit(budget_usd=1)}}, "give domains"),
        ({"domains": ["x"]}, "domains must be a list .* one for each of 3 prompts, got 1"),
        (
            {"domains": ["x", None, "x"], "domain_limits": {"y": DomainLimit(budget_usd=1)}},
            "domain_limits names y; known: x",
        ),
        ({"max_cost_usd": [1.0, 2.0]}, "max_cost_usd must be one number a prompt"),
        ({"max_cost_usd": [1.0, float("nan"), 1.0]}, "max_cost_usd must be at least 0 and not NaN"),
        ({"weights": 2.0}, "weights must be one number a prompt"),
        ({"weights": [1.0, np.inf, 1.0]}, "weights must be finite"),
        ({"max_mean_latency_s": 1.0}, "model 'a' on prompt 0, counted from 0, is not"),
        ({"latency_tail": LatencyTail(above_s=1, max_share=0.1)}, "latency limit needs every latency"),
        (
            {"model_limits": {"a": ModelLimit(max_tokens=5)}},
            "max_tokens needs input_tokens in the predictions",
        ),
        ({"model_limits": {"a": ModelLimit(max_concurrency=5)}}, "period_s"),
    ],
    ids=str,
)
def test_faults_are_named(fields: dict[str, Any], words: str) -> None:  # Any: the table mixes kinds
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        Problem(scores=SCORES, **fields)


def test_a_limit_on_tokens_needs_every_count() -> None:
    known = replace(SCORES, input_tokens=np.full((3, 2), 20.0), output_tokens=np.full((3, 2), 5.0))
    limits = {"a": ModelLimit(max_tokens=30)}
    np.testing.assert_array_equal(Problem(scores=known, model_limits=limits).rows(slice(None)).tokens, 25.0)
    with pytest.raises(InputError, match="max_tokens needs output_tokens in the predictions"):
        Problem(scores=replace(known, output_tokens=None), model_limits=limits)
    unknown = replace(known, input_tokens=np.where(np.eye(3, 2) > 0, np.nan, 20.0))
    with pytest.raises(InputError, match="every input_tokens to be known; that of model 'a' on prompt 0"):
        Problem(scores=unknown, model_limits=limits)


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(InputError, match="at least one prompt"):
        Problem(scores=Scores(np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32), models=("a", "b")))


@pytest.mark.parametrize(
    "make",
    [
        lambda: ModelLimit(max_requests=-1),
        lambda: DomainLimit(budget_usd=float("nan")),
        lambda: DomainLimit(min_mean_score=2),
        lambda: LatencyTail(above_s=1, max_share=1.1),
    ],
)
def test_limits_check_themselves(make: Any) -> None:  # Any: any constructor
    with pytest.raises(InputError):
        make()


def test_every_kind_of_limit_comes_to_one_form() -> None:
    problem = Problem(
        scores=TIMED,
        budget_usd=1,
        max_mean_latency_s=2,
        latency_tail=LatencyTail(above_s=1, max_share=0.5),
        model_limits={"b": ModelLimit(max_requests=2, budget_usd=0.5, max_concurrency=3)},
        domains=["x", "y", "x"],
        domain_limits={"x": DomainLimit(budget_usd=0.7, min_mean_score=0.5)},
        period_s=10,
    )
    assert [
        (limit.name, limit.bound, limit.only.column, limit.only.domain, limit.floor)
        for limit in problem.limits
    ] == [
        ("budget_usd", 1.0, None, None, False),
        ("max_mean_latency_s", 6.0, None, None, False),
        ("latency_tail", 1.5, None, None, False),
        ("max_requests of b", 2.0, 1, None, False),
        ("budget_usd of b", 0.5, 1, None, False),
        ("max_concurrency of b", 30.0, 1, None, False),
        ("budget_usd of domain x", 0.7, None, 0, False),
        ("min_mean_score of domain x", 1.0, None, 0, True),
    ]
    assert problem.goal == "score"
    assert Problem(scores=SCORES, min_mean_score=0.4).goal == "cost"
    assert Problem(scores=SCORES, budget_usd=np.inf).limits == ()


def test_a_pool_states_its_limits_per_minute() -> None:
    pool = Pool(
        (
            PoolModel(
                name="a", usd_per_1m_input=1, usd_per_1m_output=1, tokens_per_minute=1000, concurrency=4
            ),
            PoolModel(name="b", usd_per_1m_input=1, usd_per_1m_output=1),
        )
    )
    assert pool_limits(pool, 120) == {"a": ModelLimit(max_tokens=2000.0, max_concurrency=4)}
    with pytest.raises(InputError, match="period_s must be"):
        pool_limits(pool, 0)
    with pytest.raises(InputError, match="period_s limits nothing"):
        pool_limits(pool.select(["b"]), 60)
