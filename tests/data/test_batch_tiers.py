"""A model and its batch tier are two members: other prices, another latency, the same predictions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from routoo.data.batch_tiers import with_batch_tiers
from routoo.data.errors import InputError
from routoo.data.pool import Pool, PoolModel
from routoo.data.scores import Scores, repriced

MINI = PoolModel(
    name="mini",
    usd_per_1m_input=10,
    usd_per_1m_output=100,
    usd_per_1m_cached_input=1,
    usd_per_1m_batch_input=5,
    usd_per_1m_batch_output=50,
    requests_per_minute=60,
    time_to_first_token_s=1,
    tokens_per_second=100,
    tags=("eu",),
)


def test_a_tier_has_batch_prices_and_no_rate_of_calls() -> None:
    plain = PoolModel(name="plain", usd_per_1m_input=1, usd_per_1m_output=1)
    pool = with_batch_tiers(Pool((MINI, plain)), window_s=3600)
    assert pool.names == ("mini", "mini@batch", "plain")
    tier = pool["mini@batch"]
    assert (tier.usd_per_1m_input, tier.usd_per_1m_output, tier.usd_per_1m_cached_input) == (5, 50, None)
    assert (tier.requests_per_minute, tier.batch_window_s, tier.tags) == (None, 3600, ("eu",))
    assert with_batch_tiers(pool) == pool
    assert Pool.from_records(pool.to_records()) == pool


def test_latency_is_the_window_whatever_was_learned() -> None:
    pool = with_batch_tiers(Pool((MINI,)))
    tokens = np.full((1, 2), 100, np.float32)
    assert pool.latency_s(tokens).tolist() == [[2.0, 86_400.0]]
    scores = Scores(0 * tokens, 0 * tokens, models=pool.names, input_tokens=tokens, output_tokens=tokens)
    again = repriced(scores, pool)
    assert again.latency.tolist() == [[2.0, 86_400.0]]
    assert again.cost_usd[0].tolist() == pytest.approx([0.011, 0.0055])


def test_prices_must_be_known() -> None:
    with pytest.raises(InputError, match="no model of the pool states usd_per_1m_batch_input"):
        with_batch_tiers(Pool((replace(MINI, usd_per_1m_batch_input=None, usd_per_1m_batch_output=None),)))
    with pytest.raises(InputError, match="mini states one of"):
        with_batch_tiers(Pool((replace(MINI, usd_per_1m_batch_output=None),)))
    with pytest.raises(InputError, match="batch_window_s must be above 0"):
        replace(MINI, batch_window_s=0)
