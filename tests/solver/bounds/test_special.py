"""Special functions against scipy's, and the bounds that rest on them against their own definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from routoo.solver.bounds.block import largest_block, log_tail
from routoo.solver.bounds.fixed_sample import clopper_pearson
from routoo.solver.bounds.special import beta_cdf, beta_quantile, log_factorial, log_gamma, normal_cdf


def test_they_are_scipys() -> None:
    draw = np.random.default_rng(0)
    a, b = 10 ** draw.uniform(-0.3, 5, (2, 200))
    share = draw.uniform(0, 1, 200)
    x = special.betaincinv(a, b, share)
    assert log_gamma(a) == pytest.approx(special.gammaln(a), rel=1e-11, abs=1e-11)
    for n in (np.arange(30), np.array([131_071, 131_072, 10**7])):  # looked up, and beyond the table
        assert log_factorial(n) == pytest.approx(special.gammaln(n + 1.0), rel=1e-11, abs=1e-11)
    assert beta_cdf(x, a, b) == pytest.approx(share, abs=1e-8)
    assert beta_quantile(share, a, b) == pytest.approx(x, abs=1e-10)
    z = np.linspace(-8, 8, 99)
    assert normal_cdf(z) == pytest.approx(stats.norm.cdf(z), abs=1e-7)


def test_clopper_pearson_is_scipys() -> None:
    k = np.arange(31)
    low, high = clopper_pearson(k, 30, confidence=0.9)
    exact = [stats.binomtest(int(at), 30).proportion_ci(0.9) for at in k]
    assert low == pytest.approx([at.low for at in exact], abs=1e-9)
    assert high == pytest.approx([at.high for at in exact], abs=1e-9)


def test_tails_of_blocks_are_never_too_small_and_hardly_too_large() -> None:
    draw = np.random.default_rng(1)
    for _ in range(100):
        batch = int(draw.integers(5, 400))
        failures, block = draw.integers(0, batch + 1, 2)
        most = np.arange(block + 1)
        tail = np.exp(log_tail(most, block, failures=failures, batch=batch))
        exact = stats.hypergeom.sf(most, batch, failures, block)
        assert (tail >= exact * (1 - 1e-7) - 1e-12).all()
        far = (exact < 0.01) & (exact > 1e-8)
        assert (tail[far] <= 1.1 * exact[far]).all()


def test_the_largest_block_is_the_largest() -> None:
    for allowed in (-1, 0, 3, 20, 60):
        size = int(largest_block(allowed, failures=60, batch=500, alpha=0.01))
        tails = np.exp(log_tail(max(allowed, 0), np.arange(501), failures=60, batch=500))
        assert size == (0 if allowed < 0 else np.flatnonzero(tails <= 0.01)[-1])
