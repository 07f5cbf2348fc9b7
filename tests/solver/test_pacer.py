"""The pacer keeps a budget over prompts that it sees one at a time."""

import contextlib
import dataclasses
import json
import pickle
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from routoo.data.errors import InfeasibleError, InputError
from routoo.data.scores import Scores
from routoo.solver.pacer import Pacer
from routoo.solver.problem import Problem
from routoo.solver.solve import solve

MakeScores = Callable[[int, int, int], Scores]


def one(scores: Scores, row: int) -> Scores:
    return scores.rows(np.array([row]))


def budget_of(scores: Scores, share: float = 0.3) -> float:
    cost = scores.cost_usd.astype(np.float64)
    best = cost[np.arange(len(cost)), scores.p_correct.argmax(1)].sum()
    return float(cost.min(1).sum() + share * (best - cost.min(1).sum()))


def play(
    pacer: Pacer,
    scores: Scores,
    order: npt.NDArray[np.intp],
    *,
    ratio: npt.NDArray[np.float64] | None = None,
    delay: int = 0,
    times: npt.NDArray[np.float64] | None = None,
    true: Scores | None = None,
) -> tuple[float, float]:
    """True spend and predicted score; calls cost `ratio` of what was predicted, there or in `true`."""
    waiting: deque[tuple[int | None, float]] = deque()
    spent = score = 0.0
    for step, row in enumerate(order):
        try:
            paced = pacer.select(
                one(scores, int(row)), progress=None if times is None else float(times[step])
            )
        except InfeasibleError:
            continue
        costs = scores if true is None else true
        cost = float(costs.cost_usd[row, scores.models.index(paced.model)])
        cost *= 1.0 if ratio is None else float(ratio[step])
        spent, score = spent + cost, score + paced.p_correct
        waiting.append((paced.ticket, cost))
        while len(waiting) > delay:
            pacer.settle(*waiting.popleft())
    return spent, score


@pytest.mark.parametrize("calibrated", [True, False])
def test_a_shuffled_stream_spends_the_budget_and_scores_like_the_offline_optimum(
    calibrated: bool, random_scores: MakeScores
) -> None:
    scores, budget = random_scores(1, 1500, 5), budget_of(random_scores(1, 1500, 5))
    pacer = Pacer(budget, expected_prompts=1500, calibration=random_scores(2, 300, 5) if calibrated else None)
    spent, score = play(pacer, scores, np.arange(1500))
    assert 0.98 * budget <= spent <= budget
    assert score >= 0.99 * solve(Problem(scores=scores, budget_usd=budget)).score
    assert pacer.spent_usd == pytest.approx(spent)


@pytest.mark.parametrize("order", ["dearest first", "dearest last"])
@pytest.mark.parametrize("delay", [0, 40])
def test_no_order_overspends(order: str, delay: int, random_scores: MakeScores) -> None:
    scores = random_scores(3, 800, 4)
    budget = budget_of(scores)
    rows = np.argsort(scores.cost_usd.max(1), kind="stable")[:: -1 if order == "dearest first" else 1]
    ratio = np.random.default_rng(0).lognormal(0, 0.3, 800)
    pacer = Pacer(budget, expected_prompts=800, calibration=random_scores(4, 200, 4))
    spent, _ = play(pacer, scores, rows, ratio=ratio, delay=delay)
    assert 0.8 * budget <= spent <= budget


def test_true_costs_that_come_late_and_higher_than_predicted(random_scores: MakeScores) -> None:
    scores = random_scores(5, 1500, 4)
    budget = budget_of(scores)
    ratio = 1.3 * np.random.default_rng(1).lognormal(0, 0.4, 1500)
    pacer = Pacer(budget, expected_prompts=1500, calibration=random_scores(6, 200, 4))
    spent, _ = play(pacer, scores, np.arange(1500), ratio=ratio, delay=30)
    assert 0.95 * budget <= spent <= budget


def test_a_volume_that_nobody_foresaw_is_paced_by_the_clock(random_scores: MakeScores) -> None:
    scores = random_scores(7, 1200, 4)
    budget = budget_of(scores)
    times = np.sort(np.random.default_rng(2).uniform(0, 1, 1200))
    for forecast in (None, 400.0, 4000.0):
        pacer = Pacer(budget, expected_prompts=forecast, calibration=random_scores(8, 200, 4))
        spent, score = play(pacer, scores, np.arange(1200), times=times)
        assert 0.9 * budget <= spent <= budget, forecast
        assert score >= 0.97 * solve(Problem(scores=scores, budget_usd=budget)).score, forecast


def test_a_told_worst_cost_makes_the_budget_hard(random_scores: MakeScores) -> None:
    scores = random_scores(9, 300, 3)
    budget, spent = budget_of(scores), 0.0
    pacer = Pacer(budget, expected_prompts=300)
    for row in range(300):
        try:
            paced = pacer.select(one(scores, row), worst_cost_usd=5 * scores.cost_usd[row])
        except InfeasibleError as error:
            assert "is spent" in str(error)  # noqa: PT017 - some prompts are served, some are not
            continue
        pacer.settle(paced.ticket, 5 * paced.cost_usd)
        spent += 5 * paced.cost_usd
    assert 0.9 * budget <= spent <= budget


