"""A batch that is shared out among workers is answered like one in memory, to the last bit.

Workers run in this process here; all that passes between them and the driver is pickled.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from solve_instances import make_problem

from routoo.data.assignment import Assignment
from routoo.data.errors import InputError, MissingExtraError
from routoo.data.pool import Pool, PoolModel
from routoo.data.scores import Scores, repriced
from routoo.ray import assigning
from routoo.ray.shard import Worker
from routoo.solver.limits import DomainLimit, LatencyTail, ModelLimit
from routoo.solver.problem import Problem
from routoo.solver.solve import solve
from routoo.solver.sums import passes

ray = pytest.importorskip("ray")

Assign = Callable[..., Assignment]


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

    def _ask(self, share: list[Any], question: str, *given: object) -> _Reference:
        return _Reference(self.worker.ask(share, question, *_get(_Reference(given))))


@pytest.fixture
def assign(monkeypatch: pytest.MonkeyPatch) -> Assign:
    """`routoo.ray.assign` with workers in this process."""
    monkeypatch.setattr(ray, "put", _Reference)
    monkeypatch.setattr(ray, "get", _get)
    monkeypatch.setattr(assigning, "connected", lambda address: ray)

    def run(table: Any, workers: int, **limits: Any) -> Assignment:
        return assigning.assign(table, workers=[_Here() for _ in range(workers)], **limits)

    return run


def limits_of(problem: Problem) -> dict[str, Any]:
    """The fields of a problem that were given."""
    found = {field.name: getattr(problem, field.name) for field in fields(problem) if field.name != "scores"}
    return {name: value for name, value in found.items() if value is not None}


def solved(problem: Problem) -> Assignment:
    """The answer in memory, of prompts that have names as those of a table have."""
    named = replace(problem.scores, prompt_ids=problem.scores.names())
    return solve(Problem(scores=named, **limits_of(problem)), solver="dual")


def check_same(here: Assignment, there: Assignment) -> None:
    """Two answers are one."""
    assert (here.status, here.reason, here.least_budget_usd) == (
        there.status,
        there.reason,
        there.least_budget_usd,
    )
    np.testing.assert_array_equal(here.choice, there.choice)
    if here.found:
        assert (here.bound, here.objective, here.score, here.cost_usd) == (
            there.bound,
            there.objective,
            there.score,
            there.cost_usd,
        )
    assert here.prices == there.prices
    assert here.limits == there.limits


def cut(table: pl.DataFrame, rng: np.random.Generator) -> Any:
    """The table as one of Arrow whose chunks end anywhere, within a prompt too."""
    at = np.sort(rng.integers(0, len(table) + 1, 4))
    parts = [table[first:last] for first, last in zip([0, *at], [*at, len(table)], strict=True)]
    return pl.concat(parts, rechunk=False).to_arrow()


@pytest.mark.parametrize("block", range(10))
def test_small_instances_are_answered_alike(
    block: int, assign: Assign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "BLOCK", 2)
    monkeypatch.setattr(passes, "_LEAST_BLOCK", 1)
    for index in range(30):
        problem = make_problem(block, index=index)
        rng = np.random.default_rng([block, index])
        table = cut(problem.scores.to_polars(), rng)
        check_same(solved(problem), assign(table, int(rng.integers(1, 4)), **limits_of(problem)))


def large_problem(seed: int) -> Problem:
    """Some thousand prompts under any mix of limits, near what choices use."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(300, 3000)), int(rng.integers(2, 7))
    p: Any = rng.random((n, m)) if rng.random() < 0.7 else np.round(rng.random((n, m)), 1)
    cost = rng.lognormal(-6, 1, (n, m)) if rng.random() < 0.7 else np.full((n, m), np.geomspace(1, 3, m))
    scores = Scores(
        p.astype(np.float32),
        cost.astype(np.float32),
        rng.gamma(2, 1, (n, m)).astype(np.float32),
        models=tuple(f"model {at}" for at in range(m)),
        input_tokens=rng.integers(1, 100, (n, m)).astype(np.float32),
        output_tokens=rng.integers(1, 500, (n, m)).astype(np.float32),
    )
    cost, fields = scores.cost_usd.astype(np.float64), dict[str, Any]()

    def between(values: Any, share: float) -> float:
        return float((1 - share) * values.min(1).sum() + share * values.max(1).sum())

    if rng.random() < 0.7:
        fields["budget_usd"] = between(cost, rng.uniform(-0.01, 0.5))
    if rng.random() < 0.4:
        fields["max_mean_latency_s"] = between(scores.latency.astype(np.float64), rng.uniform(0, 0.5)) / n
    if rng.random() < 0.3:
        fields["latency_tail"] = LatencyTail(above_s=3.0, max_share=float(rng.uniform(0, 0.5)))
    if rng.random() < 0.3:
        fields["min_mean_score"] = float(rng.uniform(0.4, 0.8))
    if rng.random() < 0.3:
        fields["weights"] = rng.uniform(0, 3, n)
    if rng.random() < 0.3:
        fields["max_latency_s"] = rng.uniform(3, 9, n) + scores.latency.min(1)
    if rng.random() < 0.5:
        caps = {name: ModelLimit(max_requests=int(rng.integers(n // m, n))) for name in scores.models}
        fields["model_limits"] = caps
    if rng.random() < 0.3:
        domains = [("a", "b", None)[at] for at in rng.integers(0, 3, n)]
        tenant = DomainLimit(budget_usd=between(cost, 0.2) / 3, min_mean_score=0.3)
        fields |= {"domains": domains, "domain_limits": {"a": tenant, "b": DomainLimit(min_mean_score=0.4)}}
    if rng.random() < 0.2:
        fields["allowed"] = (rng.random((n, m)) < 0.95) | (np.arange(m) == 0)
    return Problem(scores=scores, **fields)


@pytest.mark.parametrize("block", range(6))
def test_large_instances_are_answered_alike(
    block: int, assign: Assign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "BLOCK", 64)
    monkeypatch.setattr(passes, "_LEAST_BLOCK", 16)
    for index in range(5):
        problem = large_problem(5 * block + index)
        rng = np.random.default_rng(index)
        table = cut(problem.scores.to_polars(), rng)
        check_same(solved(problem), assign(table, int(rng.integers(2, 5)), **limits_of(problem)))


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
    check_same(here, there)
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
    check_same(here, there)
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
