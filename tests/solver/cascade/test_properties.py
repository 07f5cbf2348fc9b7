"""What must hold of cascades whatever the prompts: worthless and perfect signals, and budgets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from routoo.data.curves import hull
from routoo.data.observation import ObservationModel
from routoo.solver.cascade.belief import Beliefs
from routoo.solver.cascade.course import Course, replayed
from routoo.solver.cascade.terms import Terms

Drawn = Callable[[np.random.Generator, int, int], ObservationModel]
COST = np.array([1.0, 8.0])
PRICES = np.geomspace(1e-3, 1.0, 25)


def two_models(level_right: list[float]) -> ObservationModel:
    """A signal of two levels, as often the other way round for wrong answers; agreement says nothing."""
    right = np.tile(level_right, (2, 1))
    return ObservationModel(("small", "large"), np.zeros(2), right, right[:, ::-1], np.full((2, 2, 3), 0.3))


def played(model: ObservationModel, p: np.ndarray, right: np.ndarray, log_ratio: np.ndarray) -> list[Course]:
    """A course at each price; no two answers are equal."""
    found = []
    for price in PRICES:
        terms = Terms.of(np.tile(COST, (len(p), 1)), price=price, calls_left=2)
        course = Course(Beliefs.start(p, model), terms)
        nothing = np.zeros(p.shape)
        found.append(replayed(course, log_ratio, np.full(p.shape, -1), np.tile(COST, (len(p), 1)), nothing))
    return found


def test_a_random_signal_gives_the_straight_line() -> None:
    draw = np.random.default_rng(0)
    p = np.tile([0.6, 0.9], (2000, 1))
    right = draw.uniform(size=p.shape) < p
    courses = played(two_models([0.5, 0.5]), p, right, np.zeros(p.shape))
    rows = np.arange(len(p))
    points = [(course.spent.mean(), right[rows, course.settled[0]].mean()) for course in courses]
    assert all((course.calls == 1).all() for course in courses)
    line = np.column_stack([COST, right.mean(0)])
    assert hull(np.array(points)) == pytest.approx(line)


def test_a_perfect_signal_gives_the_oracle_s_curve() -> None:
    """The small model answers what it can; its failures go to the large one, the likeliest gains first."""
    draw = np.random.default_rng(1)
    p = np.column_stack([draw.uniform(0.4, 0.8, 2000), draw.uniform(0.1, 1.0, 2000)])
    right = draw.uniform(size=p.shape) < p
    courses = played(two_models([0.001, 0.999]), p, right, np.where(right, 1.0, -1.0) * np.log(999))
    rows = np.arange(len(p))
    for price, course in zip(PRICES, courses, strict=True):
        small = course.asked[:, 0] == 0
        on = small & ~right[:, 0] & (p[:, 1] > price * COST[1] + 0.01)
        off = small & (right[:, 0] | (p[:, 1] < price * COST[1] - 0.01))
        assert (course.calls[on] == 2).all()
        assert (course.calls[off] == 1).all()
        assert (right[rows, course.settled[0]] == right[:, 0])[off].all()
        assert (right[rows, course.settled[0]] == right[:, 1])[on].all()
    spent, score = courses[0].spent.mean(), right[rows, courses[0].settled[0]].mean()
    assert score == pytest.approx(right.any(1).mean(), abs=0.01)
    assert spent < COST[1]


@pytest.mark.parametrize("seed", range(4))
def test_a_budget_is_never_overspent_in_any_order(seed: int, drawn: Drawn) -> None:
    """The price is found anew after each round; a round's calls cost no more than its plans may."""
    draw = np.random.default_rng(seed)
    shape = (40, 5)
    usd, p = draw.exponential(size=shape), draw.uniform(0.1, 0.9, shape)
    log_ratio, code = draw.normal(size=shape), draw.integers(-1, 3, shape)
    for share in (0.02, 0.3, 0.8):
        course = Course(Beliefs.start(p, drawn(draw, 5, 3)), Terms.of(usd, calls_left=3))
        nothing, everything = np.full(40, 1e9), np.zeros(40)
        least, most = (course.steps(price).cost_usd.sum() for price in (nothing, everything))
        left = budget = least + share * (most - least)
        while not course.over.all():
            steps = course.price_within(left)[1]
            course.stop(np.flatnonzero(steps.first < 0))
            asked = draw.permutation(np.flatnonzero(steps.first >= 0))
            for case, member in zip(asked[:, None], steps.first[asked][:, None], strict=True):
                true = usd[case, member] * (1 if draw.integers(2) else draw.uniform(0.5, 1))
                course.answered(
                    case,
                    member,
                    log_ratio=log_ratio[case, member],
                    code=code[case, member],
                    usd=true,
                    seconds=np.zeros(1),
                )
                left -= true.sum()
                assert left >= -1e-9 * budget
        assert course.spent.sum() == pytest.approx(budget - left)
        assert (course.answers > 0).all()
