"""Batches for the solver's benchmarks: simulated predictions in which harder prompts need dearer models.

Abilities, difficulties, prices and speeds are drawn from a seed. Nothing here is recorded data.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from routoo.data.scores import Scores
from routoo.solver.limits import DomainLimit, ModelLimit
from routoo.solver.problem import Problem

FIELDS = ("p_correct", "cost_usd", "latency_s")
"""The matrices of the scores."""


def simulated_scores(n: int, m: int, *, seed: int = 0) -> Scores:
    """Predictions for `n` prompts and `m` models, the later ones abler and dearer."""
    rng = np.random.default_rng(seed)
    ability = np.sort(rng.normal(0, 1, m)).astype(np.float32)
    difficulty = rng.normal(0, 1.2, (n, 1)).astype(np.float32)
    p = rng.standard_normal((n, m), np.float32)
    p *= 0.7
    p += ability - difficulty
    np.negative(p, out=p)
    np.exp(p, out=p)
    p += 1
    np.reciprocal(p, out=p)
    length = rng.lognormal(0, 0.6, (n, 1)).astype(np.float32)
    price = np.exp(np.linspace(-9, -5, m)).astype(np.float32)
    cost = np.exp(0.2 * rng.standard_normal((n, m), np.float32)) * price * length
    speed = rng.uniform(0.3, 2, m).astype(np.float32)
    latency = np.exp(0.3 * rng.standard_normal((n, m), np.float32)) * speed * length
    return Scores(p, cost, latency, models=tuple(f"model {at}" for at in range(m)))


def budget_at(scores: Scores, share: float) -> float:
    """A budget at this share of the way from the cheapest assignment to the best one."""
    cost = scores.cost_usd
    cheapest = float(cost.min(axis=1).sum(dtype=np.float64))
    best = float(cost[np.arange(len(scores)), scores.p_correct.argmax(axis=1)].sum(dtype=np.float64))
    return cheapest + share * (best - cheapest)


def under_one_budget(scores: Scores) -> Problem:
    """A quarter of the way from the cheapest assignment to the best one."""
    return Problem(scores=scores, budget_usd=budget_at(scores, 0.25))


def under_many_limits(scores: Scores) -> Problem:
    """A budget, a mean latency, and a cap on the requests of every model: all thirteen (with 11 models) bind.

    The caps add up to the number of prompts, so that every model is filled to its last slot.
    """
    n, m = scores.p_correct.shape
    caps = (np.linspace(1.3, 0.7, m) * n / m).astype(np.int64)
    caps[0] += n - caps.sum()
    return Problem(
        scores=scores,
        budget_usd=budget_at(scores, 0.22),
        max_mean_latency_s=float(0.94 * scores.latency.mean(dtype=np.float64)),
        model_limits={
            name: ModelLimit(max_requests=int(cap)) for name, cap in zip(scores.models, caps, strict=True)
        },
    )


def under_ties(scores: Scores) -> Problem:
    """Scores in steps of .01, one price a model: a budget, a mean latency and a cap on every model."""
    n, m = scores.p_correct.shape
    rng = np.random.default_rng(1)
    p = scores.p_correct
    np.round(p, 2, out=p)
    scores.cost_usd[:] = np.geomspace(1e-4, 1e-2, m, dtype=np.float32)
    rng.standard_normal(dtype=np.float32, out=scores.latency)
    np.exp(scores.latency, out=scores.latency)
    return Problem(
        scores=scores,
        budget_usd=budget_at(scores, 0.3),
        max_mean_latency_s=float(1.05 * scores.latency.mean(dtype=np.float64)),
        model_limits={name: ModelLimit(max_requests=int(1.6 * n / m)) for name in scores.models},
    )


def under_grades(scores: Scores) -> Problem:
    """The limits of `under_ties` with scores of 0, a half and 1."""
    p = scores.p_correct
    p *= 2
    np.round(p, out=p)
    p /= 2
    return under_ties(scores)


def under_heavy_tails(scores: Scores) -> Problem:
    """A few costs as large as all others together, under the limits of `under_many_limits`."""
    tail = np.random.default_rng(1).pareto(1.1, scores.cost_usd.shape)
    tail += 1
    np.multiply(scores.cost_usd, tail, out=scores.cost_usd, casting="same_kind")
    return under_many_limits(scores)


def under_tenants(scores: Scores, tenants: int = 400) -> Problem:
    """A budget for each tenant, from next to nothing to plenty."""
    names, domains, cheapest = _tenants(scores, tenants)
    shares = np.linspace(1.2, 6, tenants)
    limits = {
        name: DomainLimit(budget_usd=float(least * share))
        for name, least, share in zip(names, cheapest, shares, strict=True)
    }
    return Problem(scores=scores, domains=domains, domain_limits=limits)


def under_twenty_tenants(scores: Scores) -> Problem:
    """A budget for each of twenty tenants and one for all, which is less than theirs together."""
    problem = under_tenants(scores, 20)
    together = sum(limit.budget_usd or 0.0 for limit in problem.domain_limits.values())
    return replace(problem, budget_usd=0.8 * together)


def under_identical(scores: Scores) -> Problem:
    """One prompt over and over, under a budget and caps."""
    for name in FIELDS:
        matrix = getattr(scores, name)
        matrix[:] = matrix[0]
    n, m = scores.p_correct.shape
    return Problem(
        scores=scores,
        budget_usd=budget_at(scores, 0.3),
        max_mean_latency_s=float(scores.latency.mean(dtype=np.float64)),
        model_limits={name: ModelLimit(max_requests=int(1.6 * n / m)) for name in scores.models},
    )


def _tenants(scores: Scores, tenants: int) -> tuple[list[str], list[str], npt.NDArray[np.float64]]:
    """Names of tenants, the one of each prompt, and what their cheapest answers cost."""
    code = np.arange(len(scores)) % tenants
    names = [f"tenant {at}" for at in range(tenants)]
    cheapest = np.bincount(code, scores.cost_usd.min(axis=1), tenants)
    return names, [names[at] for at in code], cheapest.astype(np.float64)
