"""How far true costs lie from predicted ones, and the reserve that a budget needs for it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from routoo.data.errors import InputError

Vector = npt.NDArray[np.float64]
Choices = npt.NDArray[np.integer[Any]]

_SELDOM = 0.1
"""Prices at which every call counts as chosen, beside those that choose it: a model that no price chooses has
figures too."""

_PRIOR_CALLS = 10.0
"""Calls of all models together that count beside a model's own in its spread."""

_BY_MODEL = ("ratio", "error", "variance", "third")


@dataclass(frozen=True, eq=False)
class CostSpread:
    """True over predicted cost, model by model, measured at the choices that prices make.

    Each model has a ratio, which is off by the same share in every batch, and a spread of single calls, whose
    share of a batch shrinks with the root of its size.

    Args:
        models: The models.
        n_prompts: Prompts it was measured on.
        ratio: True over predicted cost in sum, ``(n_models,)``.
        error: Standard error of each ratio, ``(n_models,)``.
        shared: Correlation of the errors of two models that explains those of whole batches, in [0, 1].
        misfit: By how much the true cost of a whole batch, as a share of the predicted one, exceeds what the
            ratios say, at the price where that is most; at least 0.
        variance: Variance of a call's true cost about ratio times predicted cost, as a share of the square of
            the latter, ``(n_models,)``.
        third: Its third moment as a share of the cube of the predicted cost, ``(n_models,)``.

    Raises:
        InputError: Lengths disagree, or a value is not finite or out of range.

    >>> spread = CostSpread.of(("m",), np.zeros((1, 4), int), np.ones((4, 1)), np.ones((4, 1)))
    >>> spread.reserve_usd(np.zeros(3, int), np.ones(3), 0.95)
    0.0
    """

    models: tuple[str, ...]
    n_prompts: int
    ratio: Vector
    error: Vector
    shared: float
    misfit: float
    variance: Vector
    third: Vector

    def __post_init__(self) -> None:
        for name in _BY_MODEL:
            value = np.asarray(getattr(self, name), np.float64)
            if value.shape != (len(self.models),) or not np.isfinite(value).all():
                raise InputError(
                    f"cost spread: {name} must be {len(self.models)} finite numbers, one a model"
                )
            if name != "third" and value.min(initial=0.0) < 0:
                raise InputError(f"cost spread: {name} must be at least 0, got {value.min()}")
            object.__setattr__(self, name, value)
        if not (0 <= self.shared <= 1 and 0 <= self.misfit < math.inf and self.n_prompts > 0):
            raise InputError(
                "cost spread: shared must lie in [0, 1], misfit be at least 0, n_prompts positive"
            )

    @classmethod
    def of(
        cls,
        models: Sequence[str],
        chosen: Choices,
        predicted_usd: npt.NDArray[np.floating[Any]],
        cost_usd: npt.NDArray[np.floating[Any]],
    ) -> Self:
        """The spread of calls by predictions that have not seen what they cost.

        Args:
            models: Names of the columns.
            chosen: Position of each prompt's model at each price, ``(n_prices, n_prompts)``.
            predicted_usd: ``(n_prompts, n_models)``.
            cost_usd: What the calls cost, the same shape; NaN where not recorded.
        """
        n_prompts = len(predicted_usd)
        known = ~np.isnan(cost_usd)
        predicted = np.where(known, predicted_usd, 0.0).astype(np.float64)
        true = np.where(known, cost_usd, 0.0).astype(np.float64)
        weight = np.full(predicted.shape, _SELDOM)
        for row in chosen:
            weight[np.arange(n_prompts), row] += 1
        spent = (weight * predicted).sum(0)
        ratio = np.where(spent > 0, _quotient((weight * true).sum(0), spent), 1.0)
        missed = true - ratio * predicted
        calls = _quotient(spent**2, ((weight * predicted) ** 2).sum(0))
        variance = _pooled(weight * missed**2, weight * predicted**2, calls)
        third = _pooled(weight * missed**3, weight * predicted**3, calls)
        influence = _quotient(weight * missed, np.broadcast_to(spent, missed.shape))
        covariance = influence.T @ influence * (n_prompts / max(n_prompts - 1, 1))
        error = np.sqrt(np.maximum(np.diag(covariance), _quotient(variance, calls)))
        shares, excess = _batches(chosen, predicted, missed)
        alone = (shares**2) @ error**2
        together = (shares @ error) ** 2
        shared = _quotient(np.einsum("kj,jl,kl->k", shares, covariance, shares) - alone, together - alone)
        return cls(
            models=tuple(models),
            n_prompts=n_prompts,
            ratio=ratio,
            error=error,
            shared=float(np.clip(shared.max(initial=0.0), 0.0, 1.0)),
            misfit=float(excess.max(initial=0.0)),
            variance=variance,
            third=third,
        )

    def reserve_usd(
        self, choice: Choices, cost_usd: npt.NDArray[np.floating[Any]], confidence: float
    ) -> float:
        """Money to keep beside a batch's predicted cost, so that its true cost holds with this confidence.

        Half of the doubt is allowed to what all batches share, half to the luck of single calls (a union
        bound): P(ratios above their bound) + P(sum above its bound, given them) <= 1 - confidence. The sum of
        single calls has the normal law, corrected for skewness (Cornish and Fisher 1938). Costs that were
        predicted too high are not counted on.

        Args:
            choice: Position in `models` of each prompt's model, ``(n,)``.
            cost_usd: Predicted cost of each choice, ``(n,)``.
            confidence: From 0.5 to below 1.

        Raises:
            InputError: The confidence is out of range.
        """
        if not 0.5 <= confidence < 1:
            raise InputError(f"budget_confidence must be at least 0.5 and below 1, got {confidence}")
        cost = np.asarray(cost_usd, np.float64)
        power = [np.bincount(choice, cost**k, minlength=len(self.models)) for k in (1, 2, 3)]
        z = NormalDist().inv_cdf((1 + confidence) / 2)
        off = self.error * power[0]
        doubt = math.sqrt((1 - self.shared) * float(off @ off) + self.shared * float(off.sum()) ** 2)
        level = float((self.ratio - 1) @ power[0]) + self.misfit * float(power[0].sum())
        shared = max(level, 0.0) + (z + (z**3 + z) / (4 * max(self.n_prompts - 1, 1))) * doubt
        single = math.sqrt(float(self.variance @ power[1]))
        skew = max(float(self.third @ power[2]), 0.0) / single**3 if single > 0 else 0.0
        return shared + (z + skew * (z**2 - 1) / 6) * single

    def columns(self, models: Sequence[str]) -> Choices:
        """Position here of each of these models, ``(n_models,)``.

        Raises:
            InputError: A model was not measured.
        """
        unknown = [name for name in models if name not in self.models]
        if unknown:
            raise InputError(
                f"nothing is known of how far costs of {', '.join(unknown)} may be off: leave "
                "budget_confidence out"
            )
        return np.array([self.models.index(name) for name in models], np.intp)

    def to_dict(self) -> dict[str, Any]:  # Any: numbers and lists of them, as JSON has them
        """A mapping that JSON can hold and `from_dict` reads back, to six digits."""
        lists = {name: digits(getattr(self, name)) for name in _BY_MODEL}
        return {"n_prompts": self.n_prompts, "shared": self.shared, "misfit": self.misfit, **lists}

    @classmethod
    def from_dict(cls, models: Sequence[str], values: Mapping[str, Any]) -> Self:
        """The spread that `to_dict` wrote.

        Raises:
            InputError: A value is missing or not what it should be.
        """
        try:
            n_prompts = int(values["n_prompts"])
            shared, misfit = float(values["shared"]), float(values["misfit"])
            lists = {name: np.array(values[name], np.float64) for name in _BY_MODEL}
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"cost spread: missing, or no number: {error}") from None
        return cls(tuple(models), n_prompts, shared=shared, misfit=misfit, **lists)


