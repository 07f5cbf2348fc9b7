"""The backend for any size and any limits: prices by few passes, then a finish on the undecided prompts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from routoo.data.assignment import Assignment
from routoo.data.errors import InputError
from routoo.solver.answer import TOLERANCE, answer, no_answer
from routoo.solver.bracket import fill_large, sampled
from routoo.solver.core import core_of
from routoo.solver.explain import infeasible
from routoo.solver.newton import PriceSearch, search_prices
from routoo.solver.passes import Gathered, InMemory, Prompts, price_pass
from routoo.solver.problem import Problem
from routoo.solver.rounding import finish, round_off
from routoo.solver.rows import Floats, Rows
from routoo.solver.smooth import smoothed_pass

NAME = "dual"
SAMPLE = 16384
"""Prompts that the first prices of several limits come from."""

_WARM = 0.1
"""First temperature, as a share of what a choice makes a difference of."""

_CORES = 3
_LEAD = 3e-3
"""A core whose prompts all lead by less than this share leaves out prompts that may well move."""


def accepts(problem: Problem) -> bool:
    """Whether limits can be priced: always."""
    return True


def solve_dual(
    problem: Problem,
    *,
    tolerance: float = TOLERANCE,
    time_limit_s: float = 20.0,
    threads: int | None = None,
) -> Assignment:
    """The assignment by Lagrangian relaxation, with the bound that proves it.

    Args:
        problem: Any limits.
        tolerance: Relative gap at which the answer counts as optimal.
        time_limit_s: Seconds that a try of the finish may take, where several limits bind.
        threads: How many threads read the scores; the processors at hand, when None.

    Raises:
        InputError: The tolerance or the time limit is not above 0.
    """
    if not tolerance > 0 or not time_limit_s > 0:
        raise InputError(f"tolerance and time_limit_s must be above 0, got {tolerance} and {time_limit_s}")
    prompts = InMemory(problem, threads)
    if not problem.limits:
        choice = np.empty(len(problem), np.int32)
        bound = price_pass(prompts, np.zeros(0), keep=choice).bound
        return answer(problem, choice, solver=NAME, bound=bound, prices=np.zeros(0))
    if len(problem.limits) == 1:
        return _one_limit(problem, prompts, tolerance)
    return _many_limits(problem, prompts, tolerance, time_limit_s)


def _one_limit(problem: Problem, prompts: InMemory, tolerance: float) -> Assignment:
    filled = fill_large(problem, prompts)
    if not filled.feasible:
        return infeasible(problem, solver=NAME)
    prices = np.array([filled.price])
    bound = price_pass(prompts, prices).bound
    return answer(
        problem,
        filled.choice,
        solver=NAME,
        bound=bound,
        prices=prices,
        proved=filled.proved,
        tolerance=tolerance,
    )


def _many_limits(problem: Problem, prompts: InMemory, tolerance: float, time_limit_s: float) -> Assignment:
    found = _prices(problem, prompts, tolerance)
    if found.infeasible:
        return infeasible(problem, solver=NAME)
    rounded = round_off(prompts, found.soft, found.temperature)
    done = finish(problem, prompts, rounded, tolerance=tolerance, time_limit_s=time_limit_s)
    if done.status == "infeasible":
        return infeasible(problem, solver=NAME)
    if done.status == "unsolved":
        reason = (
            "found no assignment within all limits, though none was proved impossible; loosen one a little"
        )
        return no_answer(problem, reason, solver=NAME, status="unsolved")
    return answer(
        problem,
        done.choice,
        solver=NAME,
        bound=min(found.bound, done.bound),
        prices=found.prices,
        tolerance=tolerance,
    )


@dataclass(frozen=True)
class _Scale:
    """How large things are.

    Args:
        spread: What the choice for one prompt typically makes a difference of.
        size: Magnitude of the objective.
        least: What any choice gains at least, in sum.
    """

    spread: float
    size: float
    least: float

    @classmethod
    def of(cls, prompts: Prompts) -> _Scale:
        def work(start: int, rows: Rows) -> tuple[float, float]:
            value = rows.objective
            least = np.where(np.isneginf(value), np.inf, value).min(axis=1)
            return float(value.max(axis=1).sum()), float(least.sum())

        mosts, leasts = zip(*prompts.map(work), strict=True)
        most, least = sum(mosts), sum(leasts)
        return cls((most - least) / len(prompts) or 1.0, max(abs(most), most - least), least)


def _prices(problem: Problem, prompts: InMemory, tolerance: float) -> PriceSearch:
    """Prices for the whole batch: where it is large, from a sample, then from the core that this leaves."""
    n, scale, prices = len(problem), _Scale.of(prompts), np.zeros(len(problem.limits))
    enough = 0.05 * tolerance * scale.size
    if n < 4 * SAMPLE:
        return _search(prompts, scale, prices, _WARM, enough)
    part, narrow = SAMPLE / n, replace(scale, least=-np.inf)
    sample = Gathered(problem.rows(sampled(n, SAMPLE)), prompts.ledger.bounded(prompts.ledger.bounds * part))
    prices = _search(sample, narrow, prices, _WARM, 1e-5 * scale.size * part).soft
    for _ in range(_CORES):
        core = core_of(problem, prompts, prices)
        if core.lead < _LEAD * scale.spread:
            break
        found = _search(core.prompts, narrow, prices, 0.1 * _WARM, enough)
        bound = price_pass(prompts, found.prices).bound
        if bound - (found.bound + core.gained) <= enough:
            return replace(found, bound=bound)
        prices = found.soft
    return _search(prompts, scale, prices, 0.01 * _WARM, enough)


def _search(prompts: Prompts, scale: _Scale, start: Floats, warmth: float, enough: float) -> PriceSearch:
    bounds = prompts.ledger.bounds
    even = smoothed_pass(prompts, np.zeros(len(bounds)), 10 * scale.spread)
    size = np.maximum(np.abs(bounds), np.abs(even.uses))
    return search_prices(
        lambda prices, temperature: smoothed_pass(prompts, prices, temperature),
        bounds,
        units=len(prompts) * scale.spread / np.where(size > 0, size, 1.0),
        spread=scale.spread,
        least=scale.least,
        start=start,
        warmth=warmth,
        enough=max(enough, 1e-12 * scale.spread),
    )
