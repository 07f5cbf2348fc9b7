"""Small instances of every kind on a cluster of two workers, held against memory to the last bit.

    python tests/fuzz/solve_on_ray.py [--count 1000] [--seed N] [--seconds S]

Most have up to eight prompts and every limit that there is (`solve_instances.py`), every eighth thousands.
Blocks are cut to a few prompts, so that both workers have some, and of the thousand few may be brought
together, so that they are searched where they lie. Tables come in chunks that end anywhere.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import polars as pl
from solve_instances import make_problem
from trials import run_trials

from routoo.data.assignment import Assignment
from routoo.data.scores import Scores
from routoo.solver.limits import DomainLimit, LatencyTail, ModelLimit
from routoo.solver.problem import Problem
from routoo.solver.solve import solve
from routoo.solver.sums import sources

Assign = Callable[..., Assignment]
"""A table, how many workers, and limits to an assignment."""

SMALL = {"BLOCK": 2, "_LEAST_BLOCK": 1, "_REGION": 1}
LARGE = {"BLOCK": 64, "_LEAST_BLOCK": 16, "_REGION": 2, "_FEW": 20}
"""What prompts are cut into (`solver/sums/sources.py`), and how many may be brought together."""


def limits_of(problem: Problem) -> dict[str, Any]:
    """The fields of a problem that were given."""
    found = {field.name: getattr(problem, field.name) for field in fields(problem) if field.name != "scores"}
    return {name: value for name, value in found.items() if value is not None}


def solved(problem: Problem) -> Assignment:
    """The answer in memory, of prompts that have names as those of a table have."""
    named = replace(problem.scores, prompt_ids=problem.scores.names())
    return solve(Problem(scores=named, **limits_of(problem)), solver="dual")


def differing(here: Assignment, there: Assignment) -> list[str]:
    """What differs between two answers, to the last bit; nothing, where they are one."""
    names = ["status", "reason", "least_budget_usd", "prices", "limits"]
    names += ["bound", "objective", "score", "cost_usd"] if here.found else []
    wrong = [
        f"{name}: {own!r} in memory, {other!r} on Ray"
        for name in names
        if (own := getattr(here, name)) != (other := getattr(there, name))
    ]
    return wrong + ([] if np.array_equal(here.choice, there.choice) else ["other choices"])


def cut(table: pl.DataFrame, rng: np.random.Generator) -> Any:
    """The table as one of Arrow whose chunks end anywhere, within a prompt too."""
    at = np.sort(rng.integers(0, len(table) + 1, 4))
    parts = [table[first:last] for first, last in zip([0, *at], [*at, len(table)], strict=True)]
    return pl.concat(parts, rechunk=False).to_arrow()


def make_large(seed: int, *, index: int = 0) -> Problem:
    """Some thousand prompts under any mix of limits, near what choices use."""
    rng = np.random.default_rng([seed, index])
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


def check(problem: Problem, assign: Assign, rng: np.random.Generator) -> list[str]:
    """What differs between a problem in memory and on workers."""
    table = cut(problem.scores.to_polars(), rng)
    return differing(solved(problem), assign(table, int(rng.integers(1, 4)), **limits_of(problem)))


def workers_of(sizes: dict[str, int], count: int) -> list[Any]:
    """Workers on the cluster that cut their prompts like this."""
    from routoo.ray.cluster import connected, started
    from routoo.ray.shard import Worker

    class Cutting(Worker):
        """A worker with small blocks."""

        def __init__(self) -> None:
            from routoo.solver.sums import sources

            super().__init__()
            for name, size in sizes.items():
                setattr(sources, name, size)

    return started(connected(), Cutting, count, cores=0)


def main() -> int:
    """Runs instances on one cluster."""
    from routoo.ray import assign
    from routoo.ray.cluster import connected

    ray, infeasible = connected(num_cpus=2, object_store_memory=300_000_000), 0
    crews = {at: (sizes, workers_of(sizes, 2)) for at, sizes in enumerate((SMALL, LARGE))}

    def trial(seed: int, index: int) -> list[str]:
        nonlocal infeasible
        sizes, workers = crews[index % 8 == 7]
        for name, size in {"_FEW": 32768, **sizes}.items():
            setattr(sources, name, size)
        problem = (make_large if index % 8 == 7 else make_problem)(seed, index=index)
        table = cut(problem.scores.to_polars(), np.random.default_rng(index))
        here, there = solved(problem), assign(table, workers=workers, **limits_of(problem)).to_assignment()
        infeasible += not here.found
        return differing(here, there)

    try:
        return run_trials(
            __doc__, trial, count=1000, called=lambda: f"instances on Ray, {infeasible} of them infeasible"
        )
    finally:
        ray.shutdown()


if __name__ == "__main__":
    sys.exit(main())
