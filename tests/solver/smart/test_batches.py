"""Batches that are drawn as counts: their law is that of drawing every item."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from routoo.data.errors import InputError
from routoo.solver.smart.batches import Recorded, Simulated, failing_together
from routoo.solver.smart.certified import CertifiedSmart
from routoo.solver.smart.replay import replay
from routoo.solver.smart.terms import Terms

RATES = (0.1, 0.2, 0.3)


@pytest.mark.parametrize("correlation", [0.0, 0.4, 0.9])
def test_failures_go_together_as_a_normal_law_says(correlation: float) -> None:
    law = failing_together(RATES, correlation=correlation)
    assert law.sum() == pytest.approx(1)
    for at in range(3):
        assert law.take(1, at).sum() == pytest.approx(RATES[at], abs=1e-6)
    bars = stats.norm.ppf(RATES[:2])
    both = stats.multivariate_normal.cdf(bars, cov=[[1, correlation], [correlation, 1]])
    assert law[1, 1].sum() == pytest.approx(both, abs=1e-5)


def test_counts_have_the_law_of_items() -> None:
    """The mean numbers of each candidate's failures, and how they vary together, over a stretch of items."""
    law = failing_together(RATES, correlation=0.5)
    batches = Simulated(law, n_runs=20_000, n_items=1000, seed=0)
    counts = batches.profiled(np.arange(20_000), 0, 50)
    both = np.array([law.take(1, at).take(1, 0).sum() for at in (1, 2)])
    assert counts.mean(0) == pytest.approx(50 * np.array(RATES), rel=0.01)
    expected = 50 * (both - RATES[0] * np.array(RATES[1:]))
    assert np.cov(counts.T)[0, 1:] == pytest.approx(expected, rel=0.1)
    left = batches.answered(np.full(20_000, 50), np.tile([0, 300, 100], (20_000, 1)))
    assert left.mean(0) == pytest.approx([0, 60, 30], rel=0.01)
    assert left.var(0) == pytest.approx([0, 48, 21], rel=0.1)


def test_a_method_meets_the_same_batches_either_way() -> None:
    runs, terms = 300, Terms(1000, 0.1, 0.95, costs=[1.0, 1.2, 1.4], reference_cost=30)
    shared, own = (np.random.default_rng(1).standard_normal((runs, 1000, n)) for n in (1, 3))
    failed = np.sqrt(0.5) * (shared + own) < stats.norm.ppf(0.09)
    law = failing_together([0.09] * 3, correlation=0.5)
    found = [
        replay(CertifiedSmart(terms, n_runs=runs), batches)
        for batches in (Recorded(failed), Simulated(law, n_runs=runs, n_items=1000, seed=0))
    ]
    for name in ("cost", "deviation"):
        assert stats.ks_2samp(*(getattr(each, name) for each in found)).pvalue > 0.001


def test_flags_of_another_shape_are_refused() -> None:
    with pytest.raises(InputError, match=r"failed has shape \(5, 3\), expected runs, items, candidates"):
        Recorded(np.zeros((5, 3), bool))
