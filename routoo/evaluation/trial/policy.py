"""What is compared: rules that send every prompt somewhere at each price."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from routoo.data.curves import PRICES, Choices, Floats, Vector, choices, curve, hull, realised
from routoo.data.scores import Scores
from routoo.evaluation.trial.bootstrap import Resamples
from routoo.evaluation.trial.curve import Curve, shares_of
from routoo.evaluation.trial.single_models import SingleModels
from routoo.evaluation.trial.trial import Trial
from routoo.policies.replayed import ReplayedCascades

BEST_SINGLE = "best single model"
MIXING = "random mixing"
HULL = "hull of single models"
ORACLE = "oracle"
CASCADE = "cascade"
DOMAIN_TABLE = "domain table"

Kind = Literal["single", "mixing", "hull", "predicted", "cascade", "oracle"]
"""What a row stands for: `predicted` rows are policies made of predictions, a `cascade` reads answers too;
the others come with the data."""

Rows = npt.NDArray[np.intp]

_IN_AREA = (
    200  # prices behind the interval of an area: every third of `PRICES`, as the independent scorer has it
)
_SHARES = np.linspace(0, 1, 501)[1:-1, None]


@dataclass(frozen=True, eq=False)
class Policy:
    """A row before it is measured.

    Args:
        name: What the row is called.
        kind: What it stands for.
        points: (mean cost, mean score) of what it can be set to, ``(n_points, 2)``.
        chosen: The model whose answer each prompt gets at each price, ``(n_prices, n_prompts)``, if it
            chooses at all.
        wasted_usd: What was paid for other answers, the same shape; None where no prompt asks a second model.
        prices: Score per USD, ascending from 0, ``(n_prices,)``.
        p_correct: The predictions behind the choices, ``(n_prompts, n_models)``, if there are any.
        expected_cost: What calls were expected to cost when it chose, the same shape, in USD.
    """

    name: str
    kind: Kind
    points: Vector
    chosen: Choices | None = None
    wasted_usd: Floats | None = None
    prices: Vector = field(default_factory=lambda: PRICES)
    p_correct: Floats | None = None
    expected_cost: Floats | None = None

    def realised(self, trial: Trial, settings: Rows | slice = slice(None)) -> tuple[Vector, Vector]:
        """What each prompt costs and scores at these of its prices, ``(n_settings, n_prompts)`` each."""
        assert self.chosen is not None  # for the type checker: only asked of those that choose
        chosen = self.chosen[settings]
        cost, score = realised(chosen, trial.cost_usd), realised(chosen, trial.earned)
        return cost if self.wasted_usd is None else cost + self.wasted_usd[settings], score

    def curve(self, trial: Trial) -> Curve:
        """What it realises at each price."""
        assert self.chosen is not None  # for the type checker: only asked of those that choose
        cost, score = self.points.T
        return Curve(
            self.prices,
            cost,
            score,
            shares_of(self.chosen, len(trial.models)),
            realised(self.chosen, trial.needless).mean(1),
        )

    def best_prices(self) -> Vector:
        """Prices whose settings are the vertices of the hull of all."""
        vertices = {tuple(vertex) for vertex in hull(self.points).tolist()}
        at = {tuple(point): at for at, point in enumerate(self.points.tolist()) if tuple(point) in vertices}
        return self.prices[sorted(at.values())]

    def resampled(self, singles: Vector, trial: Trial, resamples: Resamples) -> tuple[Vector, Rows]:
        """Points in each draw, ``(samples, n_points, 2)``, and which of them an area is drawn from.

        `singles` are the single models' points in each draw.
        """
        if self.chosen is None:
            return singles, np.arange(singles.shape[1])
        distinct, setting = self._distinct(self.chosen)
        means = [resamples.means(of.T) for of in self.realised(trial, distinct)]
        return np.stack(means, axis=2), np.unique(setting[:: max(len(setting) // _IN_AREA, 1)])

    def _distinct(self, chosen: Choices) -> tuple[Rows, Rows]:
        """Prices of which no two set the same, and the position among them of what each price sets."""
        if self.wasted_usd is not None:
            return np.arange(len(self.prices)), np.arange(len(self.prices))
        _, first, setting = np.unique(chosen, axis=0, return_index=True, return_inverse=True)
        return first, setting.ravel()


def given_policies(singles: SingleModels) -> list[Policy]:
    """The rows that need no prediction; mixtures have the mean cost and score of what they mix."""
    cheapest, best = singles.points[singles.cheapest], singles.points[singles.best]
    return [
        Policy(BEST_SINGLE, "single", best[None]),
        Policy(MIXING, "mixing", _mixtures(np.stack([cheapest, best]))),
        Policy(HULL, "hull", _mixtures(hull(singles.points))),
    ]


def _mixtures(vertices: Vector) -> Vector:
    """The vertices, and points between each two that follow, ``(n_points, 2)``."""
    between = [low + _SHARES * (high - low) for low, high in pairwise(vertices)]
    return np.vstack([vertices, *between])


def predicted(
    name: str, scores: Scores, trial: Trial, *, open_: npt.NDArray[np.bool_] | None = None
) -> Policy:
    """The policy that chooses by predictions, aligned with the trial, among the models that are open."""
    p_correct = scores.p_correct.astype(np.float64)
    eligible = p_correct if open_ is None else np.where(open_, p_correct, -np.inf)
    chosen = choices(eligible, scores.cost_usd)
    points = curve(chosen, trial.earned, trial.cost_usd)
    return Policy(name, "predicted", points, chosen, p_correct=p_correct, expected_cost=scores.cost_usd)


def cascading(found: ReplayedCascades, trial: Trial) -> Policy:
    """The policy that reads answers, asks again or stops."""
    points = np.stack([found.cost_usd.mean(1), found.realised(trial.earned).mean(1)], axis=1)
    chosen = found.chosen.astype(np.int32)
    return Policy(CASCADE, "cascade", points, chosen, found.wasted_usd(trial.cost_usd), found.prices)


def oracle(trial: Trial) -> Policy:
    """The policy that chooses by what will come: the ceiling."""
    chosen = choices(trial.earned, trial.cost_usd)
    return Policy(ORACLE, "oracle", curve(chosen, trial.earned, trial.cost_usd), chosen)
