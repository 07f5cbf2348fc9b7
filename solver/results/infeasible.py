"""Why there is no assignment: the limits that cannot hold together, and the least that would do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

import numpy as np
import numpy.typing as npt

from routoo.solver.limits import Limit, Only
from routoo.solver.problem import Problem
from routoo.solver.results.conflict import Need, conflict, most_served, need_of
from routoo.solver.search.knapsack import least_choice
from routoo.solver.sums.constraints import Constraints
from routoo.solver.sums.rows import Floats, Rows, Tables
from routoo.solver.sums.sources import At, Batch
from routoo.solver.sums.tally import tally
from routoo.solver.usage import BLOCK, call_tokens

_MOST_NAMED = 4
"""Limits of a conflict for which the least that would do is worked out."""

_UNITS = {"max_cost_usd": "USD", "max_latency_s": "s"}
"""Limits that each prompt keeps by itself, and what they count."""


@dataclass(frozen=True)
class ClosedPrompt:
    """A prompt that no model is open to, and the least of each of its own limits that would open one.

    Args:
        row: Its place in the batch.
        shut: Why no figure would open one, in words after its name; None where limits alone close it.
        stated: Its limits, by name.
        needs: For each of these the least that opens a model while the other is kept; infinity where
            nothing does.
    """

    row: int
    shut: str | None
    stated: Mapping[str, np.float32]
    needs: Mapping[str, np.float32]


def unserved(problem: Problem) -> str | None:
    """Why some prompt has no model open to it, in words; None where every prompt has one."""
    found = closed_prompts(problem)
    if not found:
        return None
    limits = {name: values for name, values in _own_limits(problem).items() if (values == values[0]).all()}
    return closed_words(found, problem.scores.called, for_all=() if len(problem) == 1 else limits)


def closed_prompts(problem: Problem, *, first: int = 0) -> list[ClosedPrompt]:
    """Prompts that no model is open to: of each block the first, and the first most in need of each limit.

    Where a block has prompts that no figure would serve, it is the first of these alone.

    Args:
        problem: The problem of a batch, or of a part of it.
        first: Row of the batch that the part begins with.
    """
    if not problem.restricts:
        return []
    closed = []
    for start in range(0, len(problem), BLOCK):
        rows = problem.rows(slice(start, start + BLOCK))
        assert rows.allowed is not None  # for the type checker: the problem restricts choices
        closed.append(start + np.flatnonzero(~rows.allowed.any(axis=1)))
    closed = [at for at in closed if len(at)]
    if not closed:
        return []
    free = replace(problem, max_cost_usd=None, max_latency_s=None)
    return [
        replace(prompt, row=first + prompt.row)
        for at in closed
        for prompt in _most_in_need(problem, free, at)
    ]


def closed_words(
    closed: Sequence[ClosedPrompt], called: Callable[[int], str], *, for_all: Collection[str]
) -> str:
    """Which limits close every model to a prompt, and the least of one that would do.

    Args:
        closed: The prompts that may be named, in their order.
        called: What a message calls the prompt of a row.
        for_all: Limits that are one number for all prompts: the figure then does for all of them.
    """
    for prompt in closed:
        if prompt.shut is not None:
            return f"{called(prompt.row)} {prompt.shut}"
    for name, unit in _UNITS.items():
        prompt = max(closed, key=lambda own: own.needs.get(name, np.inf)) if name in for_all else closed[0]
        need = prompt.needs.get(name, np.inf)
        if need < np.inf:
            kept = "".join(f" with {other} kept" for other in prompt.stated if other != name)
            which = f"least {name}" if kept else "least"
            would = "that would do for all prompts" if name in for_all else "that would do"
            return f"{_closed(prompt, called)}: the {which} {would}{kept} is {_shortest(need)} {unit}"
    return f"{_closed(closed[0], called)}: raising one of them alone would not do"


def _closed(prompt: ClosedPrompt, called: Callable[[int], str]) -> str:
    stated = [f"{name} {_shortest(value)}" for name, value in prompt.stated.items()]
    together = " together" if len(stated) > 1 else ""
    return f"{called(prompt.row)} has no model within {_listed(stated)}{together}"


def _shortest(value: float | np.float32) -> str:
    """The shortest number that reads back as a float32, such as 0.1, without a needless point."""
    return f"{float(str(np.float32(value))):.9g}"


def _most_in_need(problem: Problem, free: Problem, at: npt.NDArray[np.intp]) -> list[ClosedPrompt]:
    """Of closed prompts those that may be named; `free` is the problem without limits on a prompt."""
    scores, limits = problem.scores, {name: own[at] for name, own in _own_limits(problem).items()}
    uses = {"max_cost_usd": scores.cost_usd[at], "max_latency_s": scores.latency[at]}
    opened = free.rows(at).allowed
    opened = np.ones(uses["max_cost_usd"].shape, np.bool_) if opened is None else opened
    shut = np.flatnonzero(~opened.any(axis=1))
    if len(shut):
        row = int(at[shut[0]])
        return [ClosedPrompt(row, _shut(free, row), {}, {})]
    needs = {}
    for name in limits:
        within = opened.copy()
        for other in limits.keys() - {name}:
            within &= uses[other] <= limits[other][:, None]
        needs[name] = np.where(within, uses[name], np.float32(np.inf)).min(axis=1)
    return [
        ClosedPrompt(
            int(at[row]),
            None,
            {name: own[row] for name, own in limits.items()},
            {name: own[row] for name, own in needs.items()},
        )
        for row in sorted({0, *(int(own.argmax()) for own in needs.values())})
    ]


def _own_limits(problem: Problem) -> dict[str, npt.NDArray[np.float32]]:
    """The limits on single prompts that are given, ``(n_prompts,)`` each."""
    return {
        name: np.asarray(getattr(problem, name), np.float32)
        for name in _UNITS
        if getattr(problem, name) is not None
    }


def _shut(problem: Problem, row: int) -> str:
    """Why a prompt has no model whatever its limits, in words after its name."""
    scores = problem.scores
    open_ = np.ones(len(scores.models), np.bool_)
    if isinstance(problem.allowed, np.ndarray):
        open_ &= problem.allowed[0 if len(problem.allowed) == 1 else row]
    if not open_.any():
        return "is allowed no model"
    if problem.eligibility is not None:
        tokens = call_tokens(scores, slice(row, row + 1))[0] if problem.eligibility.has_windows else None
        reason = problem.eligibility.reason(row, scores.models, tokens, open_)
        if reason is not None:
            return reason
    return "is allowed only models of infinite latency"


@dataclass(frozen=True)
class Reason:
    """Why limits cannot hold.

    Args:
        words: Which cannot, and what would do instead.
        least_budget_usd: A budget that would do, where it is for want of money: the least that was found.
    """

    words: str
    least_budget_usd: float | None


def why_infeasible(batch: Batch, alone: Mapping[Limit, float]) -> Reason:
    """Why the limits of a batch cannot hold together, which is known; `alone` fail by themselves."""
    together = tuple(alone) or conflict(batch)
    needed = {}
    if len(alone) < 2:  # of several that fail alone, no figure of one would do
        found = {limit: need_of(batch, limit) for limit in together[:_MOST_NAMED]}
        needed = {limit: need for limit, need in found.items() if need is not None}
    if alone:
        reason = "; ".join(_alone(limit, least, needed.get(limit)) for limit, least in alone.items())
    else:
        reason = _together(batch, together, needed)
    budget = next((need.amount for limit, need in needed.items() if limit.name == "budget_usd"), None)
    return Reason(reason, budget)


def _together(batch: Batch, together: Sequence[Limit], needed: Mapping[Limit, Need]) -> str:
    """Which limits cannot hold together, and what would do instead of each."""
    reason = _listed([_stated(limit) for limit in together]) + " cannot hold together"
    instead = [f"{limit.name} {_would(limit, need)}" for limit, need in needed.items()]
    if instead:
        reason += ": with the others kept, " + " or ".join(instead) + " would do"
    if any(limit.quantity != "score" and limit.only.column is not None for limit in together):
        served = most_served(batch)
        if served is not None:
            reason += f"; at most {served} of the {len(batch)} prompts can be served"
    return reason


def fail_alone(batch: Batch) -> dict[Limit, float]:
    """The limits that cannot hold even as the only one, and the least that choices use of each, signed."""
    constraints, found = batch.constraints, {}
    near = least_uses(batch) > constraints.most - 1e-9 * np.abs(constraints.most)
    limits = np.array(constraints.limits, object)[near]
    for limit, most in zip(limits, constraints.most[near].tolist(), strict=True):
        only = batch.asking(limits=(limit,), aim={})
        least = tally(only, least_choice(only)).uses.item()
        if least > most:
            found[limit] = float(least)
    return found


def least_uses(batch: Batch) -> Floats:
    """The least that any choices use of each limit, were it the only one, with the sign of the bounds."""
    constraints = batch.constraints
    alike = {(limit.quantity, limit.only.column, limit.sign): limit for limit in constraints.limits}
    n_models = constraints.n_models
    tables = {
        key: Constraints.of([replace(limit, only=Only(limit.only.column))], n_models).tables(np.ones(1))
        for key, limit in alike.items()
    }

    def work(at: At, rows: Rows) -> Floats:
        domain = np.zeros(len(rows), np.intp) if rows.domain is None else rows.domain
        least = (_least(rows, table) for table in tables.values())
        return np.array([np.bincount(domain, own, constraints.n_domains) for own in least], np.float64)

    sums = dict(zip(tables, batch.summed(work), strict=True))
    return np.array(
        [
            sums[limit.quantity, limit.only.column, limit.sign][
                slice(None) if limit.only.domain is None else limit.only.domain
            ].sum()
            for limit in constraints.limits
        ],
        np.float64,
    )


def _least(rows: Rows, tables: Tables) -> Floats:
    """The least that any open choice uses, ``(r,)``."""
    used = np.broadcast_to(np.asarray(rows.used(tables), np.float64), rows.score.shape)
    if rows.allowed is not None:
        used = np.where(rows.allowed, used, np.inf)
    return np.asarray(used.min(axis=1), np.float64)


def _alone(limit: Limit, least: float, need: Need | None) -> str:
    """What a limit lacks that cannot hold even as the only one."""
    reached = rounded(limit.sign * least / limit.scale, up=not limit.floor)
    if limit.floor:
        reason = f"{_stated(limit)} is out of reach: the most that any assignment reaches is {reached}"
        if need is None or _would(limit, need) == reached:
            return reason
        would = "" if need.least else " would do"
        return f"{reason}, and with the others kept {_would(limit, need)}{would}"
    if need is None:
        return f"{_stated(limit)} is too little: any assignment needs {reached} at least"
    would = (
        f"the least that would do is {_would(limit, need)}"
        if need.least
        else f"{_would(limit, need)} would do"
    )
    return f"{_stated(limit)} is too little: {would}"


def _would(limit: Limit, need: Need) -> str:
    return rounded(need.amount / limit.scale, up=not limit.floor)


def _stated(limit: Limit) -> str:
    return f"{limit.name} {limit.stated:.9g}"


def rounded(value: float, *, up: bool = True) -> str:
    """Six digits of a number, rounded so that what is printed is still enough (up) or still held (down).

    >>> rounded(0.123456123), rounded(0.123456123, up=False), rounded(2.0)
    ('0.123457', '0.123456', '2')
    """
    exact = Decimal(value)
    rounding = ROUND_CEILING if up else ROUND_FLOOR
    digits = Context(prec=6, rounding=rounding).create_decimal(exact).normalize()
    return f"{float(digits):.6g}"


def _listed(values: Sequence[str]) -> str:
    """A list in words."""
    return values[0] if len(values) == 1 else ", ".join(values[:-1]) + " and " + values[-1]
