"""SMART: by hand, at the edges, against scipy, and whether its promise holds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from routoo.data.errors import InputError
from routoo.solver.bounds.block import log_tail, most_in_block
from routoo.solver.bounds.fixed_sample import clopper_pearson
from routoo.solver.smart.batches import Recorded
from routoo.solver.smart.certified import CertifiedSmart
from routoo.solver.smart.published import VARIANTS, PublishedSmart, limits
from routoo.solver.smart.replay import Method, replay
from routoo.solver.smart.terms import Flags, Terms

COSTS = (1.0, 1.5, 40.0)
"""Of a cheap candidate, a dearer one, and one that is dearer than the reference."""

RATES = (0.06, 0.04, 0.0)


def terms(n_items: int = 2000, tolerance: float = 0.05, costs: tuple[float, ...] = COSTS) -> Terms:
    return Terms(n_items, tolerance, 0.95, costs=costs, reference_cost=30)


def draws(n_runs: int, n_items: int, rates: tuple[float, ...] = RATES, seed: int = 0) -> Flags:
    return np.random.default_rng(seed).random((n_runs, n_items, len(rates))) < np.array(rates)


def every(what: Terms, n_runs: int) -> list[Method]:
    published = [PublishedSmart(what, variant=name, n_runs=n_runs) for name in VARIANTS]
    return [*published, CertifiedSmart(what, n_runs=n_runs)]


@pytest.mark.parametrize("tolerance", [0.02, 0.05, 0.2])
def test_every_item_gets_an_answer_and_the_books_are_right(tolerance: float) -> None:
    what, failed = terms(tolerance=tolerance), draws(6, 2000)
    for method in every(what, 6):
        found = replay(method, Recorded(failed))
        assert (found.seen + found.blocks.sum(1) == 2000).all()
        assert (found.blocks >= 0).all()
        assert (found.blocks[:, 2] == 0).all()
        assert (found.cost >= found.seen * 30 + found.blocks @ np.array([*COSTS, 30]) - 1e-9).all()
        assert found.factor == pytest.approx(60_000 / found.cost)
        for run in range(6):
            ends = found.seen[run] + np.cumsum(found.blocks[run])
            starts = ends - found.blocks[run]
            wrong = [failed[run, starts[at] : ends[at], at].sum() for at in range(3)]
            assert found.deviation[run] == pytest.approx(sum(wrong) / 2000)


def test_what_is_left_of_nothing_to_decide() -> None:
    """All may differ: nobody is profiled. None may, or no candidate is cheaper: the reference answers."""
    failed = draws(3, 2000)
    found = replay(CertifiedSmart(terms(tolerance=1), n_runs=3), Recorded(failed))
    assert found.blocks.tolist() == [[2000, 0, 0, 0]] * 3
    found = replay(CertifiedSmart(terms(tolerance=0), n_runs=3), Recorded(failed))
    assert not found.seen.any()
    assert found.deviation.tolist() == [0] * 3
    found = replay(CertifiedSmart(terms(costs=(31, 40, 30)), n_runs=3), Recorded(failed))
    assert found.cost.tolist() == [60_000] * 3
    found = replay(CertifiedSmart(terms(12), n_runs=3), Recorded(failed[:, :12]))
    assert found.cost.tolist() == [360] * 3


def test_a_candidate_that_always_agrees_gets_the_batch_and_a_hopeless_one_is_not_asked_for_long() -> None:
    what = terms(5000, 0.1, (1.0, 1.0))
    smart = CertifiedSmart(what)
    found = replay(smart, Recorded(draws(1, 5000, (0.0, 0.99))))
    assert found.seen < 120
    assert found.deviation == 0
    assert smart.asked.tolist() == [[True, False]]
    assert found.cost < found.seen * 31 + 25 + (5000 - found.seen) + 1e-9


def test_what_was_not_asked_bounds_nobody() -> None:
    """A candidate that was dropped keeps its bound, and its old count does not make it the best by now."""
    smart, dropped = CertifiedSmart(terms(5000, 0.1, (1.0, 1.0))), 0
    for seen in smart.looks():
        asked = smart.asked[0, 1]
        smart.look(seen, np.array([[seen // 12, min(seen, 20)]]), np.array([0]))
        if asked and not smart.asked[0, 1]:
            dropped = int(smart.bounds[0, 1])
    assert smart.asked.tolist() == [[True, False]]
    assert smart.bounds[0, 1] == dropped > 4000 > smart.bounds[0, 0]


def test_runs_side_by_side_are_as_if_alone() -> None:
    what, failed = terms(tolerance=0.07), draws(3, 2000)
    together = replay(CertifiedSmart(what, n_runs=3), Recorded(failed))
    for run in range(3):
        alone = replay(CertifiedSmart(what), Recorded(failed[run : run + 1]))
        assert (alone.seen[0], alone.blocks[0].tolist()) == (
            together.seen[run],
            together.blocks[run].tolist(),
        )


def test_blocks_hold_no_more_than_is_allowed_but_for_their_share_of_the_error() -> None:
    """Whatever the bounds are: the tails of the blocks, each worked out alone, are small enough."""
    for tolerance in (0.02, 0.045, 0.055):
        what = terms(5000, tolerance, (1.0, 10.0))
        smart = CertifiedSmart(what)
        replay(smart, Recorded(draws(1, 5000, (0.06, 0.03))))
        blocks = smart.blocks(np.array([0]))[0]
        left, most = blocks.sum(), smart.bounds[0] - smart._failed[0]
        used = [at for at in (0, 1) if blocks[at] and blocks[at] < left]
        held = [
            int(most_in_block(blocks[at], failures=most[at], batch=left, alpha=smart.alpha_block / 2))
            for at in used
        ]
        if len(used) == 2:
            assert sum(held) <= what.allowed
        elif used:
            tail = log_tail(what.allowed, blocks[used[0]], failures=most[used[0]], batch=left)
            assert tail <= np.log(smart.alpha_block)
        else:
            assert all(most[at] <= what.allowed for at in (0, 1) if blocks[at])


@pytest.mark.parametrize("tolerance", [0.09, 0.1])
@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_the_promise_is_kept_where_it_is_hardest(tolerance: float, correlation: float) -> None:
    """Three candidates just above what is allowed, failing alone or together."""
    runs, n_items = 200, 1000
    what = terms(n_items, tolerance, (1.0, 1.1, 1.2))
    draw = np.random.default_rng(2)
    own, shared = draw.standard_normal((runs, n_items, 3)), draw.standard_normal((runs, n_items, 1))
    failed = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own < stats.norm.ppf(0.1)
    found = replay(CertifiedSmart(what, n_runs=runs), Recorded(failed))
    missed = int((found.deviation > tolerance + 1e-9).sum())
    assert stats.binom.sf(missed - 1, runs, 0.05) > 0.01
    assert found.factor.mean() > 1.5


def test_a_sequence_spends_its_error_once() -> None:
    """Eight thresholds, dear and safe to cheap and bad: it costs less than a split, and keeps its promise."""
    runs, what = 60, terms(4000, 0.05, tuple(np.linspace(1.2, 0.3, 8)))
    rates = np.linspace(0.01, 0.06, 8)
    failed = np.random.default_rng(0).random((runs, 4000, 1)) < rates
    found = replay(CertifiedSmart(what, in_sequence=True, n_runs=runs), Recorded(failed))
    missed = int((found.deviation > 0.05 + 1e-9).sum())
    assert stats.binom.sf(missed - 1, runs, 0.05) > 0.01
    split = replay(CertifiedSmart(what, n_runs=runs), Recorded(failed))
    assert found.cost.mean() < 0.6 * split.cost.mean()


def test_a_sequence_ends_where_it_fails() -> None:
    """The second candidate is bad: the third is as good as the first, and not reached."""
    what = terms(4000, 0.05, (3.0, 2.0, 1.0))
    found = replay(
        CertifiedSmart(what, in_sequence=True, n_runs=8), Recorded(draws(8, 4000, (0.01, 0.2, 0.01)))
    )
    assert (found.blocks[:, 0] + found.seen == 4000).all()


def test_the_published_promise_is_broken_there() -> None:
    runs, what = 120, terms(5000, 0.095, (1.0, 1.1, 1.2))
    found = replay(PublishedSmart(what, n_runs=runs), Recorded(draws(runs, 5000, (0.1, 0.1, 0.1))))
    missed = int((found.deviation > 0.095 + 1e-9).sum())
    assert stats.binom.sf(missed - 1, runs, 0.05) < 0.01


@pytest.mark.parametrize(("n", "rate"), [(10, 0.1), (100, 0.02), (3000, 0.1), (50, 0.0)])
def test_limits_are_where_clopper_pearson_crosses(n: int, rate: float) -> None:
    accepted, refuted = limits(n, rate, 0.025)
    failed = np.arange(n + 1)
    low, high = clopper_pearson(n - failed, n, confidence=0.95)
    assert accepted == (np.flatnonzero(low >= 1 - rate).max() if (low >= 1 - rate).any() else -1)
    assert refuted == np.flatnonzero(high < 1 - rate).min()


def test_the_published_mixture_is_the_cheapest_of_the_linear_programmes() -> None:
    what = terms(5000, 0.05, (1.0, 3.0))
    smart = PublishedSmart(what)
    smart._seen[:], smart._failed[:], smart._profiled[:] = 200, [[20, 6]], 200
    shares = smart._mixed(np.array([0]))[0]
    target = (0.95 - 200 / 5000) * 5000 / 4800
    levels = np.append(0.95 + 0.01 * np.arange(5), 1)
    low = np.zeros((6, 2))
    low[:5] = [clopper_pearson([180, 194], 200, confidence=level)[0] for level in levels[:5]]
    best = min(
        optimize.linprog(
            [1, 3, 30], A_ub=[[-low[a, 0], -low[b, 1], -1]], b_ub=[-target], A_eq=[[1, 1, 1]], b_eq=[1]
        ).fun
        for a in range(6)
        for b in range(6)
        if levels[a] * levels[b] >= 0.95 - 1e-12
    )
    assert shares @ [1, 3, 30] == pytest.approx(best, rel=1e-6)


def test_terms_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match="confidence must be above 0 and below 1, got 1"):
        Terms(10, 0.1, 1, costs=[1], reference_cost=2)
    with pytest.raises(InputError, match="costs must be one number of at least 0"):
        Terms(10, 0.1, 0.9, costs=[], reference_cost=2)
    with pytest.raises(InputError, match="variant must be one of"):
        PublishedSmart(terms(), variant="best")
    with pytest.raises(InputError, match=r"batches have shape \(1, 5, 3\), expected \(1, 2000, 3\)"):
        replay(CertifiedSmart(terms()), Recorded(draws(1, 5)))
