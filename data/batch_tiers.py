"""Batch tiers: a model asked by files at a lower price, beside the same model asked at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from routoo.data.errors import InputError
from routoo.data.pool import Pool, PoolModel

SUFFIX = "@batch"
"""What follows the name of a model in the name of its batch tier."""

WINDOW_S = 86_400.0
"""Seconds within which providers answer a batch, or let what is left of it expire."""

_OF_CALLS = (
    *("usd_per_1m_cached_input", "usd_per_1m_batch_input", "usd_per_1m_batch_output"),
    *("requests_per_minute", "tokens_per_minute", "requests_per_day", "tokens_per_day", "concurrency"),
    *("time_to_first_token_s", "tokens_per_second"),
)
"""What a pool states of a model that holds where it is asked at once, and not for its batch tier."""


def with_batch_tiers(pool: Pool, *, window_s: float = WINDOW_S) -> Pool:
    """The pool with a batch tier behind each model that states batch prices.

    A tier is a member of its own, ``NAME@batch``: it costs what the batch prices say, and answers within the
    window. Rates are those of calls at once; what a provider lets a batch hold a day can be stated of the
    tier (`requests_per_day`, `tokens_per_day`).

    Args:
        pool: The models; tiers that it has stay as they are.
        window_s: Seconds within which a batch is answered.

    Raises:
        InputError: No model states batch prices, or one states one of the two.

    >>> model = PoolModel(
    ...     name="mini",
    ...     usd_per_1m_input=0.15,
    ...     usd_per_1m_output=0.6,
    ...     usd_per_1m_batch_input=0.075,
    ...     usd_per_1m_batch_output=0.3,
    ... )
    >>> [(tier.name, tier.usd_per_1m_output) for tier in with_batch_tiers(Pool((model,))).models]
    [('mini', 0.6), ('mini@batch', 0.3)]
    """
    found: list[PoolModel] = []
    for model in pool.models:
        found.append(model)
        if f"{model.name}{SUFFIX}" not in pool.names and _is_priced(model):
            found.append(_tier(model, window_s))
    if not any(model.batch_window_s for model in found):
        raise InputError(
            "no model of the pool states usd_per_1m_batch_input and usd_per_1m_batch_output: without them "
            "nobody knows what it costs in a batch"
        )
    return Pool(tuple(found))


def model_of(name: str) -> str:
    """The name of the model that a member is: of a batch tier that of the model behind it.

    >>> model_of("mini@batch"), model_of("mini")
    ('mini', 'mini')
    """
    return name.removesuffix(SUFFIX)


def _is_priced(model: PoolModel) -> bool:
    prices = model.usd_per_1m_batch_input, model.usd_per_1m_batch_output
    if prices.count(None) == 1:
        raise InputError(
            f"model {model.name} states one of usd_per_1m_batch_input and usd_per_1m_batch_output: state both"
        )
    return None not in prices


def _tier(model: PoolModel, window_s: float) -> PoolModel:
    assert model.usd_per_1m_batch_input is not None  # for the type checker, as the next
    assert model.usd_per_1m_batch_output is not None
    nothing: dict[str, Any] = dict.fromkeys(_OF_CALLS)  # Any: None each, as those fields may be
    return replace(
        model,
        **nothing,
        name=f"{model.name}{SUFFIX}",
        usd_per_1m_input=model.usd_per_1m_batch_input,
        usd_per_1m_output=model.usd_per_1m_batch_output,
        batch_window_s=window_s,
    )
