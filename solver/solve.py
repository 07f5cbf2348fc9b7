"""One door to every backend."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from routoo.data.assignment import Assignment
from routoo.data.checks.arguments import choice, record
from routoo.data.errors import InputError
from routoo.solver.backends import dual, exact, greedy
from routoo.solver.problem import Problem
from routoo.solver.results.answer import no_answer
from routoo.solver.results.infeasible import unserved

SolverName = Literal["auto", "dual", "exact", "greedy"]
"""The names that `solve` knows."""


@dataclass(frozen=True)
class Backend:
    """A way to solve: which problems it takes, and how to run it.

    Args:
        accepts: Whether it can keep every limit of a problem.
        solve: Runs it; every option is a keyword.
        refuses: What it cannot take, in words.
    """

    accepts: Callable[[Problem], bool]
    solve: Callable[..., Assignment]
    refuses: str = ""


BACKENDS: Mapping[str, Backend] = {
    dual.NAME: Backend(dual.accepts, dual.solve_dual),
    greedy.NAME: Backend(
        greedy.accepts, greedy.solve_greedy, "it takes one limit on the whole batch, not several"
    ),
    exact.NAME: Backend(exact.accepts, exact.solve_exact),
}
"""Every backend by name, the one that "auto" prefers first."""


def solve(
    problem: Problem,
    *,
    solver: str = "auto",
    **options: Any,  # Any: each backend has its own options
) -> Assignment:
    """A model for every prompt, or the reason why there is none.

    Args:
        problem: Predictions and limits.
        solver: Name of a backend; "auto" takes the first that accepts the problem. The answer says which ran.
        options: Options of the backend, such as `time_limit_s` of "exact".

    Raises:
        InputError: No such backend, or it cannot take this problem; an option is unknown to it.
        MissingExtraError: Solver "exact" is asked for, and its extra is not installed.

    >>> import numpy as np
    >>> from routoo.data.scores import Scores
    >>> p, cost = np.array([[0.9, 0.4], [0.8, 0.7]]), np.array([[0.02, 0.001], [0.02, 0.001]])
    >>> plan = solve(Problem(scores=Scores(p, cost, models=("large", "small")), budget_usd=0.03))
    >>> plan.chosen, plan.status
    (['large', 'small'], 'optimal')
    """
    record("problem", problem, Problem)
    solver = choice("solver", solver, ("auto", *BACKENDS))
    name = _pick(problem) if solver == "auto" else solver
    backend = BACKENDS[name]
    if not backend.accepts(problem):
        stated = ", ".join(limit.name for limit in problem.limits)
        raise InputError(
            f"solver {name!r} cannot keep these limits ({stated}): {backend.refuses}; use 'auto'"
        )
    reason = unserved(problem)
    if reason is not None:
        return no_answer(problem.scores, len(problem), reason, solver=name)
    known = [option for option in inspect.signature(backend.solve).parameters if option != "problem"]
    unknown = sorted(set(options) - set(known))
    if unknown:
        has = f"its options are {', '.join(known)}" if known else "it has no options"
        raise InputError(f"solver {name!r} has no option {', '.join(unknown)}; {has}")
    return backend.solve(problem, **options)


def _pick(problem: Problem) -> str:
    return next(name for name, backend in BACKENDS.items() if backend.accepts(problem))
