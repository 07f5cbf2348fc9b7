"""Limits: as a user states them, and in the one form that every solver reads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import numpy.typing as npt

from routoo.data.checks.arguments import number, numbers
from routoo.data.errors import InputError
from routoo.data.pool import Pool, PoolModel
from routoo.data.rates import DAY_S

PerPrompt = float | npt.NDArray[np.floating] | Sequence[float]
"""One number for all prompts, or one a prompt."""

MOST = 1e100
"""From here on a limit is none: nothing adds up to it, and its square would be infinite."""

Quantity = Literal["score", "cost_usd", "latency_s", "slow", "tokens", "requests"]
"""What a limit adds up over the choices; `slow` counts prompts above the latency tail's threshold."""


@dataclass(frozen=True, kw_only=True)
class ModelLimit:
    """What one model may be given in a batch.

    Args:
        max_requests: Most prompts.
        max_tokens: Most input and output tokens together.
        budget_usd: Most money.
        max_concurrency: Most calls under way at once, on average over the period of the batch.

    Raises:
        InputError: A limit is NaN or negative.
    """

    max_requests: float | None = None
    max_tokens: float | None = None
    budget_usd: float | None = None
    max_concurrency: float | None = None

    def __post_init__(self) -> None:
        check_numbers(self)

    def tighter(self, other: ModelLimit) -> ModelLimit:
        """What keeps both.

        >>> ModelLimit(max_requests=5).tighter(ModelLimit(max_requests=3, budget_usd=1.0))
        ModelLimit(max_requests=3, max_tokens=None, budget_usd=1.0, max_concurrency=None)
        """
        pairs = {
            field.name: (getattr(self, field.name), getattr(other, field.name)) for field in fields(self)
        }
        stated = {name: [value for value in pair if value is not None] for name, pair in pairs.items()}
        return ModelLimit(**{name: min(values, default=None) for name, values in stated.items()})


@dataclass(frozen=True, kw_only=True)
class DomainLimit:
    """What the prompts of one domain (a tenant, say) may spend, and the mean score that they must reach.

    Raises:
        InputError: A limit is NaN or negative, or the mean score is above 1.
    """

    budget_usd: float | None = None
    min_mean_score: float | None = None

    def __post_init__(self) -> None:
        check_numbers(self)
        check_share("min_mean_score", self.min_mean_score)


@dataclass(frozen=True, kw_only=True)
class LatencyTail:
    """At most `max_share` of the prompts may take longer than `above_s` seconds.

    Raises:
        InputError: A number is NaN or negative, or the share is above 1.
    """

    above_s: float
    max_share: float

    def __post_init__(self) -> None:
        check_numbers(self)
        check_share("max_share", self.max_share)


@dataclass(frozen=True)
class Only:
    """Which choices a limit counts: those of one model, those of one domain, or all."""

    column: int | None = None
    domain: int | None = None

    def meet(self, other: Only) -> Only | None:
        """Choices that both count; None where there cannot be any."""
        for mine, theirs in ((self.column, other.column), (self.domain, other.domain)):
            if mine is not None and theirs is not None and mine != theirs:
                return None
        return Only(
            self.column if other.column is None else other.column,
            self.domain if other.domain is None else other.domain,
        )


@dataclass(frozen=True)
class Limit:
    """The sum of `quantity` over the choices is at most `bound` (at least, where it is a floor).

    Args:
        name: What messages and prices call it.
        quantity: What is added up.
        stated: The number that the user gave; `bound` is ``scale`` times that. Infinity is no limit.
        only: Which choices count.
        scale: Prompts, where a mean is limited; seconds, where concurrency is.
        floor: The sum is to be at least `bound`.
    """

    name: str
    quantity: Quantity
    stated: float | None
    only: Only = Only()
    scale: float = 1.0
    floor: bool = False

    @property
    def stands(self) -> bool:
        """Whether it limits anything."""
        return self.stated is not None and float(self.stated) < MOST

    @property
    def bound(self) -> float:
        """The most (least) that the sum may be."""
        return math.inf if self.stated is None else float(self.stated) * self.scale

    @property
    def sign(self) -> float:
        """1, or -1 for a floor: ``sign * sum <= sign * bound`` holds in both cases."""
        return -1.0 if self.floor else 1.0


