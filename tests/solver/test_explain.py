"""An infeasible problem is told which limits fight, and what would do."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from routoo.data.scores import Scores
from routoo.solver.assign import assign
from routoo.solver.conflict import conflict, most_served
from routoo.solver.explain import rounded
from routoo.solver.limits import DomainLimit, ModelLimit
from routoo.solver.passes import InMemory
from routoo.solver.problem import Problem
from routoo.solver.solve import solve

MakeScores = Callable[[int, int, int], Scores]


def tight(scores: Scores) -> Problem:
    """A budget and a latency that hold alone but not together, and a cap that has nothing to do with it."""
    return Problem(
        scores=scores,
        budget_usd=float(scores.cost_usd.min(1).sum(dtype=np.float64)) * 1.02,
        max_mean_latency_s=float(scores.latency.min(1).mean()) * 1.02,
        model_limits={scores.models[0]: ModelLimit(max_requests=len(scores))},
    )


@pytest.mark.parametrize("n", [30, 1000])
@pytest.mark.parametrize("solver", ["dual", "exact"])
def test_a_conflict_is_named_and_the_least_budget_does(
    n: int, solver: str, random_scores: MakeScores
) -> None:
    problem = tight(random_scores(1, n, 4))
    plan = solve(problem, solver=solver)
    assert plan.status == "infeasible"
    assert plan.reason is not None
    assert "budget_usd" in plan.reason
    assert "max_mean_latency_s" in plan.reason
    assert "max_requests" not in plan.reason
    assert "cannot hold together: with the others kept, budget_usd" in plan.reason
    assert plan.least_budget_usd is not None
    assert solve(replace(problem, budget_usd=plan.least_budget_usd)).found
    assert solve(replace(problem, budget_usd=plan.least_budget_usd * 0.995)).status == "infeasible"


def test_without_any_limit_of_a_conflict_the_others_hold(random_scores: MakeScores) -> None:
    problem = replace(
        tight(random_scores(2, 25, 3)),
        domains=["x"] * 25,
        domain_limits={"x": DomainLimit(min_mean_score=0.6)},
    )
    together = conflict(InMemory(problem))
    assert len(together) >= 2
    for left_out in together:
        kept = tuple(limit for limit in together if limit is not left_out)
        found = assign(InMemory(problem, limits=kept, aim={}), tolerance=1e-6, time_limit_s=5.0)
        assert found.status == "solved"


def test_too_little_room_says_how_many_can_be_served(random_scores: MakeScores) -> None:
    scores = random_scores(3, 50, 3)
    caps = {name: ModelLimit(max_requests=10) for name in scores.models}
    problem = Problem(scores=scores, model_limits=caps, budget_usd=1e6)
    assert most_served(InMemory(problem)) == 30
    plan = solve(problem)
    assert plan.status == "infeasible"
    assert "at most 30 of the 50 prompts can be served" in str(plan.reason)
    assert "max_requests of model 0 30" in str(plan.reason)


def test_a_floor_out_of_reach_says_the_most(random_scores: MakeScores) -> None:
    scores = random_scores(4, 20, 3)
    plan = solve(Problem(scores=scores, min_mean_score=0.999))
    most = float(scores.p_correct.max(1).mean(dtype=np.float64))
    assert f"the most that any assignment reaches is {rounded(most, up=False)}" in str(plan.reason)


def test_several_limits_that_fail_alone_are_all_named_and_no_figure_of_one_is_said_to_do(
    random_scores: MakeScores,
) -> None:
    plan = solve(Problem(scores=random_scores(5, 20, 3), budget_usd=0.0, max_mean_latency_s=0.0))
    assert str(plan.reason).count("is too little: any assignment needs") == 2
    assert "would do" not in str(plan.reason)
    assert plan.least_budget_usd is None


def test_a_prompt_without_an_open_model_is_named(random_scores: MakeScores) -> None:
    scores = replace(random_scores(6, 4, 2), prompt_ids=list("abcd"))
    closed = np.ones((4, 2), np.bool_)
    closed[2] = False
    plan = solve(Problem(scores=scores, allowed=closed))
    assert plan.reason == "prompt 'c' is allowed no model"
