"""Bayes' rule on the answers of a cascade."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from routoo.data.errors import InputError
from routoo.data.observation import ObservationModel
from routoo.solver.cascade.belief import Beliefs, joining

Drawn = Callable[[np.random.Generator, int, int], ObservationModel]


def known(
    loading: float = 0.0, agreement: tuple[float, float, float] = (0.25, 0.01, 0.9)
) -> ObservationModel:
    one = np.ones((3, 1))
    return ObservationModel(("a", "b", "c"), np.full(3, loading), one, one, np.tile(agreement, (3, 3, 1)))


def at(*values: int) -> np.ndarray:
    return np.array(values, np.intp)


def test_a_signal_multiplies_the_odds() -> None:
    beliefs = Beliefs.start(np.array([[0.2, 0.5, 0.5]]), known()).after(at(0), np.log([6.0]), at(0))
    assert beliefs.own[0, 0] == pytest.approx(0.6)  # odds 1/4 times 6
    assert beliefs.expected[0] == pytest.approx([0.6, 0.5, 0.5], abs=1e-6)


def test_two_answers_agree_by_hand() -> None:
    start = Beliefs.start(np.array([[0.5, 0.6, 0.5]]), known()).after(at(0), np.zeros(1), at(0))
    both, one, none = 0.3 * 0.9, 0.5 * 0.01, 0.2 * 0.25
    agreed = start.after(at(1), np.zeros(1), at(0))
    assert agreed.own[0] == pytest.approx(
        [(both + 0.5 * 0.4 * 0.01) / (both + one + none), (both + 0.5 * 0.6 * 0.01) / (both + one + none)]
    )
    both, none = 0.3 * 0.1, 0.2 * 0.75
    differed = start.after(at(1), np.zeros(1), at(1))
    assert differed.own[0, 0] == pytest.approx((both + 0.2 * 0.99) / (both + 0.5 * 0.99 + none))


def test_what_seems_easy_misleads_alike() -> None:
    """With a slope of 1 and mean log-odds of log 3, wrong answers agree at three times the odds."""
    model = replace(known(), agreement_slope=1.0)
    start = Beliefs.start(np.array([[0.75, 0.75, 0.5]]), model).after(at(0), np.zeros(1), at(0))
    law = joining(start, np.array([[1]]))[0, 0]  # (right of the first, of the second, group)
    assert law[0, 0, 0] == pytest.approx(0.5)  # odds 1/3 times 3
    assert law[1, 1, 0] == pytest.approx(0.9)


def test_two_that_agree_count_as_one_witness_where_they_are_alike() -> None:
    """The third answer's odds of joining both are the geometric mean of those of joining either."""
    start = Beliefs.start(np.full((1, 3), 0.5), known(agreement=(0.2, 0.05, 0.8)))
    two = start.after(at(0), np.zeros(1), at(0)).after(at(1), np.zeros(1), at(0))
    law = joining(two, np.array([[2]]))[0, 0]
    assert law[0, 0] == pytest.approx([0.2, 0, 0.8], abs=1e-9)  # none right: joins the group, or not
    assert law[3, 1] == pytest.approx([0.8, 0, 0.2], abs=1e-9)


def test_the_factor_carries_news_to_models_that_were_not_asked() -> None:
    beliefs = Beliefs.start(np.full((1, 3), 0.5), known(loading=0.7)).after(at(0), np.log([50.0]), at(0))
    assert 0.6 < beliefs.expected[0, 1] < beliefs.expected[0, 0]
    shared = 0.7**2  # both right: 1/4 + asin(rho) / (2 pi)
    start = Beliefs.start(np.full((1, 2), 0.5), known(loading=0.7).select(["a", "b"]))
    together = (start.right[0, 0] * start.right[0, 1] * start.weight[0, 0]).sum()
    assert together == pytest.approx(0.25 + math.asin(shared) / (2 * math.pi), abs=2e-3)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_believed_is_kept_on_average(seed: int, drawn: Drawn) -> None:
    """P(right) is the mean of what is believed after an answer: nothing is learned on average."""
    draw = np.random.default_rng(seed)
    model = drawn(draw, 4, 3)
    beliefs = Beliefs.start(draw.uniform(0.02, 0.98, (1, 4)), model).after(at(1), np.zeros(1), at(0))
    law = joining(beliefs, np.array([[2]]))[0, 0]
    mean = np.zeros(4)
    for level, group in itertools.product(range(3), range(2)):
        right = (
            (beliefs.weight[0] * beliefs.right[0, 2]).sum(1) @ law[:, 1, group] * model.level_right[2, level]
        )
        wrong = beliefs.weight[0] * (1 - beliefs.right[0, 2])
        chance = right + wrong.sum(1) @ law[:, 0, group] * model.level_wrong[2, level]
        ratio = np.log(model.level_right[2, level] / model.level_wrong[2, level])
        mean += chance * beliefs.after(at(2), np.array([ratio]), at(group)).expected[0]
    assert mean == pytest.approx(beliefs.expected[0], abs=1e-12)


def test_rows_do_not_know_each_other(drawn: Drawn) -> None:
    draw = np.random.default_rng(1)
    model, p = drawn(draw, 4, 2), draw.uniform(0, 1, (6, 4))
    members, ratios = draw.integers(0, 4, 6), draw.normal(size=6)
    together = Beliefs.start(p, model).after(members, ratios, np.zeros(6, np.intp))
    for row in range(6):
        alone = Beliefs.start(p[[row]], model).after(members[[row]], ratios[[row]], at(0))
        assert together.rows(at(row)).expected == pytest.approx(alone.expected)


def test_no_evidence_is_taken_for_certain() -> None:
    beliefs = Beliefs.start(np.array([[0.0, 1.0, 0.5]]), known())
    for member in range(2):
        beliefs = beliefs.after(at(member), np.array([700.0 - 1400 * member]), at(member))
    assert np.isfinite(beliefs.expected).all()


def test_columns_must_be_the_models() -> None:
    with pytest.raises(InputError, match="one column for each of 3 models"):
        Beliefs.start(np.ones((1, 2)), known())