def pool_limits(pool: Pool, period_s: float) -> dict[str, ModelLimit]:
    """The limits that a pool states per minute and per day, over a batch of this many seconds.

    A batch tier takes what a day allows at the start, and again a day later, as long as its window still ends
    within the period; nothing where the window is longer than that.

    Raises:
        InputError: The period is not a positive number, or the pool states no such limit.

    >>> from routoo.data.pool import PoolModel
    >>> pool = Pool((PoolModel(name="a", usd_per_1m_input=1, usd_per_1m_output=1, requests_per_minute=60),))
    >>> pool_limits(pool, 600)["a"].max_requests
    600.0
    """
    if not 0 < period_s < math.inf:
        raise InputError(f"period_s must be a finite number of seconds above 0, got {period_s}")
    limits = {model.name: _capacity(model, period_s) for model in pool.models}
    stated = {name: limit for name, limit in limits.items() if limit != ModelLimit()}
    if not stated and not any(model.batch_window_s for model in pool.models):
        raise InputError(
            "period_s limits nothing: no model of the pool states requests or tokens per minute or per day "
            "(requests_per_minute and so on), concurrency or batch_window_s; state one, or leave period_s out"
        )
    return stated


def _capacity(model: PoolModel, period_s: float) -> ModelLimit:
    """What a model takes in a period, by the rates that the pool states of it."""
    if model.batch_window_s is None:
        days = max(period_s / DAY_S, 1.0)  # less than a day has all that a day allows
    elif model.batch_window_s > period_s:
        return ModelLimit(max_requests=0)
    else:
        days = 1 + (period_s - model.batch_window_s) // DAY_S
    minutes = period_s / 60
    requests = ((model.requests_per_minute, minutes), (model.requests_per_day, days))
    tokens = ((model.tokens_per_minute, minutes), (model.tokens_per_day, days))
    return ModelLimit(
        max_requests=min((rate * times for rate, times in requests if rate is not None), default=None),
        max_tokens=min((rate * times for rate, times in tokens if rate is not None), default=None),
        max_concurrency=model.concurrency,
    )


def together(one: Mapping[str, ModelLimit], other: Mapping[str, ModelLimit]) -> dict[str, ModelLimit]:
    """The limits by model that keep both: of two on the same quantity, the tighter."""
    names = dict.fromkeys((*one, *other))
    return {name: one.get(name, ModelLimit()).tighter(other.get(name, ModelLimit())) for name in names}


def check_numbers(record: ModelLimit | DomainLimit | LatencyTail) -> None:
    """Refuses NaN and negative fields."""
    for field in fields(record):
        check_number(f"{type(record).__name__}.{field.name}", getattr(record, field.name))


def check_number(name: str, value: float | None) -> None:
    """Refuses what is not a number, NaN, negative, or beyond a float; None and infinity are no limit."""
    if value is None:
        return
    number(name, value)


def check_share(name: str, value: float | None) -> None:
    """Refuses shares and mean scores above 1."""
    if value is not None and value > 1:
        raise InputError(f"{name} must lie in 0..1, got {value!r}")


def per_prompt(
    name: str, value: PerPrompt | None, count: int, *, broadcast: bool
) -> npt.NDArray[np.float32 | np.float64] | None:
    """One number a prompt, checked; None stays None. One number for all takes no memory.

    Limits become float32 as the predictions are: a cost of 0.001 keeps a limit of 0.001.
    """
    if value is None:
        return None
    if broadcast and isinstance(value, str | bytes | bool):
        number(name, value)
    with np.errstate(over="ignore"):  # what is too large for a limit is infinite: none
        array: npt.NDArray[np.float32 | np.float64] = numbers(name, value).astype(
            np.float32 if broadcast else np.float64
        )
    if array.shape != (count,) and not (broadcast and array.ndim == 0):
        raise InputError(f"{name} must be one number a prompt ({count} of them), got shape {array.shape}")
    bad = ~(array >= 0) if broadcast else ~((array >= 0) & (array < MOST))
    if bad.any():
        wanted = "at least 0 and not NaN" if broadcast else f"finite, at least 0 and below {MOST:g}"
        raise InputError(f"{name} must be {wanted}, got {np.atleast_1d(array)[np.atleast_1d(bad)][0]}")
    return np.broadcast_to(array, (count,))
