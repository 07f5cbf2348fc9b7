"""Hull steps under at most one limit, taken on request: the textbook method, to hold `dual` against."""

from __future__ import annotations

from routoo.data.assignment import Assignment
from routoo.solver.problem import Problem
from routoo.solver.results.answer import outcome
from routoo.solver.search.assign import assign_each, fill_under_one
from routoo.solver.search.knapsack import fill
from routoo.solver.sums.passes import InMemory

NAME = "greedy"


def accepts(problem: Problem) -> bool:
    """Whether at most one limit couples prompts."""
    return len(problem.limits) <= 1


def solve_greedy(problem: Problem, *, threads: int | None = None) -> Assignment:
    """The assignment by hull steps: the relaxation exactly, and a whole answer next to it.

    Args:
        problem: At most one limit that couples prompts, of any kind.
        threads: How many threads read the scores; the processors at hand, when None.
    """
    prompts = InMemory(problem, threads)
    found = fill_under_one(prompts, filled=fill(prompts)) if problem.limits else assign_each(prompts)
    return outcome(prompts, problem.scores, found, solver=NAME)
