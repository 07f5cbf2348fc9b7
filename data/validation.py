"""What validation showed of choosing at a price, by predictions that had not seen it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from routoo.data.costs.cost_spread import CostSpread, digits
from routoo.data.curves import PRICES, Choices, best_single, choices, realised
from routoo.data.errors import InputError
from routoo.data.pool import Pool
from routoo.data.scores import Scores

Vector = npt.NDArray[np.float64]

_SETTINGS = 96
"""Prices that a record keeps: two neighbours then differ by less than what chance makes of either."""


@dataclass(frozen=True, eq=False)
class ValidationRecord:
    """The curve of price, cost and score on validation prompts, beside the single models on the same prompts.

    A price chosen here has seen no test prompt, so that what it does there is no hindsight. Prices are score
    per USD: under other costs of the pool they choose otherwise, and the record no longer holds.

    Args:
        models: The models that could be chosen.
        n_prompts: Validation prompts.
        prices: Score per USD, ascending from 0, ``(n_prices,)``.
        predicted_usd: Mean predicted cost of the choices at each price, ``(n_prices,)``.
        cost_usd: Their mean true cost, the same shape.
        score: Their mean true score, the same shape.
        single_cost_usd: Mean true cost of each model alone, ``(n_models,)``.
        single_score: Its mean true score, the same shape.
        spread: How far true costs were from predicted ones.

    Raises:
        InputError: Lengths disagree, prices do not ascend from 0, or a value is not finite.
    """

    models: tuple[str, ...]
    n_prompts: int
    prices: Vector
    predicted_usd: Vector
    cost_usd: Vector
    score: Vector
    single_cost_usd: Vector
    single_score: Vector
    spread: CostSpread

    def __post_init__(self) -> None:
        sizes = {name: len(self.prices) for name in _BY_PRICE} | dict.fromkeys(_BY_MODEL, len(self.models))
        for name, size in sizes.items():
            value = np.asarray(getattr(self, name), np.float64)
            if value.shape != (size,) or not size or not np.isfinite(value).all():
                raise InputError(f"validation record: {name} must be {size or 'some'} finite numbers")
            object.__setattr__(self, name, value)
        if self.prices[0] != 0 or (np.diff(self.prices) <= 0).any():
            raise InputError("validation record: prices must ascend from 0")

    @classmethod
    def of(cls, scores: Scores, score: Vector, cost_usd: Vector) -> Self:
        """The record of predictions for validation prompts that they have not seen.

        Args:
            scores: The predictions.
            score: What the models achieved, ``(n_prompts, n_models)``, without gaps.
            cost_usd: What they cost, the same shape; NaN where not recorded: the model's mean.
        """
        known = ~np.isnan(cost_usd)
        guess = np.where(known.any(0), np.where(known, cost_usd, 0).sum(0) / known.sum(0).clip(1), np.nan)
        paid = np.where(known, cost_usd, np.where(np.isnan(guess), scores.cost_usd, guess))
        prices, chosen = _settings(scores)
        return cls(
            models=scores.models,
            n_prompts=len(scores),
            prices=prices,
            predicted_usd=realised(chosen, scores.cost_usd).mean(1),
            cost_usd=realised(chosen, paid).mean(1),
            score=realised(chosen, score).mean(1),
            single_cost_usd=paid.mean(0),
            single_score=score.mean(0),
            spread=CostSpread.of(scores.models, chosen, scores.cost_usd, cost_usd),
        )

    @cached_property
    def best(self) -> int:
        """Position of the best single model on validation."""
        return best_single(np.stack([self.single_cost_usd, self.single_score], axis=1))

    def price_keeping(self, share: float) -> float | None:
        """The price of least cost among those that kept this share of the best single model's score.

        None where no price did.
        """
        kept = np.flatnonzero(self.score >= share * self.single_score[self.best])
        return float(self.prices[kept[self.cost_usd[kept].argmin()]]) if len(kept) else None

    def price_spending(self, share: float) -> float | None:
        """The price of the best score among those that spent at most this share of the best model's cost.

        None where no price spent so little.
        """
        within = np.flatnonzero(self.cost_usd <= share * self.single_cost_usd[self.best])
        return float(self.prices[within[self.score[within].argmax()]]) if len(within) else None

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """A mapping that JSON can hold and `from_dict` reads back, to six digits."""
        lists = {name: digits(getattr(self, name)) for name in (*_BY_PRICE, *_BY_MODEL)}
        return {
            "models": list(self.models),
            "n_prompts": self.n_prompts,
            **lists,
            "cost_spread": self.spread.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The record that `to_dict` wrote.

        Raises:
            InputError: A value is missing or not what it should be.
        """
        try:
            models, n_prompts = tuple(map(str, values["models"])), int(values["n_prompts"])
            lists = {name: np.array(values[name], np.float64) for name in (*_BY_PRICE, *_BY_MODEL)}
            spread = values["cost_spread"]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"validation record: missing, or no number: {error}") from None
        return cls(models=models, n_prompts=n_prompts, spread=CostSpread.from_dict(models, spread), **lists)


_BY_PRICE = ("prices", "predicted_usd", "cost_usd", "score")
_BY_MODEL = ("single_cost_usd", "single_score")


def _settings(scores: Scores) -> tuple[Vector, Choices]:
    """Price 0 and others from where choices begin to change to where they no longer do; and the choices."""
    chosen = choices(scores.p_correct, scores.cost_usd)
    moved = np.flatnonzero((chosen[1:] != chosen[:-1]).any(1)) + 1
    if not len(moved):
        return PRICES[:1], chosen[:1]
    spread = np.linspace(moved[0], moved[-1], _SETTINGS - 1).round().astype(np.intp)
    kept = np.unique(np.concatenate([[0], spread]))
    return PRICES[kept], chosen[kept]


def repriced(
    before: Pool, pool: Pool, record: ValidationRecord | None
) -> tuple[Pool, ValidationRecord | None]:
    """The models of a pool under other prices, limits and tags, and the record if it still holds.

    It does not where a call no longer costs what it did: a price per dollar then chooses otherwise.

    Raises:
        InputError: The other pool has other models.
    """
    known, given = set(before.names), set(pool.names)
    if known != given:
        faults = (
            ("lacks", sorted(known - given), "take {} out of the predictor"),
            ("has beyond them", sorted(given - known), "add {} with what was recorded"),
        )
        said = "; ".join(
            f"the pool {what} {', '.join(names)}: {do.format('it' if len(names) == 1 else 'them')}"
            for what, names, do in faults
            if names
        )
        raise InputError(f"other prices need the models of the predictor; {said}")
    pool = pool.select(before.names)
    return pool, record if pool.costs_as(before) else None
