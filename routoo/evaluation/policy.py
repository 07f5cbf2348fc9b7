"""What is compared: rules that send every prompt somewhere at each price, and their measured figures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from routoo.data.curves import PRICES, Choices, Floats, Vector, choices, curve, hull, realised
from routoo.data.scores import Scores
from routoo.evaluation.bootstrap import Resamples
from routoo.evaluation.deferral import Deferral, deferral_of
from routoo.evaluation.figures import Curve, Figures, Kind, shares_of
from routoo.evaluation.metrics import Scale, brier, mean_auc, ratio, reliability
from routoo.evaluation.trial import Trial

BEST_SINGLE = "best single model"
MIXING = "random mixing"
HULL = "hull of single models"
ORACLE = "oracle"
DOMAIN_TABLE = "domain table"

_IN_AREA = slice(None, None, 3)  # prices behind the interval of an area: the independent scorer's choice
Rows = npt.NDArray[np.intp]

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


def given_policies(scale: Scale) -> list[Policy]:
    """The rows that need no prediction; mixtures have the mean cost and score of what they mix."""
    cheapest, best = scale.singles[scale.cheapest], scale.singles[scale.best]
    return [
        Policy(BEST_SINGLE, "single", best[None]),
        Policy(MIXING, "mixing", _mixtures(np.stack([cheapest, best]))),
        Policy(HULL, "hull", _mixtures(hull(scale.singles))),
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


def deferral(policy: Policy, trial: Trial) -> Deferral | None:
    """What a policy's predictions make of the cheapest and the best single model alone, if these are two."""
    scale = trial.scale
    p_correct = trial.earned if policy.kind == "oracle" else policy.p_correct
    if p_correct is None or scale.best == scale.cheapest:
        return None
    return deferral_of(
        p_correct[:, scale.best] - p_correct[:, scale.cheapest],
        trial.earned[:, scale.cheapest],
        trial.earned[:, scale.best],
        weak=trial.models[scale.cheapest],
        strong=trial.models[scale.best],
    )


def measured(policies: list[Policy], trial: Trial) -> list[Figures]:
    """The row of each policy, intervals left out."""
    area = {p.kind: trial.scale.area(trial.scale.with_cheapest(p.points)) for p in policies}
    return [_figures(policy, trial, area["hull"], area["oracle"]) for policy in policies]


def _figures(policy: Policy, trial: Trial, floor: float, ceiling: float) -> Figures:
    """The row of a policy; `floor` and `ceiling` are the areas between which `closed` runs."""
    scale = trial.scale
    if policy.kind == "single":
        return Figures(
            name=policy.name,
            kind=policy.kind,
            argmax=scale.best_score,
            argmax_cost=ratio(scale.high_usd, scale.high_usd),
            score_at=scale.score_at(policy.points),
            cost_at=scale.cost_at(policy.points),
        )
    points = scale.with_cheapest(policy.points)
    area = scale.area(points)
    row = Figures(
        name=policy.name,
        kind=policy.kind,
        area=area,
        closed=ratio(area - floor, ceiling - floor),
        apgr=scale.apgr(area),
        score_at=scale.score_at(points),
        cost_at=scale.cost_at(points),
    )
    if policy.chosen is not None:
        cost, score = policy.points[0]
        row = replace(row, argmax=float(score), argmax_cost=ratio(float(cost), scale.high_usd))
    if policy.p_correct is None:
        return row
    return replace(
        row,
        auc=mean_auc(policy.p_correct, trial.score),
        brier=brier(policy.p_correct, trial.score),
        ece=reliability(policy.p_correct, trial.score).ece,
    )
