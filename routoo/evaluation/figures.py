"""The records of an evaluation: a row of its table, a curve, a single model."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from routoo.data.curves import Choices, Vector
from routoo.evaluation.bootstrap import Interval

Kind = Literal["single", "mixing", "hull", "predicted", "oracle"]
"""What a row stands for: `predicted` rows are policies made of predictions, the others come with the data."""

NEARLY_FREE = 1
"""Position of the least price above 0: money is no object, but of two that tie the cheaper is taken."""

HINDSIGHT = ("area", "closed", "apgr", "acc@x", "cost@x")
"""Figures of settings that are picked on the very prompts that they are judged on."""

INTERVALS = ("area_interval", "over_hull", "over_single", "over_reference")


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One policy on the prompts of a part: the figures of its row, NaN where one is not defined.

    Args:
        name: What the row is called.
        kind: What it stands for.
        area: Mean score under the hull of its curve, over budgets from the cheapest to the best single model.
        closed: Share of the way from the hull of single models to the oracle that `area` stands for.
        apgr: Share of the way from the cheapest to the best single model's score that `area` stands for: by
            cost, under the hull. RouteLLM's own is by share of calls, see `Published.apgr_by_calls`.
        auc: Mean over models of the area under the ROC curve; `brier` and `ece` say how honest it is.
        argmax: Score when money is no object; `argmax_cost` is what that costs.
        score_at: Best score at no more than a share of the best single model's cost, by share.
        cost_at: Least cost at a share of the best single model's score, by share.
        area_interval: `area` with its range over resamples of the prompts.
        over_hull: What `area` is above that of the hull of single models, on the same resamples.
        over_single: What the score at the best single model's cost is above that model's.
        over_reference: What `area` is above that of the reference row, on the same resamples.

    Costs are shares of the best single model's.
    """

    name: str
    kind: Kind
    area: float = math.nan
    closed: float = math.nan
    apgr: float = math.nan
    auc: float = math.nan
    brier: float = math.nan
    ece: float = math.nan
    argmax: float = math.nan
    argmax_cost: float = math.nan
    score_at: Mapping[float, float] = field(default_factory=dict)
    cost_at: Mapping[float, float] = field(default_factory=dict)
    area_interval: Interval | None = None
    over_hull: Interval | None = None
    over_single: Interval | None = None
    over_reference: Interval | None = None

    def to_dict(self) -> dict[str, Any]:  # Any: texts, numbers and None, as JSON has them
        """One flat row: ``acc@0.5`` is the score at half the cost, ``cost@1`` the cost at the full score.

        >>> row = Figures(name="router", kind="predicted", area=0.5, score_at={0.5: 0.4}).to_dict()
        >>> row["area"], row["acc@0.5"], row["closed"]
        (0.5, 0.4, None)
        """
        row: dict[str, Any] = {"name": self.name, "kind": self.kind}
        for key in ("auc", "brier", "ece", "area", "closed", "apgr", "argmax", "argmax_cost"):
            row[key] = getattr(self, key)
        row |= {f"acc@{share:g}": value for share, value in self.score_at.items()}
        row |= {f"cost@{share:g}": value for share, value in self.cost_at.items()}
        for key in INTERVALS:
            known: Interval | None = getattr(self, key)
            stem = key.removesuffix("_interval")
            if stem != "area":
                row[stem] = None if known is None else known.value
            row[f"{stem}_low"] = None if known is None else known.low
            row[f"{stem}_high"] = None if known is None else known.high
        return {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in row.items()
        }


@dataclass(frozen=True)
class SingleModel:
    """What sending every prompt to one model costs and achieves: USD a prompt and mean score.

    `outcomes` is how many scores were recorded.
    """

    name: str
    cost_usd: float
    score: float
    outcomes: int

    def to_dict(self) -> dict[str, Any]:  # Any: a text and numbers
        """The fields by name."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, eq=False)
class Curve:
    """What a policy realises at each price.

    Args:
        prices: Score per USD, ascending, ``(n_prices,)``.
        cost_usd: Mean cost in USD a prompt, ``(n_prices,)``.
        score: Mean score, ``(n_prices,)``.
        shares: Share of the prompts that each model gets, ``(n_prices, n_models)``.
        needless: Share of the prompts for which a cheaper model scores no less, ``(n_prices,)``.
    """

    prices: Vector
    cost_usd: Vector
    score: Vector
    shares: Vector
    needless: Vector

    @property
    def points(self) -> Vector:
        """(mean cost, mean score) at each price, ``(n_prices, 2)``."""
        return np.stack([self.cost_usd, self.score], axis=1)

    def shares_at(self, budgets_usd: Vector) -> Vector:
        """Share of the prompts that each model gets at these budgets a prompt, ``(n_budgets, n_models)``.

        Between two prices their choices are mixed, so that the budget is met on average.
        """
        return np.stack([self._at(budgets_usd, column) for column in self.shares.T], axis=1)

    def needless_at(self, budgets_usd: Vector) -> Vector:
        """Share of the prompts for which a cheaper model scores no less, at these budgets a prompt."""
        return self._at(budgets_usd, self.needless)

    def _at(self, budgets_usd: Vector, values: Vector) -> Vector:
        """Values of each price, read at budgets; at price 0 chance decides between models that tie."""
        priced = np.flatnonzero(self.prices > 0)
        order = priced[np.argsort(self.cost_usd[priced], kind="stable")]
        return np.asarray(np.interp(budgets_usd, self.cost_usd[order], values[order]), np.float64)


def shares_of(chosen: Choices, n_models: int) -> npt.NDArray[np.float64]:
    """Share of the prompts that each model gets at each price, ``(n_prices, n_models)``."""
    n_prices, n_prompts = chosen.shape
    cells = chosen + n_models * np.arange(n_prices)[:, None]
    counts = np.bincount(cells.ravel(), minlength=n_prices * n_models).reshape(n_prices, n_models)
    return np.asarray(counts / n_prompts, np.float64)
