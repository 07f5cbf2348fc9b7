"""Streams that drift in every way, each played to a pacer by a caller who errs in every way.

    python tests/fuzz/pace_streams.py [--count 2000] [--seed N] [--seconds S]

Traffic, prices and costs drift by factors, single costs are mispredicted by up to a million, true costs come
late or never, clocks go back, tickets are settled twice or were never given out, restarts happen at any
moment, and threads share the pacer. What `docs/solver.md` states of pacing must hold to the cent.
"""

from __future__ import annotations

import json
import math
import sys
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from trials import run_trials

from routoo.data.errors import InfeasibleError, InputError
from routoo.data.scores import Scores
from routoo.solver.pacer import Pacer
from routoo.solver.problem import Problem
from routoo.solver.select import Selection
from routoo.solver.solve import solve

Floats = npt.NDArray[np.float64]

ROUNDING = 1e-9
"""Share of the budget that is let pass."""

LEAST_USED = 0.97
MOST_LOST = 0.01


@dataclass(frozen=True, eq=False, kw_only=True)
class Stream:
    """Prompts as they come, and how their caller goes about it.

    Args:
        scores: What is predicted of them.
        true_cost_usd: What their calls cost, ``(n_prompts, n_models)``.
        forecast: How many were expected.
        budget_usd: Money for all.
        progress: What is reported of the clock at each, if anything.
        delay: Prompts after which a true cost is reported.
        settled: Which are settled at all, ``(n_prompts,)``.
        expire_after: Prompts after which tickets expire.
        worst: Times the predicted cost that a call may cost at worst, where that is reported.
        calm: Whether nothing but volume and single mispredicted calls differs from what was expected.
    """

    scores: Scores
    true_cost_usd: Floats
    forecast: float | None
    budget_usd: float
    progress: Floats | None
    delay: int
    settled: npt.NDArray[np.bool_]
    expire_after: float
    worst: float | None
    calm: bool


def make_stream(seed: int, index: int) -> Stream:
    """The stream of a seed; one in three is calm, and long enough for what holds on average."""
    rng = np.random.default_rng([seed, index])
    calm = index % 3 == 0
    n, m = int(rng.integers(800, 1600) if calm else rng.integers(1, 400)), int(rng.integers(1, 7))
    scale = 10.0 ** rng.uniform(-7, 3)
    p = 1 / (1 + np.exp(rng.normal(0, 1.2, (n, 1)) - np.linspace(-0.5, 2, m) - rng.normal(0, 0.5, (n, m))))
    tokens = rng.lognormal(0, 0.7, (n, 1)) * rng.lognormal(0, 0.3, (n, m))
    cost = scale * tokens * np.logspace(0, rng.uniform(0, 3), m)
    if not calm:
        cost *= _step(rng, n)
    true = cost if calm else cost * _step(rng, n) * rng.lognormal(0, rng.choice([0, 0.3, 1.0]), (n, m))
    predicted, delay, settled = cost.copy(), int(rng.integers(0, 20)), np.ones(n, np.bool_)
    if rng.random() < 0.5:
        predicted[rng.integers(n)] *= 10.0 ** rng.uniform(-6, -2 if calm else 6)
    worst = None
    if not calm:
        delay, settled = int(rng.choice([0, 1, 30, 300])), rng.random(n) < rng.choice([0, 0.5, 1, 1])
        if rng.random() < 0.2:
            worst, true = float(rng.uniform(1, 5)), np.minimum(true, cost)
            predicted, settled = cost, np.ones(n, np.bool_)
    scores = _scores(p, predicted)
    volume = float(2.0 ** rng.uniform(-1, 1))
    clock = np.sort(rng.uniform(0, 1, n)) if rng.random() < 0.5 else None
    if calm and clock is None:
        volume = 1.0
    if clock is not None and not calm:
        clock = np.where(rng.random(n) < 0.1, rng.random(n) * clock, clock)
    low, high = float(true.min(1).sum()), float(solve(Problem(scores=_scores(p, true))).cost_usd)
    share = rng.uniform(0.1, 0.8) if calm else rng.uniform(-0.5, 1.5)
    budget = max(low + share * (high - low), 0.0)
    return Stream(
        scores=scores,
        true_cost_usd=true,
        forecast=None if clock is not None and rng.random() < 0.3 else n * volume,
        budget_usd=budget,
        progress=clock,
        delay=delay,
        settled=settled,
        expire_after=float(rng.choice([20_000, 1, 50])) if not calm else 20_000,
        worst=worst,
        calm=calm and 1.25 * low < budget < 0.8 * high,
    )


@dataclass
class Played:
    """What came of a stream, and what was wrong with it."""

    wrong: list[str]
    spent: float = 0.0
    score: float = 0.0
    refused: int = 0
    untold: float = 0.0