def test_a_restart_from_its_state_goes_on_as_if_nothing_had_happened(random_scores: MakeScores) -> None:
    scores = random_scores(10, 60, 4)
    pacer = Pacer(0.5, expected_prompts=60, calibration=random_scores(11, 50, 4))
    for row in range(30):
        paced = pacer.select(one(scores, row))
        if row % 3:
            pacer.settle(paced.ticket, paced.cost_usd * 1.1)
    state = json.dumps(pacer.to_dict())
    assert len(state) < 10_000
    again = Pacer.from_dict(json.loads(state))
    for row in range(30, 60):
        assert again.select(one(scores, row)) == pacer.select(one(scores, row))
    assert again.spent_usd == pacer.spent_usd
    again.settle(1, 0.001)


@pytest.mark.parametrize("ratio", [1e-6, 1 / 4000, 1e-3, 1e3])
@pytest.mark.parametrize("at", [0, 75, 1400])
def test_one_badly_predicted_call_costs_nothing_much(
    ratio: float, at: int, random_scores: MakeScores
) -> None:
    scores = random_scores(14, 1500, 5)
    budget = budget_of(scores)
    predicted = scores.cost_usd.copy()
    predicted[at] *= ratio
    told = dataclasses.replace(scores, cost_usd=predicted)
    pacer = Pacer(budget, expected_prompts=1500)
    spent, score = play(pacer, told, np.arange(1500), true=scores)
    assert 0.98 * budget <= spent <= budget
    assert score >= 0.99 * solve(Problem(scores=scores, budget_usd=budget)).score


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_half_and_twice_the_traffic_spend_the_budget_where_the_clock_is_told(
    factor: float, random_scores: MakeScores
) -> None:
    scores = random_scores(15, 1200, 4)
    budget = budget_of(scores)
    times = np.sort(np.random.default_rng(3).uniform(0, 1, 1200))
    spent, score = play(Pacer(budget, expected_prompts=1200 / factor), scores, np.arange(1200), times=times)
    assert 0.97 * budget <= spent <= budget
    assert score >= 0.98 * solve(Problem(scores=scores, budget_usd=budget)).score


@pytest.mark.parametrize("most", [None, 2000.0])
def test_twice_the_traffic_that_nobody_told_is_served_by_cheap_models(
    most: float | None, random_scores: MakeScores
) -> None:
    scores = random_scores(16, 2000, 4)
    price = np.array([1e-3, 0.1, 1, 10] if most is None else [0.1, 0.4, 1, 3], np.float32)
    scores = dataclasses.replace(scores, cost_usd=scores.cost_usd * price)
    pacer = Pacer(budget_of(scores), expected_prompts=1000, most_prompts=most)
    for row in range(2000):
        paced = pacer.select(one(scores, row))
        pacer.settle(paced.ticket, paced.cost_usd)
    assert 0.97 * pacer.budget_usd <= pacer.spent_usd <= pacer.budget_usd


def test_prices_that_triple_late_overspend_by_calls_under_way_alone(random_scores: MakeScores) -> None:
    scores, delay = random_scores(17, 1500, 4), 100
    ratio = np.where(np.arange(1500) < 1200, 1.0, 3.0)
    pacer = Pacer(budget_of(scores), expected_prompts=1500)
    waiting: deque[tuple[int | None, float]] = deque()
    spent = under_way = 0.0
    for row in range(1500):
        with contextlib.suppress(InfeasibleError):
            paced = pacer.select(one(scores, row))
            waiting.append((paced.ticket, paced.cost_usd * ratio[row]))
            spent += waiting[-1][1]
            under_way = sum(cost for _, cost in waiting)
        while len(waiting) > delay:
            pacer.settle(*waiting.popleft())
    assert pacer.budget_usd < spent <= pacer.budget_usd + under_way * 2 / 3


@pytest.mark.parametrize("aged", [{"expire_after": 50}, {"expire_after_s": 5.0}], ids=str)
def test_tickets_that_are_not_settled_expire_at_their_reserves(
    aged: dict[str, float], random_scores: MakeScores
) -> None:
    scores = random_scores(18, 400, 3)
    pacer = Pacer(budget_of(scores), expected_prompts=400, **aged)  # type: ignore[arg-type]  # two of its numbers
    cost = 0.0
    for row in range(400):
        paced = pacer.select(one(scores, row), now_s=row / 10)
        cost += paced.cost_usd
    assert pacer.spent_usd == pytest.approx(cost)
    assert pacer.expired == 349
    assert len(json.dumps(pacer.to_dict())) < 10_000
    with pytest.raises(InputError, match=r"ticket 349 is not open: .* expired after "):
        pacer.settle(349, 0.1)
    pacer.settle(350, 0.1)


