"""Small instances of every kind, each solved by every backend and held against trying all answers.

    python tests/fuzz/solve_instances.py [--count 20000] [--seed N] [--seconds S]

Every limit at once, ties, zeros, infinities, amounts that span a factor of 1e9, bounds that an answer
meets or misses by the last bit. A backend must find an answer exactly where there is one, prove it to
within its gap with a bound on the right side, and what it says would do must do.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from trials import run_trials

from routoo.data.assignment import Assignment
from routoo.data.scores import Scores
from routoo.solver.limits import DomainLimit, LatencyTail, ModelLimit
from routoo.solver.problem import Problem
from routoo.solver.search import tree
from routoo.solver.solve import BACKENDS, solve

Floats = npt.NDArray[np.float64]

ROUNDING = 1e-12
"""Share of a limit that is let pass: what `docs/solver.md` states."""

MOST_ANSWERS = 8192
"""Answers that are tried for an instance."""

FLOOR = 1
CEILING = -1


class Draw(Protocol):
    """Draws a number of each prompt and model."""

    def __call__(self, rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
        """Numbers of at least 0."""
        ...


AMOUNTS: dict[str, Draw] = {
    "even": lambda rng, shape: rng.random(shape),
    "steps": lambda rng, shape: np.round(rng.random(shape), 1),
    "equal": lambda rng, shape: np.full(shape, 0.25),
    "a model": lambda rng, shape: np.tile(rng.random((1, shape[1])), (shape[0], 1)),
    "a prompt": lambda rng, shape: np.tile(rng.random((1, shape[1])), (shape[0], 1)) * rng.integers(1, 3),
    "wide": lambda rng, shape: 10 ** rng.uniform(-9, 0, shape),
    "zeros": lambda rng, shape: rng.random(shape) * (rng.random(shape) < 0.5),
}
"""Ways in which amounts come."""

SCALES = (1.0, 1e-6, 1e-9, 1e6)
"""Units of costs and latencies: from a millionth of a dollar to a million."""


@dataclass(frozen=True, eq=False)
class Sum:
    """A limit as the problem states it, read without the solver's help.

    Args:
        name: As messages have it.
        amounts: What each choice adds, ``(n_prompts, n_models)``.
        bound: What the sum may come to.
        sense: `CEILING` or `FLOOR`.
        scale: By what the stated number was multiplied.
    """

    name: str
    amounts: Floats
    bound: float
    sense: int
    scale: float = 1.0

    def holds(self, choice: tuple[int, ...]) -> bool:
        """Whether these choices keep it, by an exact sum."""
        used = math.fsum(self.amounts[at, model] for at, model in enumerate(choice))
        if self.sense == FLOOR:
            return used >= self.bound - ROUNDING * abs(self.bound)
        return used <= self.bound + ROUNDING * abs(self.bound)


def make_problem(seed: int, *, index: int = 0) -> Problem:
    """An instance small enough to try every answer."""
    rng = np.random.default_rng([seed, index])
    n, m = int(rng.integers(1, 9)), int(rng.integers(1, 6))
    while m**n > MOST_ANSWERS:
        n -= 1
    scores = _scores(rng, n, m)
    answer = tuple(rng.integers(0, m, n).tolist())

    def happens(chance: float) -> bool:
        return bool(rng.random() < chance)

    def bound(amounts: Floats) -> float:
        """Something about what one answer uses, or between the least and the most."""
        met = float(np.sum(amounts[np.arange(n), answer]))
        least, most = float(amounts.min(axis=1).sum()), float(amounts.max(axis=1).sum())
        near = met * (1 + float(rng.choice([0, 0, 1e-13, -1e-13, 1e-10, -1e-10, 1e-6, -1e-6])))
        between = least + float(rng.uniform(-0.05, 1)) * (most - least)
        return max(
            float(
                rng.choice([near, near, between, between, 0.0, math.inf], p=[0.3, 0.2, 0.2, 0.2, 0.05, 0.05])
            ),
            0.0,
        )

    cost, latency = (matrix.astype(np.float64) for matrix in (scores.cost_usd, scores.latency))
    finite = np.where(np.isinf(latency), 0.0, latency)
    p = scores.p_correct.astype(np.float64)
    fields: dict[str, Any] = {"period_s": 10.0}  # Any: fields of many kinds
    if happens(0.6):
        fields["budget_usd"] = bound(cost)
    if happens(0.3):
        fields["max_mean_latency_s"] = bound(finite) / n
    if happens(0.2):
        above = float(rng.choice(finite.ravel()))
        fields["latency_tail"] = LatencyTail(above_s=above, max_share=float(rng.integers(0, n + 1) / n))
    if happens(0.3):
        fields["min_mean_score"] = min(bound(p) / n, 1.0)
    if happens(0.2):
        fields["weights"] = rng.choice([0.0, 1.0, 2.5, 1e-6], n) if happens(0.5) else rng.uniform(0, 3, n)
    if happens(0.1):
        fields["max_cost_usd"] = float(rng.choice(cost.ravel()))
    if happens(0.1):
        fields["max_latency_s"] = rng.choice(finite.ravel(), n)
    if happens(0.1):
        fields["allowed"] = rng.random((n, m)) < 0.8
    tokens = _tokens(scores)
    fields["model_limits"] = {
        name: ModelLimit(
            max_requests=float(rng.integers(0, n + 1)) if happens(0.2) else None,
            max_tokens=bound(_column(tokens, at)) if happens(0.1) else None,
            budget_usd=bound(_column(cost, at)) if happens(0.1) else None,
            max_concurrency=bound(_column(finite, at)) / 10.0 if happens(0.1) else None,
        )
        for at, name in enumerate(scores.models)
    }
    if happens(0.25):
        domains = [("a", "b", None)[at] for at in rng.integers(0, 3, n)]
        fields["domains"] = domains
        fields["domain_limits"] = {
            name: DomainLimit(
                budget_usd=bound(_inside(cost, domains, name)) if happens(0.5) else None,
                min_mean_score=min(bound(_inside(p, domains, name)) / domains.count(name), 1.0)
                if happens(0.5)
                else None,
            )
            for name in ("a", "b")
            if name in domains
        }
    return Problem(scores=scores, **fields)


def _scores(rng: np.random.Generator, n: int, m: int) -> Scores:
    def amounts() -> Floats:
        return AMOUNTS[str(rng.choice(list(AMOUNTS)))](rng, (n, m)) * float(rng.choice(SCALES))

    score = AMOUNTS[str(rng.choice(list(AMOUNTS)))](rng, (n, m))
    latency = amounts()
    if rng.random() < 0.1:
        latency[rng.random((n, m)) < 0.2] = np.inf
    return Scores(
        np.minimum(score, 1.0).astype(np.float32),
        amounts().astype(np.float32),
        latency.astype(np.float32),
        models=tuple(f"m{at}" for at in range(m)),
        input_tokens=rng.integers(1, 50, (n, m)).astype(np.float32),
        output_tokens=rng.integers(0, 500, (n, m)).astype(np.float32),
    )


def _column(amounts: Floats, at: int) -> Floats:
    return np.where(np.arange(amounts.shape[1]) == at, amounts, 0.0)


def _inside(amounts: Floats, domains: Sequence[str | None], name: str) -> Floats:
    return np.where(np.array([own == name for own in domains])[:, None], amounts, 0.0)


def _tokens(scores: Scores) -> Floats:
    assert scores.input_tokens is not None
    assert scores.output_tokens is not None
    return (scores.input_tokens + scores.output_tokens).astype(np.float64)


def sums_of(problem: Problem) -> list[Sum]:
    """Every limit that couples prompts."""
    scores, n = problem.scores, len(problem)
    p, cost, latency = (m.astype(np.float64) for m in (scores.p_correct, scores.cost_usd, scores.latency))
    finite = np.where(np.isinf(latency), 0.0, latency)
    found = []

    def add(
        name: str, amounts: Floats, stated: float | None, scale: float = 1.0, sense: int = CEILING
    ) -> None:
        if stated is not None and stated < math.inf:
            found.append(Sum(name, amounts, float(stated) * scale, sense, scale))

    add("budget_usd", cost, problem.budget_usd)
    add("max_mean_latency_s", finite, problem.max_mean_latency_s, n)
    if problem.latency_tail is not None:
        slow = (scores.latency > np.float32(problem.latency_tail.above_s)).astype(np.float64)
        add("latency_tail", slow, problem.latency_tail.max_share, n)
    add("min_mean_score", p, problem.min_mean_score, n, FLOOR)
    for name, limit in problem.model_limits.items():
        at = scores.models.index(name)
        add(f"max_requests of {name}", _column(np.ones_like(p), at), limit.max_requests)
        add(f"max_tokens of {name}", _column(_tokens(scores), at), limit.max_tokens)
        add(f"budget_usd of {name}", _column(cost, at), limit.budget_usd)
        add(f"max_concurrency of {name}", _column(finite, at), limit.max_concurrency, problem.period_s or 1.0)
    for name, own in problem.domain_limits.items():
        domains = problem.domains or ()
        add(f"budget_usd of domain {name}", _inside(cost, domains, name), own.budget_usd)
        size = sum(domain == name for domain in domains)
        add(f"min_mean_score of domain {name}", _inside(p, domains, name), own.min_mean_score, size, FLOOR)
    return found


@dataclass(frozen=True, eq=False)
class Best:
    """What trying all answers found.

    Args:
        value: Objective of the best one, as maximised; None where no answer keeps the limits.
        opened: Which choices are open.
        sums: The limits.
        gains: Objective of each choice, as maximised.
    """

    value: float | None
    opened: npt.NDArray[np.bool_]
    sums: list[Sum]
    gains: Floats

    def gained(self, choice: tuple[int, ...]) -> float:
        """Objective of these choices by an exact sum."""
        return math.fsum(self.gains[at, model] for at, model in enumerate(choice))

    def keeps(self, choice: tuple[int, ...]) -> bool:
        """Whether these choices are open and keep every limit."""
        return all(self.opened[at, model] for at, model in enumerate(choice)) and all(
            own.holds(choice) for own in self.sums
        )


def brute_force(problem: Problem) -> Best:
    """The best of all answers, by exact sums."""
    scores = problem.scores
    opened = np.isfinite(scores.latency)
    if problem.max_cost_usd is not None:
        opened &= scores.cost_usd <= np.asarray(problem.max_cost_usd)[:, None]
    if problem.max_latency_s is not None:
        opened &= scores.latency <= np.asarray(problem.max_latency_s)[:, None]
    if isinstance(problem.allowed, np.ndarray):
        opened &= problem.allowed
    gains = scores.p_correct.astype(np.float64)
    if problem.weights is not None:
        gains = gains * np.asarray(problem.weights)[:, None]
    if problem.min_mean_score is not None:
        gains = -scores.cost_usd.astype(np.float64)
    best = Best(None, opened, sums_of(problem), gains)
    return replace(best, value=_most(best))


def _most(best: Best) -> float | None:
    """Tries answers by falling objective, those that clearly break a limit left out."""
    columns = [np.flatnonzero(row).tolist() for row in best.opened]
    answers = np.array(list(product(*columns)), np.intp)
    if not answers.size:
        return None
    rows = np.arange(len(columns))
    near = np.ones(len(answers), np.bool_)
    for own in best.sums:
        used = own.amounts[rows, answers].sum(axis=1)
        slack = 1e-9 * np.maximum(np.abs(used), abs(own.bound))
        near &= used >= own.bound - slack if own.sense == FLOOR else used <= own.bound + slack
    answers = answers[near]
    order = np.argsort(-best.gains[rows, answers].sum(axis=1), kind="stable")
    value: float | None = None
    for at in order:
        choice = tuple(answers[at].tolist())
        gained = best.gained(choice)
        if value is not None and gained < value - 1e-9 * abs(value):
            break
        if (value is None or gained > value) and best.keeps(choice):
            value = gained
    return value


def check(problem: Problem, *, solver: str) -> list[str]:
    """What is wrong with what a backend says of an instance; nothing, where all is right."""
    best, plan = brute_force(problem), solve(problem, solver=solver)
    if best.value is None:
        if plan.status != "infeasible":
            return [f"{plan.status}, but no answer keeps the limits"]
        return _check_would_do(problem, plan, best, solver)
    if not plan.found:
        return [f"{plan.status}, but an answer of {best.value!r} keeps the limits: {plan.reason}"]
    choice, wrong = tuple(plan.choice.tolist()), []
    if not best.keeps(choice):
        wrong.append("a limit is broken")
    turned = 1.0 if problem.goal == "score" else -1.0
    gained, bound = best.gained(choice), turned * plan.bound
    if turned * plan.objective != gained:
        wrong.append(f"objective {plan.objective!r} is {gained!r}")
    if bound < best.value:
        wrong.append(f"bound {bound!r} is below the best {best.value!r}")
    if plan.status == "optimal" and best.value - gained > 1e-6 * abs(best.value) + 1e-300:
        wrong.append(f"called optimal at {gained!r}, the best is {best.value!r}")
    if solver != "greedy" and plan.status != "optimal":
        wrong.append(f"only {plan.status}, gap {plan.gap}")
    return wrong


def _check_would_do(problem: Problem, plan: Assignment, best: Best, solver: str) -> list[str]:
    """Every figure that is said to do, fed back as it is printed."""
    reason = str(plan.reason)
    wrong = check_opens(problem, reason)
    figures = [("budget_usd", plan.least_budget_usd)] if plan.least_budget_usd is not None else []
    for own in best.sums:
        named = re.escape(own.name)
        alone = re.search(rf"{named} \S+ is too little: the least that would do is ([^\s;]+)", reason)
        with_others = re.search(rf"kept, (?:[^;]* or )?{named} ([^\s;]+)(?: or [^;]*)? would do", reason)
        found = alone or with_others
        if found:
            figures.append((own.name, float(found.group(1))))
    for name, figure in figures:
        again = with_limit(problem, name, figure)
        if brute_force(again).value is None:
            wrong.append(f"{name} {figure!r} would not do: {reason}")
        elif not solve(again, solver=solver).found:
            wrong.append(f"{name} {figure!r} fed back is not found: {reason}")
        own = next(own for own in best.sums if own.name == name)
        less = figure * (1 + 1e-5) + 1e-12 if own.sense == FLOOR else figure * (1 - 1e-5) - 1e-300
        whole = own.name.split()[0] in ("max_requests", "latency_tail")
        if not whole and less > 0 and brute_force(with_limit(problem, name, less)).value is not None:
            wrong.append(f"{name} {figure!r} is not the least that would do: {less!r} does")
    return wrong


def check_opens(problem: Problem, reason: str) -> list[str]:
    """A figure that is said to open a model to a prompt, or to all, fed back as it is printed."""
    found = re.search(r"that would do( for all prompts)?(?: with \S+ kept)? is (\S+) (USD|s)$", reason)
    if found is None:
        return []
    for_all, figure, unit = found.groups()
    name = {"USD": "max_cost_usd", "s": "max_latency_s"}[unit]
    row = re.match(r"prompt '?(\d+)", reason)
    at = slice(None) if for_all else slice(int(row[1]), int(row[1]) + 1) if row else slice(0, 1)
    limits, wrong = np.array(getattr(problem, name)), []
    for value, would in ((float(figure), True), (float(figure) * (1 - 1e-5), False)):
        limits[at] = value
        opened = brute_force(_rebuilt(problem, **{name: limits})).opened[at].any(axis=1).all()
        if opened != would:
            wrong.append(f"{name} {value!r} would {'not ' * would}do: {reason}")
    return wrong


def with_limit(problem: Problem, name: str, figure: float) -> Problem:
    """The problem with another number for one limit."""
    kind, _, whose = name.partition(" of ")
    if whose.startswith("domain "):
        own = whose.removeprefix("domain ")
        limit: Any = replace(problem.domain_limits[own], **{kind: figure})  # Any: a field by name
        return _rebuilt(problem, domain_limits={**problem.domain_limits, own: limit})
    if whose:
        changed: Any = replace(problem.model_limits[whose], **{kind: figure})  # Any: a field by name
        return _rebuilt(problem, model_limits={**problem.model_limits, whose: changed})
    if kind == "latency_tail":
        assert problem.latency_tail is not None
        return _rebuilt(problem, latency_tail=replace(problem.latency_tail, max_share=min(figure, 1.0)))
    return _rebuilt(problem, **{kind: min(figure, 1.0) if kind == "min_mean_score" else figure})


def _rebuilt(problem: Problem, **fields: Any) -> Problem:  # Any: fields of many kinds
    return replace(problem, **fields)


def main() -> int:
    """Runs instances, and counts those without an answer."""
    infeasible = 0

    def trial(seed: int, index: int) -> list[str]:
        nonlocal infeasible
        failures, feasible = run(seed, index)
        infeasible += not feasible
        return failures

    return run_trials(
        __doc__, trial, count=20_000, called=lambda: f"instances, {infeasible} of them infeasible"
    )


def run(seed: int, index: int) -> tuple[list[str], bool]:
    """What is wrong with one instance by every backend, and whether it has an answer.

    Every other instance is too large to be listed at once, so that it is split as larger ones are.
    """
    problem = make_problem(seed, index=index)
    listed, failures = tree.MOST_LISTED, []
    tree.MOST_LISTED = listed if index % 2 else 1
    try:
        for solver, backend in BACKENDS.items():
            if backend.accepts(problem):
                failures += [f"{solver}: {what}" for what in check(problem, solver=solver)]
    finally:
        tree.MOST_LISTED = listed
    return failures, brute_force(problem).value is not None


if __name__ == "__main__":
    sys.exit(main())