def digits(values: Vector) -> list[float]:
    """The numbers to six significant digits.

    >>> digits(np.array([0.123456789, 2.0]))
    [0.123457, 2.0]
    """
    return [float(f"{value:.6g}") for value in values.tolist()]


def _quotient(part: Vector, whole: Vector) -> Vector:
    """The quotient, 0 where the divisor is not above 0."""
    return np.asarray(np.divide(part, whole, out=np.zeros(np.shape(part)), where=whole > 0), np.float64)


def _pooled(part: Vector, whole: Vector, calls: Vector) -> Vector:
    """Sums of the first over sums of the second, column by column; few calls are pulled to all of them."""
    every = float(part.sum()) / float(whole.sum()) if whole.sum() > 0 else 0.0
    own = _quotient(part.sum(0), whole.sum(0))
    return np.asarray((calls * own + _PRIOR_CALLS * every) / (calls + _PRIOR_CALLS), np.float64)


def _batches(chosen: Choices, predicted: Vector, missed: Vector) -> tuple[Vector, Vector]:
    """Each model's share of the predicted cost at each price, and what true costs add to it as a share."""
    rows = np.arange(len(predicted))
    shares, excess = np.zeros((len(chosen), predicted.shape[1])), np.zeros(len(chosen))
    for at, row in enumerate(chosen):
        cost = predicted[rows, row]
        if cost.sum() > 0:
            shares[at] = np.bincount(row, cost, minlength=predicted.shape[1]) / cost.sum()
            excess[at] = missed[rows, row].sum() / cost.sum()
    return shares, excess
