"""Prices and speeds read off recorded outcomes."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt

from routoo.data.costs.recorded_costs import tokens_sent
from routoo.data.errors import InputError
from routoo.data.outcomes import OutcomeMatrices, Outcomes
from routoo.data.pool import Pool, PoolModel

Column = npt.NDArray[np.float64]

MAX_RESIDUAL = 0.05
"""Share of the recorded cost (root mean square) that prices per token may leave unexplained."""

_PER_MILLION = 1e-6
_LEAST_CALL_SHARE = 1e-3  # of the mean cost: what explains less is no price per call
_ROUNDING = 1e-6  # of the mean cost: what explains less is what floats leave over
_SPEED_ROWS = 1000
_ERRORS = 2.0  # standard errors that are taken for noise; few, since input is never free


@dataclass(frozen=True)
class Prices:
    """Prices fitted to one model's recorded costs.

    Args:
        residual: Root mean square of what they leave unexplained, as a share of that of the costs.
    """

    usd_per_1m_input: float
    usd_per_1m_output: float
    usd_per_call: float
    residual: float


@dataclass(frozen=True)
class Speed:
    """Seconds to the first token, and tokens per second after it."""

    time_to_first_token_s: float
    tokens_per_second: float


def derive_pool(outcomes: Outcomes, *, max_residual: float = MAX_RESIDUAL) -> Pool:
    """The pool whose prices explain the recorded costs, with speeds where latencies were recorded.

    Where tokens and costs are recorded, a model's prices per token and per call are the non-negative
    least squares fit of its costs. Where output tokens are not recorded, or never vary, what they cost is
    in the price per call (`PoolModel.usd_per_call`), and input has a price as far as costs show one. Input
    tokens that were never recorded are counted (see `routoo.data.costs.recorded_costs.RecordedCosts`).

    Args:
        outcomes: Outcomes with a `cost_usd` for each model. Where they have a split, calls in ``test`` are
            not looked at, save for a model with no other cost.
        max_residual: Share of the recorded cost that a fit may leave unexplained.

    Raises:
        InputError: A model has no recorded cost, or its costs do not follow its tokens.

    >>> import polars as pl
    >>> prompts = pl.DataFrame({"prompt_id": ["a", "b", "c", "d"], "prompt": ["w", "x", "y", "z"]})
    >>> rows = {"prompt_id": ["a", "b", "c", "d"], "model": "small", "score": [1, 0, 1, 1]}
    >>> tokens = {"input_tokens": [10, 20, 90, 40], "output_tokens": [5, 80, 7, 60]}
    >>> cost = {"cost_usd": [20e-6, 180e-6, 104e-6, 160e-6]}
    >>> pool = derive_pool(Outcomes(prompts, pl.DataFrame({**rows, **tokens, **cost})))
    >>> pool["small"].usd_per_1m_input, pool["small"].usd_per_1m_output
    (1.0, 2.0)
    """
    recorded = _outside_test(outcomes)
    unpriced = [
        name for name, paid in zip(outcomes.models, recorded.cost_usd.T, strict=True) if np.isnan(paid).all()
    ]
    if unpriced:
        raise InputError(_no_cost(outcomes, unpriced))
    unsent = np.isnan(recorded.input_tokens).all(0)
    sent = np.where(unsent, tokens_sent(outcomes, recorded.input_tokens), recorded.input_tokens)
    recorded = replace(recorded, input_tokens=sent)
    return Pool(tuple(_priced(name, recorded, at, max_residual) for at, name in enumerate(outcomes.models)))


def _outside_test(outcomes: Outcomes) -> OutcomeMatrices:
    """What was recorded, without costs and latencies in test of models that have others."""
    recorded = outcomes.to_matrices()
    if not outcomes.has_split:
        return recorded
    test = (outcomes.prompts["split"] == "test").to_numpy()[:, None]

    def hidden(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        elsewhere = (~np.isnan(values) & ~test).any(0)
        return np.where(test & elsewhere, np.nan, values)

    return replace(recorded, cost_usd=hidden(recorded.cost_usd), latency_s=hidden(recorded.latency_s))


def fit_prices(cost_usd: Column, input_tokens: Column, output_tokens: Column) -> Prices:
    """The non-negative prices nearest to the recorded costs of one model; NaN marks what is missing.

    Args:
        cost_usd: Recorded costs, ``(n,)``, at least one of them known.
        input_tokens: Tokens sent, ``(n,)``.
        output_tokens: Tokens received, ``(n,)``; all NaN where they were never recorded.
    """
    received = np.zeros_like(output_tokens) if np.isnan(output_tokens).all() else output_tokens
    known = ~np.isnan(cost_usd) & ~np.isnan(input_tokens) & ~np.isnan(received)
    tokens = np.stack([input_tokens, received], axis=1) * _PER_MILLION
    terms, paid = np.column_stack([tokens, np.ones(len(tokens))])[known], cost_usd[known]
    varying = [at for at in (0, 1) if len(paid) and np.ptp(terms[:, at]) > 0]
    if varying == [0] and _rises(terms[:, 0], paid):
        per_input, _, per_call = (_rounded(price) for price in _nonnegative_fit(terms, paid, [0, 2])[0])
        return Prices(per_input, 0.0, per_call, 0.0)
    if 1 not in varying or len(paid) <= len(varying) + 1 or not _independent(terms[:, [*varying, 2]]):
        return Prices(0.0, 0.0, _rounded(float(np.nanmean(cost_usd))), 0.0)
    prices, residual = _nonnegative_fit(terms, paid, [*varying, 2])
    if prices[2] < _LEAST_CALL_SHARE * paid.mean():
        prices, residual = _nonnegative_fit(terms, paid, [0, 1])
    prices[prices * terms.mean(axis=0) < _ROUNDING * paid.mean()] = 0.0
    per_input, per_output, per_call = (_rounded(price) for price in prices)
    return Prices(per_input, per_output, per_call, residual)


def fit_speed(latency_s: Column, output_tokens: Column) -> Speed | None:
    """The speed of one model by a line through latency and tokens; none where no such line is seen.

    The slope is the median over pairs of calls (Theil 1950; Sen 1968), weighed by how far apart their
    tokens are (Jaeckel 1972), so that retries and queues, which make latencies long-tailed, do not count.
    """
    known = ~np.isnan(latency_s) & ~np.isnan(output_tokens)
    order = np.argsort(output_tokens[known], kind="stable")
    order = order[np.linspace(0, len(order) - 1, min(len(order), _SPEED_ROWS)).astype(np.intp)]
    tokens, seconds = output_tokens[known][order], latency_s[known][order]
    left, right = np.triu_indices(len(tokens), 1)
    apart = tokens[right] > tokens[left]
    if not apart.any():
        return None
    step = (tokens[right] - tokens[left])[apart]
    slope = _weighted_median((seconds[right] - seconds[left])[apart] / step, step)
    first = float(np.median(seconds - slope * tokens))
    if first < 0:
        first, slope = 0.0, float(np.median(seconds) / max(np.median(tokens), 1.0))
    return Speed(_rounded(first), _rounded(1 / slope)) if slope > 0 else None


def _priced(name: str, recorded: OutcomeMatrices, at: int, max_residual: float) -> PoolModel:
    prices = fit_prices(recorded.cost_usd[:, at], recorded.input_tokens[:, at], recorded.output_tokens[:, at])
    if prices.residual > max_residual:
        raise InputError(
            f"the recorded costs of {name!r} do not follow its tokens: prices of "
            f"{prices.usd_per_1m_input:g} and {prices.usd_per_1m_output:g} USD per million leave "
            f"{prices.residual:.1%} unexplained, expected at most {max_residual:.1%}; "
            f"write a pool.toml, such as\n{_example(name)}"
        )
    speed = fit_speed(recorded.latency_s[:, at], recorded.output_tokens[:, at])
    return PoolModel(
        name=name,
        usd_per_1m_input=prices.usd_per_1m_input,
        usd_per_1m_output=prices.usd_per_1m_output,
        usd_per_call=prices.usd_per_call,
        time_to_first_token_s=speed.time_to_first_token_s if speed else None,
        tokens_per_second=speed.tokens_per_second if speed else None,
    )


def _nonnegative_fit(terms: Column, paid: Column, columns: list[int]) -> tuple[Column, float]:
    """Prices of all three terms, 0 where left out of `columns`, and the residual as a share."""
    scale = np.maximum(np.linalg.norm(terms[:, columns], axis=0), 1e-300)
    size = float(np.linalg.norm(paid))
    prices = np.zeros(3)
    if size > 0:
        prices[columns] = nonnegative_least_squares(terms[:, columns] / scale, paid / size) * size / scale
    return prices, float(np.linalg.norm(terms @ prices - paid)) / max(size, 1e-300)


def nonnegative_least_squares(terms: Column, target: Column) -> Column:
    """The weights of at least 0 whose mixture of the columns is nearest to the target, exactly.

    Every set of columns that may have weight is tried, which a few columns allow: of those whose free least
    squares solution is nowhere negative, the one that comes nearest is the answer.

    Args:
        terms: ``(n_rows, n_columns)``, no column a mixture of the others.
        target: ``(n_rows,)``.

    >>> nonnegative_least_squares(np.eye(2), np.array([3.0, -1.0])).tolist()
    [3.0, 0.0]
    """
    n = terms.shape[1]
    nearest, least = np.zeros(n), float(np.linalg.norm(target))
    for columns in (list(chosen) for size in range(1, n + 1) for chosen in combinations(range(n), size)):
        free = np.linalg.lstsq(terms[:, columns], target)[0]
        off = float(np.linalg.norm(terms[:, columns] @ free - target))
        if (free >= 0).all() and off < least:
            nearest, least = np.zeros(n), off
            nearest[columns] = free
    return nearest


def _rises(tokens: Column, paid: Column) -> bool:
    """Whether costs rise with tokens beyond what chance would let them."""
    off = tokens - tokens.mean()
    spread = float(off @ off)
    slope = float(off @ paid) / spread
    left = paid - paid.mean() - slope * off
    return len(paid) > 2 and slope > _ERRORS * math.sqrt(float(left @ left) / (len(paid) - 2) / spread)


def _weighted_median(values: Column, weights: Column) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _independent(terms: Column) -> bool:
    """Whether no column is nearly a mixture of the others."""
    scaled = terms / np.linalg.norm(terms, axis=0)
    return bool(np.linalg.matrix_rank(scaled, tol=1e-6 * np.sqrt(len(scaled))) == terms.shape[1])


def _rounded(value: float) -> float:
    """Six significant digits: what floats carry beyond is no price."""
    return float(f"{value:.6g}")


def _no_cost(outcomes: Outcomes, models: list[str]) -> str:
    shown = ", ".join(models[:5]) + (", ..." if len(models) > 5 else "")
    return (
        f"{outcomes.name}: {len(models)} of {len(outcomes.models)} models have no recorded cost_usd "
        f"({shown}), and prices cannot be guessed; take a published list by "
        "`routoo pool derive --prices LIST.json`, or write a pool.toml, one table a model, such as\n"
        f"{_example(models[0])}"
    )


def _example(name: str) -> str:
    return f"[[model]]\nname = {json.dumps(name)}\nusd_per_1m_input = 0.50\nusd_per_1m_output = 1.50"
