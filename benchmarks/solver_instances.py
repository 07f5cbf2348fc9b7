"""Batches for the solver's benchmarks: simulated predictions in which harder prompts need dearer models.

Abilities, difficulties, prices and speeds are drawn from a seed. Nothing here is recorded data.
"""

from __future__ import annotations

import numpy as np

from routoo.data.scores import Scores
from routoo.solver.limits import ModelLimit
from routoo.solver.problem import Problem


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
