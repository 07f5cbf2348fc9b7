"""Policies over a batch, and whether the promise holds of families of them."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy import stats

from routoo.solver.bounds.special import Array
from routoo.solver.smart.batches import Recorded
from routoo.solver.smart.certified import CertifiedSmart
from routoo.solver.smart.policies import MOST, Policies, spread_prices
from routoo.solver.smart.replay import replay
from routoo.solver.smart.terms import Flags, Terms

THREE = Policies(
    np.array([[2, 0, 2, 2], [1, 0, 0, 2], [0, 0, 0, 0]]),
    np.array([[1.0, 2.0, 10.0]] * 2 + [[3.0, 6.0, 30.0]] * 2),
    np.zeros((3, 4)),
)
"""Two models and a reference, numbered 2, over four items."""


def test_what_a_policy_costs_and_whom_it_asks() -> None:
    assert THREE.reach.tolist() == [1, 3, 4]
    assert THREE.costs.tolist() == [(10 + 1 + 30 + 30) / 4, (2 + 1 + 3 + 30) / 4, (1 + 1 + 3 + 3) / 4]
    assert THREE.models(np.array([True, True, False])).tolist() == [
        [False, True, True, False],
        [True, False, False, False],
    ]


def test_calls_that_policies_share_are_paid_once_and_each_answer_is_judged() -> None:
    asked = np.array([[True, True, False], [False, False, True], [False, False, False]])
    assert THREE.asking(asked).tolist() == [(1 + 3 + 2) / 4, 8 / 4, 0]
    assert THREE.asking(asked, beside=0.5).tolist() == [(1 + 3 + 2 + 1.5) / 4, 10 / 4, 0]


def test_each_model_alone() -> None:
    alone = Policies.alone(THREE.cost)
    assert alone.chosen.tolist() == [[0] * 4, [1] * 4]
    assert alone.asking(np.array([[True, True]])).tolist() == [(1 + 1 + 3 + 3 + 2 + 2 + 6 + 6) / 4]


def predictions(n: int, *, seed: int = 0, models: int = 1) -> tuple[Array, Array]:
    draw = np.random.default_rng(seed)
    agreement = draw.beta(4, 1, (n, models))
    usd = np.append(np.arange(1.0, models + 1), 20.0) * 1e-4
    return agreement, usd * draw.uniform(0.5, 1.5, (n, 1))


@pytest.mark.parametrize("models", [1, 3])
def test_prices_go_from_safe_to_cheap_in_even_steps(models: int) -> None:
    agreement, cost = predictions(2000, models=models)
    prices = spread_prices(partial(Policies.at_prices, agreement, cost))
    policies = Policies.at_prices(agreement, cost, prices)
    agreed = np.append(agreement, np.ones((2000, 1)), 1)
    expected = [agreed[np.arange(2000), chosen].mean() for chosen in policies.chosen]
    assert MOST / 2 < len(prices) <= MOST + 1
    assert (np.diff(policies.costs) < 0).all()
    assert (np.diff(expected) < 0).all()
    assert (policies.chosen[-1] == 0).all()
    assert np.abs(np.diff(policies.costs)).max() < 0.2 * cost[:, -1].mean()


def test_there_is_always_a_price() -> None:
    """Where nobody is cheaper than the reference, the policy leaves all to it."""
    agreement, cost = np.full((5, 1), 0.9), np.tile([2.0, 1.0], (5, 1))
    policies = Policies.at_prices(
        agreement, cost, spread_prices(partial(Policies.at_prices, agreement, cost))
    )
    assert policies.chosen.tolist() == [[1] * 5]


def test_cascades_that_learn_nothing_from_answers_are_choices_by_price() -> None:
    agreement, cost = predictions(500, models=3)
    prices = np.geomspace(1, 1e5, 30)
    nothing = np.tile([0.25, 0.75], (3, 2, 1)).transpose(2, 1, 0)
    cascades = Policies.cascades(agreement, cost, prices, nothing)
    assert (cascades.chosen == Policies.at_prices(agreement, cost, prices).chosen).all()
    assert not np.any(cascades.handed_on)


def test_cascades_that_learn_all_hand_on_what_differs_and_nothing_else() -> None:
    """An answer that reads as one that differs is handed on; the model is asked where that pays."""
    agreement, cost = np.array([[0.2], [0.6], [0.96]]), np.array([[1.0, 4.0]] * 3)
    found = Policies.cascades(agreement, cost, np.array([0.01]), np.array([[[1.0], [0.0]], [[0.0], [1.0]]]))
    assert found.chosen.tolist() == [[1, 0, 0]]  # .2 of the reference's 4 USD is less than the model's 1
    assert found.handed_on == pytest.approx((0.4 + 0.04) / 2)
    assert found.costs == pytest.approx((4 + 1 + 1 + 0.22 * 8) / 3)


def family(n_runs: int, n: int, *, seed: int, models: int = 2) -> tuple[Policies, Flags]:
    """A router's policies, and whether each differs on the items of batches in random orders; agreement is
    over-stated for the cheapest model, so that orders of prices are not those of rates."""
    agreement, cost = predictions(n, seed=seed, models=models)
    policies = Policies.at_prices(
        agreement, cost, spread_prices(partial(Policies.at_prices, agreement, cost))
    )
    draw = np.random.default_rng(seed + 1)
    true = agreement - np.append(0.1, np.zeros(models - 1))
    differs = np.append(draw.random(true.shape) > true, np.zeros((n, 1), bool), 1)
    failed = differs[np.arange(n)[:, None], policies.chosen.T]
    return policies, np.stack([failed[draw.permutation(n)] for _ in range(n_runs)])


def terms(policies: Policies, tolerance: float) -> Terms:
    return Terms(
        policies.chosen.shape[1],
        tolerance,
        0.95,
        costs=policies.costs,
        reference_cost=float(policies.cost[:, -1].mean()),
        reach=policies.reach,
        profiling=policies.asking,
    )


@pytest.mark.parametrize("at", [9, 14])
def test_the_promise_is_kept_where_a_policy_is_just_too_bad(at: int) -> None:
    """What may differ is one answer less than what this policy differs in: passing it is the error."""
    runs = 150
    policies, failed = family(runs, 600, seed=at)
    allowed = int(failed[0, :, at].sum()) - 1
    found = replay(
        CertifiedSmart(terms(policies, allowed / 600), in_sequence=True, n_runs=runs), Recorded(failed)
    )
    missed = int((found.deviation * 600 > allowed + 1e-6).sum())
    passed = (found.blocks[:, at:-1].sum(1) > 0).mean()
    assert stats.binom.sf(missed - 1, runs, 0.05) > 0.01
    assert stats.binom.sf(int(passed * runs) - 1, runs, 0.05) > 0.01
    assert found.factor.mean() > 1


def test_predictions_save_what_models_alone_cannot() -> None:
    policies, failed = family(20, 2000, seed=5, models=1)
    promise = terms(policies, 0.08)
    found = replay(CertifiedSmart(promise, in_sequence=True, n_runs=20), Recorded(failed))
    alone = Terms(2000, 0.08, 0.95, costs=policies.costs[-1:], reference_cost=promise.reference_cost)
    mixed = replay(CertifiedSmart(alone, n_runs=20), Recorded(failed[:, :, -1:]))
    assert found.cost.mean() < 0.9 * mixed.cost.mean()
    assert (found.deviation > 0.08).sum() <= 3


def test_a_policy_that_can_do_no_harm_needs_no_sample() -> None:
    """It has fewer items of its own than may differ: it is used after the first look, however bad it is."""
    policies, failed = family(4, 600, seed=2)
    reach = int(policies.reach[0])
    smart = CertifiedSmart(terms(policies, reach / 600), in_sequence=True, n_runs=4)
    found = replay(smart, Recorded(np.ones_like(failed)))
    assert (found.blocks[:, 0] + found.seen == 600).all()
    assert (found.seen <= 60).all()
    assert (smart.bounds[:, 0] == reach).all()


def test_who_has_passed_or_cannot_any_more_is_not_asked() -> None:
    policies, failed = family(6, 2000, seed=4)
    smart = CertifiedSmart(terms(policies, 0.05), in_sequence=True, n_runs=6)
    replay(smart, Recorded(failed))
    allowed = 100
    for asked, bounds, dropped in zip(smart.asked, smart.bounds, smart.dropped, strict=True):
        passed = np.logical_and.accumulate(bounds <= allowed)
        assert passed.any()
        assert not (asked & passed).any()
        assert dropped[-1]
        assert (dropped == ~asked & ~passed).all()
        assert not asked[dropped.argmax() :].any()
