"""A batch that is shared out among workers is answered like one in memory, to the last bit.

Workers run in this process here; all that passes between them and the driver is pickled.
"""

from __future__ import annotations

import pickle
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from solve_instances import make_problem
from solve_on_ray import LARGE, SMALL, Assign, check, differing, make_large

from routoo.data.assignment import Assignment
from routoo.data.errors import InputError, MissingExtraError
from routoo.data.pool import Pool, PoolModel
from routoo.data.scores import Scores, repriced
from routoo.ray import assigning
from routoo.ray.shard import Worker
from routoo.solver.limits import DomainLimit, ModelLimit
from routoo.solver.problem import Problem
from routoo.solver.solve import solve
from routoo.solver.sums import sources

ray = pytest.importorskip("ray")


class _Reference:
    """An object in the store of a cluster."""

    def __init__(self, value: object) -> None:
        self.held = pickle.dumps(value)


def _get(reference: Any) -> Any:
    if isinstance(reference, list):
        return [_get(one) for one in reference]
    return pickle.loads(reference.held) if isinstance(reference, _Reference) else reference


class _Here:
    """A worker without a process: what it is asked and answers goes through the store."""

    def __init__(self) -> None:
        self.worker = Worker()
        self.ask = SimpleNamespace(remote=self._ask)

    def _ask(self, of: list[Any], done: int, question: str, *given: object) -> _Reference:
        return _Reference(self.worker.ask(of, done, question, *_get(_Reference(given))))


@pytest.fixture
def assign(monkeypatch: pytest.MonkeyPatch) -> Assign:
    """`routoo.ray.assign` with workers in this process."""
    monkeypatch.setattr(ray, "put", _Reference)
    monkeypatch.setattr(ray, "get", _get)
    monkeypatch.setattr(ray, "wait", lambda blocks, **how: (blocks, []))
    monkeypatch.setattr(assigning, "connected", lambda address: ray)

    def run(table: Any, workers: int, **limits: Any) -> Assignment:
        return assigning.assign(table, workers=[_Here() for _ in range(workers)], **limits).to_assignment()

    return run


@pytest.mark.parametrize("block", range(10))
def test_small_instances_are_answered_alike(
    block: int, assign: Assign, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, size in SMALL.items():
        monkeypatch.setattr(sources, name, size)
    for index in range(30):
        rng = np.random.default_rng([block, index])
        assert check(make_problem(block, index=index), assign, rng) == []


@pytest.mark.parametrize("block", range(4))
def test_large_instances_are_answered_alike(
    block: int, assign: Assign, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, size in LARGE.items():
        monkeypatch.setattr(sources, name, size)
    for index in range(4):
        assert check(make_large(block, index=index), assign, np.random.default_rng(index)) == []


@pytest.mark.parametrize("tied", [False, True])
def test_many_undecided_prompts_are_narrowed_where_they_lie(
    tied: bool, assign: Assign, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, size in LARGE.items():
        monkeypatch.setattr(sources, name, size)
    rng = np.random.default_rng(0)
    cost: Any = np.repeat(rng.uniform(1, 2, (9000, 1)), 2, axis=1) * np.array([1.0, 3.0])
    p = 0.1 * cost if tied else rng.random((9000, 2))
    scores = Scores(p.astype(np.float32), cost.astype(np.float32), models=("small", "large"))
    problem = Problem(scores=scores, budget_usd=float(cost.sum(dtype=np.float64) / 2.2))
    assert check(problem, assign, rng) == []


@pytest.fixture
def scores() -> Scores:
    rng = np.random.default_rng(0)
    return Scores(
        rng.random((40, 2), np.float32),
        rng.lognormal(-6, 1, (40, 2)).astype(np.float32),
        models=("large", "small"),
        prompt_ids=[f"q{at}" for at in range(40)],
        input_tokens=rng.integers(1, 100, (40, 2)).astype(np.float32),
        output_tokens=rng.integers(1, 100, (40, 2)).astype(np.float32),
    )


def test_columns_of_the_dataset_say_what_each_prompt_needs(scores: Scores, assign: Assign) -> None:
    tenant = [("a", "b")[at % 2] for at in range(40)]
    most = np.where(np.arange(40) % 3 == 0, scores.cost_usd.min(1), 1.0).astype(np.float32)
    table = scores.to_polars().with_columns(
        pl.Series("tenant", np.repeat(tenant, 2)), pl.Series("most", np.repeat(most, 2))
    )
    limited: dict[str, Any] = {"domain_limits": {"b": DomainLimit(budget_usd=0.07)}}
    there = assign(table, 1, domains="tenant", max_cost_usd="most", **limited)
    here = solve(Problem(scores=scores, domains=tenant, max_cost_usd=most, **limited), solver="dual")
    assert differing(here, there) == []
    assert there.to_polars().equals(here.to_polars())


def test_tags_and_windows_are_heeded(scores: Scores, assign: Assign) -> None:
    pool = Pool(
        (
            PoolModel(name="large", usd_per_1m_input=10, usd_per_1m_output=10, tags=("tools",)),
            PoolModel(name="small", usd_per_1m_input=1, usd_per_1m_output=1, context_window=150),
        )
    )
    tags = [["tools"] if at % 4 == 0 else [] for at in range(40)]
    table = scores.to_polars().with_columns(
        required_tags=pl.Series(np.repeat([",".join(own) for own in tags], 2))
    )
    there = assign(table, 1, pool=pool, budget_usd=0.05)
    here = solve(Problem(scores=repriced(scores, pool), pool=pool, tags=tags, budget_usd=0.05), solver="dual")
    assert differing(here, there) == []
    assert {there.chosen[at] for at in range(0, 40, 4)} == {"large"}
    short = assign(table, 1, pool=pool, budget_usd=1e-9)
    assert short.status == "infeasible"
    assert short.least_budget_usd is not None


def test_a_prompt_without_a_model_is_named(scores: Scores, assign: Assign) -> None:
    most = np.where(np.arange(40) == 33, 0.0, 1.0)
    assert "prompt 'q33' has no model" in str(assign(scores.to_polars(), 2, max_cost_usd=most).reason)


@pytest.mark.parametrize(
    ("change", "limits", "words"),
    [
        (lambda table: table.head(0), {}, "expected a row for each prompt and model, found none"),
        (lambda table: table.head(-1), {}, "found 79 rows for 2 models a prompt"),
        (lambda table: table.drop("cost_usd"), {}, "expected columns prompt_id, model, p_correct, cost_usd"),
        (
            lambda table: table.sort("model", maintain_order=True),
            {},
            "expected each model once|stand together",
        ),
        (lambda table: table, {"weights": [1.0]}, "weights must have a value for each prompt: got 1 for 40"),
        (lambda table: table, {"domains": "tenant"}, "no column tenant"),
        (lambda table: table, {"domain_limits": {"a": DomainLimit(budget_usd=1)}}, "give domains"),
        (lambda table: table, {"model_limits": {"huge": ModelLimit(max_requests=1)}}, "huge"),
    ],
)
def test_what_cannot_be_used_is_said(
    scores: Scores, assign: Assign, change: Any, limits: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        assign(change(scores.to_polars()), 2, **limits)


def test_without_the_extra_it_is_named(scores: Scores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'routoo\[ray\]'"):
        assigning.assign(scores.to_polars(), budget_usd=1.0)
