"""Prices in words, and batch tiers."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from routoo.data.errors import InputError
from routoo.data.pool import Pool, PoolModel
from routoo.data.scores import Scores
from routoo.solver.limits import LatencyTail, ModelLimit
from routoo.solver.problem import Problem
from routoo.solver.solve import solve
from routoo.solver.tiers import with_batch_tier
from routoo.solver.words import prices_in_words

MakeScores = Callable[[int, int, int], Scores]


def test_a_price_is_what_one_more_unit_buys(random_scores: MakeScores) -> None:
    scores = random_scores(1, 4000, 4)
    problem = Problem(scores=scores, budget_usd=12.0, model_limits={"model 1": ModelLimit(max_requests=500)})
    plan = solve(problem)
    money, slots = prices_in_words(plan)
    more = solve(replace(problem, budget_usd=12.05)).score - plan.score
    assert money.startswith("budget_usd: one more dollar buys ")
    assert float(money.split(" buys ")[1].split()[0]) == pytest.approx(20 * more, rel=0.03)
    assert slots.startswith("max_requests of model 1: 100 more requests is worth $")


def test_every_kind_of_price_has_words(random_scores: MakeScores) -> None:
    scores = random_scores(2, 500, 4)
    tail = solve(Problem(scores=scores, latency_tail=LatencyTail(above_s=2, max_share=0.05)))
    assert prices_in_words(tail)[0].startswith("latency_tail: 10 more slow prompts buys ")
    floor = solve(Problem(scores=scores, min_mean_score=0.7))
    assert prices_in_words(floor)[0].startswith(
        "min_mean_score: one more correct answer as the floor costs $"
    )
    assert prices_in_words(solve(Problem(scores=scores, budget_usd=0.0))) == []


def test_a_batch_tier_is_cheaper_and_later() -> None:
    pool = Pool(
        (
            PoolModel(
                name="a",
                usd_per_1m_input=2,
                usd_per_1m_output=8,
                usd_per_1m_batch_input=1,
                usd_per_1m_batch_output=2,
            ),
            PoolModel(name="b", usd_per_1m_input=1, usd_per_1m_output=1),
        )
    )
    sent, received = 1000.0, 500.0
    cost = pool.cost_usd(np.full((3, 1), sent), np.full((3, 2), received)).astype(np.float32)
    p = np.full((3, 2), 0.5, np.float32)
    tokens = np.full((3, 2), received, np.float32)
    scores = Scores(
        p,
        cost,
        np.full((3, 2), 4.0, np.float32),
        ("a", "b"),
        output_tokens=tokens,
        nominal_costs={"a": "few"},
    )
    both = with_batch_tier(scores, pool, wait_s=3600)
    assert both.models == ("a", "b", "a (batch)")
    assert both.cost_usd[:, 2] == pytest.approx((sent * 1 + received * 2) * 1e-6)
    assert both.nominal_costs == {"a": "few", "a (batch)": "few"}
    assert both.latency[:, 2].tolist() == [3600.0] * 3
    urgent = solve(Problem(scores=both, max_latency_s=np.array([10.0, 1e6, 1e6]), allowed=["a", "a (batch)"]))
    assert urgent.chosen == ["a", "a (batch)", "a (batch)"]
    with pytest.raises(InputError, match="need output_tokens"):
        with_batch_tier(Scores(p, cost, models=("a", "b")), pool)
    with pytest.raises(InputError, match="no model of these scores has"):
        with_batch_tier(scores.columns(["b"]), pool)
    with pytest.raises(InputError, match="wait_s"):
        with_batch_tier(scores, pool, wait_s=-1)


def test_the_solver_loads_without_the_heavy_libraries() -> None:
    modules = [
        "assign",
        "dual",
        "exact",
        "explain",
        "frontier",
        "greedy",
        "pacer",
        "select",
        "solve",
        "tiers",
        "words",
    ]
    imports = "; ".join(f"import routoo.solver.{name}" for name in modules)
    heavy = "('cvxpy', 'highspy', 'torch', 'scipy', 'polars', 'onnxruntime')"
    code = f"import sys; {imports}; print([name for name in {heavy} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"
