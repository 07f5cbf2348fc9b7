"""Sums of soft choices: covariances of use, prompt by prompt and all at once."""

from __future__ import annotations

import numpy as np
import pytest

from routoo.data.scores import Scores
from routoo.solver.limits import DomainLimit, ModelLimit
from routoo.solver.problem import Problem
from routoo.solver.search.smooth import smoothed_pass, softmax
from routoo.solver.sums.passes import InMemory


@pytest.mark.parametrize("n_models", [3, 70, 150])
@pytest.mark.parametrize("temperature", [0.3, 0.01, 0.001])
def test_curvature_is_the_covariance_of_what_each_prompt_uses(n_models: int, temperature: float) -> None:
    rng = np.random.default_rng(n_models)
    n = 400
    names = tuple(f"model {j}" for j in range(n_models))
    p, cost = (rng.random((n, n_models)).astype(np.float32) for _ in range(2))
    first = np.arange(n) % 2 == 0
    problem = Problem(
        scores=Scores(p, cost, models=names),
        budget_usd=0.4 * n,
        model_limits={name: ModelLimit(max_requests=0.6 * n) for name in names},
        domains=["a" if at else "b" for at in first],
        domain_limits={"a": DomainLimit(budget_usd=0.2 * n)},
    )
    prompts = InMemory(problem)
    prices = rng.random(len(problem.limits)) * 0.1
    found = smoothed_pass(prompts, prices, temperature)

    share = softmax(prompts.rows(slice(None)).reduced(prompts.constraints.tables(prices)), temperature).share
    own = np.broadcast_to(np.eye(n_models)[:, None], (n_models, n, n_models))
    amount = np.concatenate([cost[None], own, np.where(first[:, None], cost, 0)[None]])
    mean = (amount * share).sum(axis=2)
    second = np.einsum("kij,lij,ij->kl", amount, amount, share)
    np.testing.assert_allclose(found.uses, mean.sum(axis=1), rtol=1e-9)
    np.testing.assert_allclose(
        found.curvature * temperature, second - mean @ mean.T, rtol=1e-6, atol=4e-6 * n
    )
