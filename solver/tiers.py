"""Batch tiers: a model asked at its batch prices, later and cheaper, as another model to choose."""

from __future__ import annotations

import math

import numpy as np

from routoo.data.errors import InputError
from routoo.data.pool import Pool
from routoo.data.scores import Scores
from routoo.solver.rows import Floats


def with_batch_tier(
    scores: Scores, pool: Pool, *, wait_s: float = 86400.0, suffix: str = " (batch)"
) -> Scores:
    """The scores with one more column for each model that the pool gives batch prices.

    What a model achieves stays as predicted; its cost is that of the batch prices, and its latency the
    time that the batch may take. Prompts that cannot wait keep out of it by `max_latency_s`.

    Args:
        scores: Predictions with `output_tokens`, unless both batch prices are the same share of the others.
        pool: Prices; models without batch prices get no second column.
        wait_s: Seconds until a batch is answered at worst.
        suffix: What the name of the second column ends in.

    Raises:
        InputError: `wait_s` is negative or NaN, no model has batch prices, or output tokens are needed.

    >>> from routoo.data.pool import PoolModel
    >>> half = PoolModel(name="a", usd_per_1m_input=2, usd_per_1m_output=8, usd_per_1m_batch_input=1,
    ...     usd_per_1m_batch_output=4)
    >>> both = with_batch_tier(Scores(np.array([[0.5]]), np.array([[0.02]]), models=("a",)), Pool((half,)))
    >>> both.models, both.cost_usd.tolist()
    (('a', 'a (batch)'), [[0.019999999552965164, 0.009999999776482582]])
    """
    if not wait_s >= 0:
        raise InputError(f"wait_s must be at least 0 seconds, got {wait_s}")
    listed = [name for name in scores.models if _has_batch_prices(pool, name)]
    if not listed:
        raise InputError("no model of these scores has usd_per_1m_batch_input and usd_per_1m_batch_output")
    at = [scores.models.index(name) for name in listed]
    cost = np.stack([_batch_cost(scores, pool, name) for name in listed], axis=1)
    waiting = np.full(cost.shape, wait_s, np.float32)
    sent, received = (
        None if tokens is None else np.hstack([tokens, tokens[:, at]])
        for tokens in (scores.input_tokens, scores.output_tokens)
    )
    return Scores(
        np.hstack([scores.p_correct, scores.p_correct[:, at]]),
        np.hstack([scores.cost_usd, cost.astype(np.float32)]),
        np.hstack([scores.latency, waiting]),
        (*scores.models, *(name + suffix for name in listed)),
        scores.prompt_ids,
        output_tokens=received,
        input_tokens=sent,
        nominal_costs={
            name: words
            for plain, words in scores.nominal_costs.items()
            for name in (plain, *([plain + suffix] if plain in listed else []))
        },
    )


def _has_batch_prices(pool: Pool, name: str) -> bool:
    model = pool[name]
    return model.usd_per_1m_batch_input is not None and model.usd_per_1m_batch_output is not None


def _batch_cost(scores: Scores, pool: Pool, name: str) -> Floats:
    """Costs at batch prices: tokens tell the part for what is received, and the rest is for what is sent."""
    model, column = pool[name], scores.models.index(name)
    cost = scores.cost_usd[:, column].astype(np.float64)
    share_in = _share(model.usd_per_1m_batch_input, model.usd_per_1m_input)
    share_out = _share(model.usd_per_1m_batch_output, model.usd_per_1m_output)
    if math.isclose(share_in, share_out):
        return model.usd_per_call + (cost - model.usd_per_call) * share_in
    if scores.output_tokens is None:
        raise InputError(f"batch prices of {name!r} need output_tokens: input and output are not cut alike")
    received = scores.output_tokens[:, column].astype(np.float64) * model.usd_per_1m_output * 1e-6
    sent = np.maximum(cost - model.usd_per_call - received, 0.0)
    return model.usd_per_call + sent * share_in + received * share_out


def _share(batch: float | None, listed: float) -> float:
    return 1.0 if batch is None or listed == 0 else batch / listed
