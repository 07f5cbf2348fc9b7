"""The pacer keeps a budget over prompts that it sees one at a time."""

import json
from collections import deque
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
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
) -> tuple[float, float]:
    """True spend and predicted score; each call truly costs `ratio` of what was predicted."""
    waiting: deque[tuple[int | None, float]] = deque()
    spent = score = 0.0
    for step, row in enumerate(order):
        try:
            paced = pacer.select(
                one(scores, int(row)), progress=None if times is None else float(times[step])
            )
        except InfeasibleError:
            continue
        cost = paced.cost_usd * (1.0 if ratio is None else float(ratio[step]))
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
        "not whole": lambda: Pacer.from_dict({"format": 3}),
    }
    for words, make in faults.items():
        with pytest.raises(InputError, match=words):
            make()
