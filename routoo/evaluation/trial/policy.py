"""What is compared: rules that send every prompt somewhere at each price."""

from __future__ import annotations

from dataclasses import dataclass, replace
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

BEST_SINGLE = "best single model"
MIXING = "random mixing"
HULL = "hull of single models"
ORACLE = "oracle"
DOMAIN_TABLE = "domain table"

Kind = Literal["single", "mixing", "hull", "predicted", "oracle"]
"""What a row stands for: `predicted` rows are policies made of predictions, the others come with the data."""


Rows = npt.NDArray[np.intp]

_IN_AREA = slice(None, None, 3)  # prices behind the interval of an area: the independent scorer's choice
_SHARES = np.linspace(0, 1, 501)[1:-1, None]


@dataclass(frozen=True, eq=False)
class Policy:
    """A row before it is measured.

    Args:
        name: What the row is called.
        kind: What it stands for.
        points: (mean cost, mean score) of what it can be set to, ``(n_points, 2)``.
        chosen: Where it sends each prompt at each of `PRICES`, if it chooses at all.
        p_correct: The predictions behind the choices, ``(n_prompts, n_models)``, if there are any.
        expected_cost: What calls were expected to cost when it chose, the same shape, in USD.
        open_: Which models it may send which prompts to, the same shape; all, when None.
    """

    name: str
    kind: Kind
    points: Vector
    chosen: Choices | None = None
    p_correct: Floats | None = None
    expected_cost: Floats | None = None
    open_: npt.NDArray[np.bool_] | None = None

    def choose(self, prices: Vector = PRICES) -> Choices:
        """Where its predictions send each prompt at these prices."""
        assert self.p_correct is not None  # for the type checker: only asked of those that predict
        assert self.expected_cost is not None
        p_correct = self.p_correct if self.open_ is None else np.where(self.open_, self.p_correct, -np.inf)
        return choices(p_correct, self.expected_cost, prices)

    def curve(self, trial: Trial) -> Curve:
        """What it realises at each price."""
        assert self.chosen is not None  # for the type checker: only asked of those that choose
        cost, score = self.points.T
        return Curve(
            PRICES,
            cost,
            score,
            shares_of(self.chosen, len(trial.models)),
            realised(self.chosen, trial.needless).mean(1),
        )

    def resampled(self, singles: Vector, trial: Trial, resamples: Resamples) -> tuple[Vector, Rows]:
        """Points in each draw, ``(samples, n_points, 2)``, and which of them an area is drawn from.

        `singles` are the single models' points in each draw.
        """
        if self.chosen is None:
            return singles, np.arange(singles.shape[1])
        distinct, setting = np.unique(self.chosen, axis=0, return_inverse=True)
        means = [resamples.means(realised(distinct, of).T) for of in (trial.cost_usd, trial.earned)]
        return np.stack(means, axis=2), np.unique(setting.ravel()[_IN_AREA])


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
    made = Policy(
        name, "predicted", np.empty((0, 2)), None, scores.p_correct.astype(np.float64), scores.cost_usd, open_
    )
    chosen = made.choose()
    return replace(made, points=curve(chosen, trial.earned, trial.cost_usd), chosen=chosen)


def oracle(trial: Trial) -> Policy:
    """The policy that chooses by what will come: the ceiling."""
    chosen = choices(trial.earned, trial.cost_usd)
    return Policy(ORACLE, "oracle", curve(chosen, trial.earned, trial.cost_usd), chosen)
