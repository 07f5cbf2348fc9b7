"""Many cascades under way, and what they may cost together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from routoo.data.observation import ObservationModel
from routoo.solver.cascade.belief import Beliefs
from routoo.solver.cascade.course import Course, replayed
from routoo.solver.cascade.steps import next_steps
from routoo.solver.cascade.terms import Terms

Drawn = Callable[[np.random.Generator, int, int], ObservationModel]


@dataclass
class World:
    """Recorded answers of every model to every prompt."""

    model: ObservationModel
    p: np.ndarray
    log_ratio: np.ndarray
    code: np.ndarray
    usd: np.ndarray
    seconds: np.ndarray

    def course(self, price: float | np.ndarray, calls: int = 3, prompt: np.ndarray | None = None) -> Course:
        at = np.arange(len(self.p)) if prompt is None else prompt
        terms = Terms.of(self.usd[at], price=price, calls_left=calls, latency_s=self.seconds[at])
        return Course(Beliefs.start(self.p, self.model), terms, prompt)

    def replayed(self, course: Course) -> Course:
        return replayed(course, self.log_ratio, self.code, self.usd, self.seconds)


@pytest.fixture
def world(drawn: Drawn) -> World:
    draw = np.random.default_rng(0)
    shape = (60, 5)
    return World(
        drawn(draw, 5, 3),
        draw.uniform(0.1, 0.9, shape),
        draw.normal(size=shape),
        draw.integers(-1, 3, shape),
        draw.exponential(size=shape),
        draw.exponential(size=shape),
    )


def test_a_course_takes_the_steps_of_each_prompt_on_its_own(world: World) -> None:
    course = world.replayed(world.course(0.05))
    chosen, p = course.settled
    for row in range(len(world.p)):
        beliefs, spent = Beliefs.start(world.p[[row]], world.model), 0.0
        asked: list[int] = []
        while True:
            terms = Terms.of(world.usd[[row]], price=0.05, calls_left=3 - len(asked))
            member = int(next_steps(beliefs, terms).first[0])
            if member < 0:
                break
            code = world.code[row, member]
            alike = [at for at, other in enumerate(asked) if code >= 0 and world.code[row, other] == code]
            same = np.array([alike[0] if alike else len(asked)])
            beliefs = beliefs.after(np.array([member]), world.log_ratio[row, [member]], same)
            asked.append(member)
            spent += world.usd[row, member]
        assert [at for at in course.asked[row] if at >= 0] == asked
        assert course.spent[row] == pytest.approx(spent)
        assert (chosen[row], p[row]) == (beliefs.best[0], pytest.approx(beliefs.stopped[0]))


def test_prompts_that_are_several_cases_are_as_if_alone(world: World) -> None:
    prices = np.geomspace(0.01, 1, 5)
    prompt = np.repeat(np.arange(60), 5)
    together = world.replayed(world.course(np.tile(prices, 60), prompt=prompt))
    for at, price in enumerate(prices):
        alone = world.replayed(world.course(price))
        assert together.spent.reshape(60, 5)[:, at] == pytest.approx(alone.spent)
        assert (together.settled[0].reshape(60, 5)[:, at] == alone.settled[0]).all()


def test_what_a_plan_is_expected_to_cost_falls_with_the_price_and_meets_a_budget(world: World) -> None:
    course = world.course(0.0)
    spend = [course.steps(np.full(60, price)).cost_usd.sum() for price in np.geomspace(1e-3, 10, 12)]
    assert (np.diff(spend) <= 1e-9).all()
    least, most = course.steps(np.full(60, 1e9)).cost_usd.sum(), course.steps(np.zeros(60)).cost_usd.sum()
    for share in (0.1, 0.5, 0.9):
        budget = least + share * (most - least)
        price, steps = course.price_within(budget)
        assert steps.cost_usd.sum() <= budget
        assert course.steps(np.full(60, price * 0.99)).cost_usd.sum() >= budget * 0.98
    assert course.price_within(most)[0] == 0


def test_a_model_that_fails_is_passed_over_and_paid(world: World) -> None:
    course = world.course(0.01)
    steps = course.steps()
    cases = np.flatnonzero(steps.first >= 0)
    course.failed(cases, steps.first[cases], usd=np.full(len(cases), 0.5), seconds=np.ones(len(cases)))
    assert (course.spent[cases] == 0.5).all()
    again = course.steps()
    assert (again.first[cases] != steps.first[cases]).all()
    assert (course.settled[0] == -1).all()


def test_calls_are_counted_failures_too(world: World) -> None:
    course = world.course(0.0, calls=2)
    for _ in range(2):
        first = course.steps().first
        cases = np.flatnonzero(first >= 0)
        course.failed(cases, first[cases], usd=np.zeros(len(cases)), seconds=np.zeros(len(cases)))
    assert (course.steps().first == -1).all()


def test_models_asked_at_once_take_the_time_of_the_slower(world: World) -> None:
    terms = Terms.of(world.usd, price=0.02, calls_left=2, latency_s=world.seconds, seconds_left=2.0)
    course = world.replayed(Course(Beliefs.start(world.p, world.model), terms))
    twice = course.answers == 2
    assert twice.any()
    assert (course.seconds <= 2 + 1e-12).all()
