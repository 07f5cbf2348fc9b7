"""Why there is no assignment: the limits that cannot hold together, and the least that would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

import numpy as np

from routoo.data.assignment import Assignment
from routoo.data.scores import Scores
from routoo.solver.answer import no_answer, words
from routoo.solver.conflict import conflict, least_that_would_do, most_served
from routoo.solver.knapsack import least_choice
from routoo.solver.ledger import Ledger
from routoo.solver.limits import Limit, Only
from routoo.solver.passes import Batch
from routoo.solver.problem import Problem
from routoo.solver.rows import Floats, Rows, Tables
from routoo.solver.tally import tally
from routoo.solver.usage import BLOCK, call_tokens

_MOST_NAMED = 4
"""Limits of a conflict for which the least that would do is worked out."""


def unserved(problem: Problem) -> str | None:
    """Why some prompt has no model open to it, in words; None where every prompt has one."""
    if not problem.restricts:
        return None
    for start in range(0, len(problem), BLOCK):
        rows = problem.rows(slice(start, start + BLOCK))
        assert rows.allowed is not None  # for the type checker: the problem restricts choices
        closed = np.flatnonzero(~rows.allowed.any(axis=1))
        if len(closed):
            return closed_words(problem, start + int(closed[0]))
    return None


def infeasible(batch: Batch, scores: Scores | tuple[str, ...], *, solver: str) -> Assignment:
    """The answer to a problem whose limits are known not to hold together."""
    alone = fail_alone(batch)
    together = tuple(alone) or conflict(batch)
    needed = {}
    if len(alone) < 2:  # of several that fail alone, no figure of one would do
        found = {limit: least_that_would_do(batch, limit) for limit in together[:_MOST_NAMED]}
        needed = {limit: need for limit, need in found.items() if need is not None}
    if alone:
        reason = "; ".join(_alone(limit, least, needed.get(limit)) for limit, least in alone.items())
    else:
        reason = _together(batch, together, needed)
    budget = next((need for limit, need in needed.items() if limit.name == "budget_usd"), None)
    return no_answer(scores, len(batch), reason, solver=solver, least_budget_usd=budget)


def _together(batch: Batch, together: Sequence[Limit], needed: Mapping[Limit, float]) -> str:
    """Which limits cannot hold together, and what would do instead of each."""
    reason = words([_stated(limit) for limit in together]) + " cannot hold together"
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
    ledger, found = batch.ledger, {}
    near = least_uses(batch) > ledger.most - 1e-9 * np.abs(ledger.most)
    for limit, most in zip(np.array(ledger.limits, object)[near], ledger.most[near].tolist(), strict=True):
        only = batch.asking(limits=(limit,), aim={})
        least = tally(only, least_choice(only)).uses.item()
        if least > most:
            found[limit] = float(least)
    return found


def least_uses(batch: Batch) -> Floats:
    """The least that any choices use of each limit, were it the only one, with the sign of the bounds."""
    ledger = batch.ledger
    alike = {(limit.quantity, limit.only.column, limit.sign): limit for limit in ledger.limits}
    tables = {
        key: Ledger.of([replace(limit, only=Only(limit.only.column))], ledger.n_models).tables(np.ones(1))
        for key, limit in alike.items()
    }

    def work(start: int, rows: Rows) -> list[Floats]:
        domain = np.zeros(len(rows), np.intp) if rows.domain is None else rows.domain
        least = (_least(rows, table) for table in tables.values())
        return [np.bincount(domain, own, ledger.n_domains).astype(np.float64) for own in least]

    sums = dict(zip(tables, np.sum(list(batch.map(work)), axis=0), strict=True))
    return np.array(
        [
            sums[limit.quantity, limit.only.column, limit.sign][
                slice(None) if limit.only.domain is None else limit.only.domain
            ].sum()
            for limit in ledger.limits
        ],
        np.float64,
    )


def _least(rows: Rows, tables: Tables) -> Floats:
    """The least that any open choice uses, ``(r,)``."""
    used = np.broadcast_to(np.asarray(rows.used(tables), np.float64), rows.score.shape)
    if rows.allowed is not None:
        used = np.where(rows.allowed, used, np.inf)
    return np.asarray(used.min(axis=1), np.float64)


def _alone(limit: Limit, least: float, need: float | None) -> str:
    """What a limit lacks that cannot hold even as the only one."""
    reached = rounded(limit.sign * least / limit.scale, up=not limit.floor)
    if limit.floor:
        reason = f"{_stated(limit)} is out of reach: the most that any assignment reaches is {reached}"
        enough = need is not None and rounded(need / limit.scale, up=False) == reached
        return (
            reason if enough or need is None else f"{reason}, and with the others kept {_would(limit, need)}"
        )
    if need is None:
        return f"{_stated(limit)} is too little: any assignment needs {reached} at least"
    return f"{_stated(limit)} is too little: the least that would do is {rounded(need / limit.scale)}"


def _would(limit: Limit, need: float) -> str:
    return rounded(need / limit.scale, up=not limit.floor)


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


def closed_words(problem: Problem, row: int) -> str:
    """Which per-prompt limit closes every model to this prompt, and the least that would open one."""
    scores = problem.scores
    name = scores.called(row)
    cost, latency = scores.cost_usd[row], scores.latency[row]
    open_ = np.ones(len(cost), np.bool_)
    if isinstance(problem.allowed, np.ndarray):
        open_ &= problem.allowed[0 if len(problem.allowed) == 1 else row]
    if not open_.any():
        return f"{name} is allowed no model"
    if problem.eligibility is not None:
        tokens = call_tokens(scores, slice(row, row + 1))[0] if problem.eligibility.has_windows else None
        reason = problem.eligibility.reason(row, scores.models, tokens, open_)
        if reason is not None:
            return f"{name} {reason}"
        open_ &= problem.eligibility.open(slice(row, row + 1), tokens)[0]
    open_ &= latency != np.inf
    if not open_.any():
        return f"{name}: every model allowed to it has infinite latency"
    reasons = []
    if problem.max_cost_usd is not None:
        limit = float(np.asarray(problem.max_cost_usd)[row])
        reasons.append((f"max_cost_usd {limit:.6g}", cost, limit, "USD"))
    if problem.max_latency_s is not None:
        limit = float(np.asarray(problem.max_latency_s)[row])
        reasons.append((f"max_latency_s {limit:.6g}", latency, limit, "s"))
    for stated, use, limit, unit in reasons:
        if not (use[open_] <= limit).any():
            least = use[open_].min()  # a float32 prints as the shortest number that reads back as it
            return f"{name} has no model within {stated}: the least that would do is {least!s} {unit}"
    both = words([stated for stated, *_ in reasons])
    stated, use, _, unit = reasons[0]
    within = open_ & (latency <= reasons[1][2])
    return (
        f"{name} has no model within {both} together: within the second, "
        f"the least {stated.split()[0]} that would do is {use[within].min()!s} {unit}"
    )