def test_calls_that_are_told_teach_what_the_others_reserve(random_scores: MakeScores) -> None:
    scores = random_scores(19, 1500, 4)
    pacer = Pacer(budget_of(scores), expected_prompts=1500, expire_after=20)
    spent = 0.0
    for row in range(1500):
        with contextlib.suppress(InfeasibleError):
            paced = pacer.select(one(scores, row))
            spent += 2 * paced.cost_usd
            if row % 2:
                pacer.settle(paced.ticket, 2 * paced.cost_usd)
    assert 0.95 * pacer.budget_usd <= spent <= 1.02 * pacer.budget_usd


def test_a_choice_takes_no_longer_with_many_open_tickets(random_scores: MakeScores) -> None:
    scores = random_scores(20, 1, 4)
    pacer = Pacer(1e6, expected_prompts=20_000)

    def seconds() -> float:
        started = time.perf_counter()
        for _ in range(200):
            pacer.select(scores)
        return time.perf_counter() - started

    few = min(seconds() for _ in range(5))
    for _ in range(15_000):
        pacer.select(scores)
    assert min(seconds() for _ in range(5)) < 5 * few
    state = json.dumps(pacer.to_dict())
    assert len(state) < 200_000
    again = Pacer.from_dict(json.loads(state))
    assert again.to_dict() == pacer.to_dict()
    assert again.left_usd == pacer.left_usd


def test_a_pacer_survives_pickling(random_scores: MakeScores) -> None:
    pacer = Pacer(1.0, expected_prompts=9)
    pacer.select(random_scores(21, 1, 3))
    assert pickle.loads(pickle.dumps(pacer)).to_dict() == pacer.to_dict()


@pytest.mark.parametrize("cost", [float("nan"), float("inf"), -1.0, None, "1", True])
def test_a_true_cost_that_is_none_is_refused(cost: Any, random_scores: MakeScores) -> None:  # Any: what came
    pacer = Pacer(1.0, expected_prompts=9)
    ticket = pacer.select(random_scores(22, 1, 3)).ticket
    before = pacer.to_dict()
    with pytest.raises(InputError, match="cost_usd must be a finite number of at least 0"):
        pacer.settle(ticket, cost)
    assert pacer.to_dict() == before


@pytest.mark.parametrize("ticket", [None, 0, 2, -1, True, "1", 1.0])
def test_a_ticket_that_is_none_is_refused(ticket: Any, random_scores: MakeScores) -> None:  # Any: what came
    pacer = Pacer(1.0, expected_prompts=9)
    first = pacer.select(random_scores(23, 1, 3)).ticket
    with pytest.raises(InputError, match="is not open: it was settled before, never given out"):
        pacer.settle(ticket, 0.1)
    pacer.settle(np.int64(first or 0), 0.1)  # type: ignore[arg-type]  # as a column of tickets has it
    with pytest.raises(InputError, match="ticket 1 is not open"):
        pacer.settle(first, 0.1)


def test_limits_of_a_prompt_hold(random_scores: MakeScores) -> None:
    scores = random_scores(12, 1, 4)
    pacer = Pacer(10.0, expected_prompts=10)
    assert pacer.select(scores, allowed=["model 2"]).model == "model 2"
    with pytest.raises(InfeasibleError, match="no model within max_cost_usd"):
        pacer.select(scores, max_cost_usd=1e-9)
    assert pacer.seen == 1


def test_bad_input_is_refused(random_scores: MakeScores) -> None:
    scores = random_scores(13, 2, 3)
    faults: dict[str, Callable[[], object]] = {
        "budget_usd": lambda: Pacer(float("nan")),
        "half_life must be above 0": lambda: Pacer(1.0, half_life=0.0),
        "expected_prompts, or the progress": lambda: Pacer(1.0).select(one(scores, 0)),
        "one prompt at a time": lambda: Pacer(1.0, expected_prompts=2).select(scores),
        "number of at least 0 and at most 1": lambda: Pacer(1.0).select(one(scores, 0), progress=1.5),
        "for each of 3 models": lambda: Pacer(1.0, expected_prompts=2).select(
            one(scores, 0), worst_cost_usd=[1.0]
        ),
        "ticket 7 is not open": lambda: Pacer(1.0).settle(7, 0.1),
        "format 99": lambda: Pacer.from_dict({"format": 99}),
        "not whole": lambda: Pacer.from_dict({"format": 4}),
    }
    for words, make in faults.items():
        with pytest.raises(InputError, match=words):
            make()


def test_a_state_that_holds_more_than_json_is_refused() -> None:
    state = Pacer(1.0, expected_prompts=10).to_dict()
    frame = pl.DataFrame({"text": ["a"]})
    for part in ("purse", "volume", "curve"):
        with pytest.raises(InputError, match="not whole"):
            Pacer.from_dict({**state, part: frame})
