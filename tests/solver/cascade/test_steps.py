"""The next step of a cascade, against plans worked out one by one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from routoo.data.observation import ObservationModel
from routoo.data.scores import Scores
from routoo.solver.cascade.belief import Beliefs, joining
from routoo.solver.cascade.lookahead import look_ahead
from routoo.solver.cascade.steps import next_steps, steps_of
from routoo.solver.cascade.terms import Terms
from routoo.solver.select import select

Drawn = Callable[[np.random.Generator, int, int], ObservationModel]


def looks(beliefs: Beliefs, member: int) -> Iterator[tuple[float, Beliefs]]:
    """What an answer of a model may look like, with its probability and what is believed then."""
    law, model = joining(beliefs, np.array([[member]]))[0, 0], beliefs.model
    right = (beliefs.weight[0] * beliefs.right[0, member]).sum(1) @ law[:, 1]
    wrong = (beliefs.weight[0] * (1 - beliefs.right[0, member])).sum(1) @ law[:, 0]
    for of_right, of_wrong in zip(model.level_right[member], model.level_wrong[member], strict=True):
        for group in range(beliefs.n_asked + 1):
            chance = right[group] * of_right + wrong[group] * of_wrong
            if chance > 0:
                ratio = np.log(np.array([of_right / of_wrong]))
                yield chance, beliefs.after(np.array([member]), ratio, np.array([group]))


def planned(beliefs: Beliefs, cost: np.ndarray, price: float, calls: int) -> tuple[float, float, int]:
    """Value, expected cost and first model of the best plan of at most two calls, by trying all of them."""
    best = (float(beliefs.stopped[0]) if beliefs.n_asked else -math.inf, 0.0, -1)
    for member in set(range(len(cost))) - set(beliefs.asked[0].tolist()):
        value, spent = -price * cost[member], cost[member]
        for chance, then in looks(beliefs, member):
            after = planned(then, cost, price, calls - 1) if calls > 1 else (float(then.stopped[0]), 0.0, -1)
            value, spent = value + chance * after[0], spent + chance * after[1]
        if value > best[0] + 1e-12:
            best = (value, spent, member)
    return best


@pytest.mark.parametrize("seed", range(12))
def test_steps_are_those_of_the_best_plan(seed: int, drawn: Drawn) -> None:
    draw = np.random.default_rng(seed)
    n, levels = int(draw.integers(2, 5)), int(draw.integers(1, 4))
    beliefs = Beliefs.start(draw.uniform(0.02, 0.98, (1, n)), drawn(draw, n, levels))
    cost, price = draw.exponential(size=n), draw.exponential(0.2)
    for asked in range(n)[:3]:
        calls = min(2, 3 - asked)
        step = next_steps(beliefs, Terms.of(cost[None], price=price, calls_left=calls))
        value, spent, first = planned(beliefs, cost, price, calls)
        assert step.value[0] == pytest.approx(value, abs=1e-9)
        assert (step.first[0], step.cost_usd[0]) == (first, pytest.approx(spent))
        group = min(asked, int(beliefs.same[0, -1])) if asked and draw.integers(2) else asked
        beliefs = beliefs.after(np.array([asked]), draw.normal(size=1), np.array([group]))


@pytest.mark.parametrize("seed", range(8))
def test_a_third_model_is_relied_on_where_two_disappoint(seed: int, drawn: Drawn) -> None:
    """The best other one after the first look, at what is believed of it after both."""
    draw = np.random.default_rng(seed)
    n = 4
    beliefs = Beliefs.start(draw.uniform(0.1, 0.7, (1, n)), drawn(draw, n, 2))
    cost, price = draw.exponential(size=n), draw.exponential(0.05)

    def after(before: Beliefs, then: Beliefs) -> float:
        others = set(range(n)) - set(then.asked[0].tolist())
        third = max(others, key=lambda other: before.expected[0, other] - price * cost[other])
        return float(max(then.stopped[0], then.expected[0, third] - price * cost[third]))

    values = []
    for first in range(n):
        value = -price * cost[first]
        for chance, read in looks(beliefs, first):
            goes_on = [
                sum(c * after(read, then) for c, then in looks(read, other)) - price * cost[other]
                for other in set(range(n)) - {first}
            ]
            value += chance * max(float(read.stopped[0]), *goes_on)
        values.append(value)
    step = next_steps(beliefs, Terms.of(cost[None], price=price, calls_left=3))
    assert step.value[0] == pytest.approx(max(values), abs=1e-9)
    assert step.first[0] == np.argmax(values)
    two = next_steps(beliefs, Terms.of(cost[None], price=price, calls_left=2))
    assert step.value[0] >= two.value[0] - 1e-12


@pytest.mark.parametrize("seed", range(4))
def test_no_model_is_third_that_is_first_or_second(seed: int, drawn: Drawn) -> None:
    """Where one prompt may ask two models alone and another one three, each step is as if alone."""
    draw = np.random.default_rng(seed)
    beliefs = Beliefs.start(draw.uniform(0.3, 0.7, (4, 3)), drawn(draw, 3, 2))
    open_ = np.array([[True, True, False], [True, False, True], [False, True, True], [True, True, True]])
    terms = Terms.of(draw.uniform(0, 1, (4, 3)), price=0.1, open_=open_)
    steps = next_steps(beliefs, terms)
    for row in range(4):
        alone = next_steps(beliefs.rows(np.array([row])), terms.rows(np.array([row])))
        assert (steps.first[row], steps.value[row]) == (alone.first[0], pytest.approx(alone.value[0]))


@pytest.mark.parametrize("seed", range(5))
def test_what_is_pruned_does_not_change_the_step(seed: int, drawn: Drawn) -> None:
    draw = np.random.default_rng(seed)
    model, p = drawn(draw, 6, 2), draw.uniform(0, 1, (40, 6))
    beliefs = Beliefs.start(p, model)
    for asked in range(3):
        terms = Terms.of(
            draw.exponential(size=(40, 6)), price=draw.exponential(0.4, 40), calls_left=3 - asked
        )
        everything = terms.open.copy()
        np.put_along_axis(everything, beliefs.asked, False, 1)
        whole = steps_of(look_ahead(beliefs, np.arange(6), calls=3 - asked), terms, everything, everything)
        pruned = next_steps(beliefs, terms)
        for name in ("first", "second", "value", "cost_usd"):
            assert getattr(pruned, name) == pytest.approx(getattr(whole, name), abs=1e-12), name
        if asked < 2:
            beliefs = beliefs.after(np.full(40, asked), draw.normal(size=40), np.full(40, asked))


@pytest.mark.parametrize("seed", range(5))
def test_one_call_is_what_a_router_chooses(seed: int, drawn: Drawn) -> None:
    draw = np.random.default_rng(seed)
    p, cost = (
        draw.uniform(0, 1, (30, 5)).astype(np.float32),
        draw.exponential(size=(30, 5)).astype(np.float32),
    )
    p[:5] = p[:5].round(1)  # some that tie
    beliefs = Beliefs.start(p, drawn(draw, 5, 2))
    for price in (0.0, 0.1, 1.0, 30.0):
        step = next_steps(beliefs, Terms.of(cost, price=price, calls_left=1))
        for row in range(30):
            chosen = select(Scores(p[[row]], cost[[row]], models=beliefs.model.models), price=price)
            assert beliefs.model.models[step.first[row]] == chosen.model


def test_at_a_price_of_zero_everything_worth_a_call_is_asked(drawn: Drawn) -> None:
    draw = np.random.default_rng(3)
    beliefs = Beliefs.start(draw.uniform(0.2, 0.8, (1, 4)), drawn(draw, 4, 3))
    beliefs = beliefs.after(np.array([0]), np.zeros(1), np.array([0]))
    assert next_steps(beliefs, Terms.of(np.ones((1, 4)), price=0, calls_left=2)).first[0] > 0
    assert next_steps(beliefs, Terms.of(np.ones((1, 4)), price=2, calls_left=2)).first[0] == -1


def test_caps_close_what_does_not_fit(drawn: Drawn) -> None:
    draw = np.random.default_rng(0)
    beliefs = Beliefs.start(np.array([[0.3, 0.6, 0.9]]), drawn(draw, 3, 3))
    cost = np.array([[1.0, 2.0, 4.0]])
    for usd, seconds, allowed in (
        (4.0, 9.0, {0, 1, 2}),
        (3.0, 9.0, {0, 1}),
        (9.0, 1.0, {0}),
        (0.5, 9.0, {-1}),
    ):
        terms = Terms.of(cost, usd_left=usd, latency_s=cost, seconds_left=seconds)
        step = next_steps(beliefs, terms)
        assert step.first[0] in allowed
        asked = [at for at in (step.first[0], step.second[0]) if at >= 0]
        assert cost[0, asked].sum() <= usd
        assert cost[0, asked].max(initial=0) <= seconds
    closed = Terms.of(cost, open_=np.array([[True, True, False]]))
    assert next_steps(beliefs, closed).first[0] in (0, 1)


def test_two_are_asked_at_once_where_there_is_no_time_for_one_after_the_other(drawn: Drawn) -> None:
    draw = np.random.default_rng(4)
    model = replace(drawn(draw, 2, 2), level_right=np.array([[0.1, 0.9]] * 2))
    model = replace(model, level_wrong=np.array([[0.9, 0.1]] * 2))
    beliefs, cost = Beliefs.start(np.array([[0.5, 0.5]]), model), np.full((1, 2), 1e-3)
    patient = next_steps(beliefs, Terms.of(cost, price=0.1, calls_left=2))
    assert patient.second[0] == -1
    hasty = Terms.of(cost, price=0.1, calls_left=2, latency_s=np.ones((1, 2)), seconds_left=1.5)
    assert {int(next_steps(beliefs, hasty).first[0]), int(next_steps(beliefs, hasty).second[0])} == {0, 1}
    timed = Terms.of(cost, price=0.1, calls_left=2, latency_s=np.ones((1, 2)), price_s=0.01)
    assert next_steps(beliefs, timed).second[0] >= 0
    costly = Terms.of(cost, price=900, calls_left=2, latency_s=np.ones((1, 2)), price_s=0.01)
    assert next_steps(beliefs, costly).second[0] == -1


def test_nothing_may_be_asked(drawn: Drawn) -> None:
    beliefs = Beliefs.start(np.array([[0.5, 0.5]]), drawn(np.random.default_rng(0), 2, 1))
    step = next_steps(beliefs, Terms.of(np.ones((1, 2)), open_=np.zeros((1, 2), bool)))
    assert (step.first[0], step.value[0], step.cost_usd[0]) == (-1, -np.inf, 0.0)


def test_a_cascade_by_thresholds_falls_out() -> None:
    """Of two models of which the second shows no signal, the first answer settles all above one threshold."""
    draw = np.random.default_rng(0)
    silent, rows = np.ones((2, 1)), 400
    model = ObservationModel(("small", "large"), np.zeros(2), silent, silent, np.full((2, 2, 3), 0.5))
    beliefs = Beliefs.start(np.tile([0.5, 0.8], (rows, 1)), model)
    first = np.zeros(rows, np.intp)
    beliefs = beliefs.after(first, draw.normal(0, 2, rows), first)
    cost = np.tile([1.0, 10.0], (rows, 1))
    for price in (0.0, 0.01, 0.04, 0.09):
        escalated = next_steps(beliefs, Terms.of(cost, price=price, calls_left=1)).first == 1
        assert (escalated == (beliefs.own[:, 0] < 0.8 - 10 * price)).all()
        assert 0 < escalated.sum() < rows or price == 0.09