def play(stream: Stream, rng: np.random.Generator) -> Played:
    """Plays a stream to a pacer, and to another that is written and read back at any moment."""
    scores = stream.scores
    pacer = Pacer(stream.budget_usd, expected_prompts=stream.forecast, expire_after=stream.expire_after)
    twin, out = Pacer.from_dict(_through_json(pacer)), Played([])
    waiting: deque[tuple[int, float]] = deque()
    silent = 0.0
    for row in range(len(scores)):
        one = scores.rows(np.array([row]))
        fields: dict[str, Any] = {  # Any: arguments of several kinds
            "progress": None if stream.progress is None else float(stream.progress[row]),
            "worst_cost_usd": None if stream.worst is None else stream.worst * one.cost_usd[0],
            "now_s": float(rng.uniform(0, 100)),
        }
        chosen: list[Selection | None] = []
        for each in (pacer, twin):
            try:
                chosen.append(each.select(one, **fields))
            except InfeasibleError:
                chosen.append(None)
        paced, again = chosen
        if paced != again:
            out.wrong.append(f"row {row}: {paced} without restart, {again} with one")
        if paced is None:
            out.refused += 1
        else:
            cost = float(stream.true_cost_usd[row, scores.models.index(paced.model)])
            out.spent, out.score = out.spent + cost, out.score + paced.p_correct
            if stream.settled[row]:
                waiting.append((paced.ticket or 0, cost))
            else:
                silent += cost
            out.untold = silent + math.fsum(usd for _, usd in waiting)
        while waiting and waiting[0][0] <= row + 1 - stream.delay:
            ticket, cost = waiting.popleft()
            if row + 1 - ticket > stream.expire_after:
                silent += cost  # it expired before it could be reported
                continue
            for each in (pacer, twin):
                each.settle(ticket, cost)
            if rng.random() < 0.02:
                out.wrong += misuse(pacer, ticket)
        if rng.random() < 0.05:
            twin = Pacer.from_dict(_through_json(twin))
    if _through_json(pacer) != _through_json(twin):
        out.wrong.append("the state of a pacer that was restarted is another")
    if len(json.dumps(pacer.to_dict())) > 9_000 + 30 * len(scores):
        out.wrong.append("the state is large")
    return out


def misuse(pacer: Pacer, settled: int) -> list[str]:
    """What a pacer took that it should have refused, or changed by refusing."""
    before, wrong = _through_json(pacer), []
    foreign = pacer.seen + 7
    for ticket, cost in [(settled, 0.1), (foreign, 0.1), (None, 0.1), (True, 0.1), ("1", 0.1)] + [
        (max(pacer.seen, 1), odd) for odd in (math.nan, math.inf, -1.0, None, "1", True)
    ]:
        with suppress(InputError):
            pacer.settle(ticket, cost)  # type: ignore[arg-type]  # what no caller should give
            wrong.append(f"settle({ticket!r}, {cost!r}) is taken")
    return wrong if _through_json(pacer) == before else [*wrong, "a refused settlement changed the state"]


def check(stream: Stream, rng: np.random.Generator) -> list[str]:
    """What does not hold of a stream."""
    played, budget = play(stream, rng), stream.budget_usd
    wrong = played.wrong
    if played.spent > budget * (1 + ROUNDING) + played.untold:
        wrong.append(f"spent {played.spent!r} of {budget!r}, with {played.untold!r} under way")
    if stream.worst is not None and stream.expire_after > 300 and played.spent > budget * (1 + ROUNDING):
        wrong.append(f"spent {played.spent!r} of {budget!r} though the worst costs were reported")
    if stream.calm:
        if played.spent < LEAST_USED * budget or played.spent > budget * (1 + ROUNDING):
            wrong.append(f"spent {played.spent / budget:.2%} of the budget in a calm stream")
        if played.refused > 1 + stream.delay:
            wrong.append(f"{played.refused} refused in a calm stream")
        plain = replace(stream, scores=_scores(stream.scores.p_correct, stream.true_cost_usd))
        without = play(plain, np.random.default_rng(0))
        if played.score < (1 - MOST_LOST) * without.score:
            wrong.append(f"one call cost {1 - played.score / without.score:.2%} of the score")
    return wrong


def check_threads(seed: int, index: int, threads: int = 4, prompts: int = 60) -> list[str]:
    """What does not hold where threads share a pacer."""
    rng = np.random.default_rng([seed, index, 1])
    scores = _scores(rng.random((prompts, 3)), rng.lognormal(-6, 1, (prompts, 3)))
    pacer = Pacer(1e3, expected_prompts=threads * prompts)
    tickets: list[int] = []
    settled: list[int] = []

    def work() -> None:
        for row in range(prompts):
            ticket = pacer.select(scores.rows(np.array([row]))).ticket or 0
            tickets.append(ticket)
            if row % 3:
                with suppress(InputError):
                    pacer.settle(ticket, 0.25)
                    settled.append(ticket)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if sorted(tickets) != list(range(1, threads * prompts + 1)):
        return [f"{len(tickets)} tickets of threads, {len(set(tickets))} of them different"]
    for ticket in set(tickets) - set(settled):
        pacer.settle(ticket, 0.25)
    exact = math.isclose(pacer.spent_usd, 0.25 * threads * prompts)
    return [] if exact else [f"threads spent {pacer.spent_usd!r}, not {0.25 * threads * prompts!r}"]


def run(seed: int, index: int) -> list[str]:
    """What is wrong with one stream; one in twenty is shared by threads."""
    wrong = check(make_stream(seed, index), np.random.default_rng([seed, index, 2]))
    return wrong + (check_threads(seed, index) if index % 20 == 0 else [])


def _step(rng: np.random.Generator, n: int) -> Floats:
    """A factor that all costs drift by at some moment, ``(n, 1)``."""
    factor = 5.0 ** rng.uniform(-1, 1)
    return np.where(np.arange(n) >= rng.uniform(0, n), factor, 1.0)[:, None]


def _scores(p_correct: npt.NDArray[np.floating], cost_usd: Floats) -> Scores:
    names = tuple(f"model {at}" for at in range(p_correct.shape[1]))
    p, cost = p_correct.astype(np.float32), cost_usd.astype(np.float32)
    return Scores(p, cost, np.zeros_like(p), models=names)


def _through_json(pacer: Pacer) -> dict[str, object]:
    state: dict[str, object] = json.loads(json.dumps(pacer.to_dict()))
    return state


if __name__ == "__main__":
    sys.exit(run_trials(__doc__, run, count=2_000, called=lambda: "streams"))
