"""Metrics under which other routers were published, so that theirs and ours can be laid side by side.

Where a source leaves something open, what was chosen is said beside it. All are read off one policy's
settings: the (mean cost, mean score) that it realises at each price.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from routoo.data.curves import Floats, Vector, hull
from routoo.evaluation.metrics.budgets import ROUNDING
from routoo.evaluation.metrics.deferral import Deferral
from routoo.evaluation.metrics.undefined import ratio
from routoo.evaluation.trial.bootstrap import Interval
from routoo.evaluation.trial.curve import NEARLY_FREE
from routoo.evaluation.trial.policy import Policy
from routoo.evaluation.trial.single_models import SingleModels
from routoo.evaluation.trial.trial import Trial

ARENA_COSTS = (0.0044, 200.0)
"""USD per 1,000 prompts between which RouterArena rates a cost from 1 to 0."""

ARENA_BETA = 0.1
"""How little RouterArena weighs cost against accuracy."""

IN_HINDSIGHT = ("perf_gain", "cost_save", "arena")
"""Measures of the best setting in hindsight: it is picked by the very outcomes that it is judged on."""

_BUDGETS = 101  # budgets over which effective models are averaged


@dataclass(frozen=True, kw_only=True)
class Published:
    """One policy under the measures of others; NaN where one is not defined.

    Args:
        aiq: RouterBench's average improvement in quality; see `aiq`.
        perf_gain: LLMRouterBench's PerfGain; see `perf_gain`.
        cost_save: LLMRouterBench's CostSave; see `cost_save`.
        pareto_dist: LLMRouterBench's ParetoDist; see `pareto_dist`.
        arena: RouterArena's score of the best setting; see `arena_score`.
        apgr_by_calls: RouteLLM's average performance gap recovered, by share of calls; see `Deferral`.
            `Metrics.apgr` is by cost.
        cpt_50: RouteLLM's share of calls to the strong model that closes half of the gap.
        cpt_80: The same for four fifths of the gap.
        effective_models: How many models share the prompts, over all budgets; see `effective_models`.
        collapse: Share of the calls that go to the best single model for nothing; see `collapse`.
        ranges: Of `IN_HINDSIGHT`, the range over resamples of the prompts, the best setting picked anew in
            each; left out where there are none, or more than one draw in ten has no such setting.
    """

    aiq: float
    perf_gain: float
    cost_save: float
    pareto_dist: float
    arena: float
    apgr_by_calls: float
    cpt_50: float
    cpt_80: float
    effective_models: float
    collapse: float
    ranges: Mapping[str, Interval] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, float]:
        """The measures by name."""
        return {key: value for key, value in vars(self).items() if key != "ranges"}

    def to_dict(self) -> dict[str, Any]:  # Any: numbers and None, as JSON has them
        """The measures by name, ranges as ``arena_low`` and ``arena_high``; None where one is not defined."""
        row = {key: None if math.isnan(value) else value for key, value in self.values.items()}
        for key in IN_HINDSIGHT:
            known = self.ranges.get(key)
            row[f"{key}_low"] = None if known is None else known.low
            row[f"{key}_high"] = None if known is None else known.high
        return row


def aiq(points: Vector, low: float, high: float) -> float:
    """Mean score under the non-decreasing concave hull over costs from `low` to `high`, integrated exactly.

    RouterBench (arXiv 2403.12031) divides the area by the range of costs; the range here is the caller's, say
    that of the pool's single models. `SingleModels.area` is the same on the range that ends at the best
    single model, beyond which nobody needs to pay.

    >>> aiq(np.array([[1.0, 0.2], [3.0, 0.6]]), 1.0, 5.0)
    0.5
    """
    vertices = hull(points)
    if high <= low:
        return float(np.interp(low, vertices[:, 0], vertices[:, 1]))
    inside = vertices[(vertices[:, 0] > low) & (vertices[:, 0] < high), 0]
    costs = np.concatenate([[low], inside, [high]])
    return float(np.trapezoid(np.interp(costs, vertices[:, 0], vertices[:, 1]), costs) / (high - low))


def perf_gain(points: Vector, best_score: float) -> float:
    """The best score of any setting above that of the best single model, as a share of the latter.

    LLMRouterBench (arXiv 2601.07206).

    >>> round(perf_gain(np.array([[1.0, 0.66], [2.0, 0.63]]), 0.6), 6)
    0.1
    """
    return ratio(float(points[:, 1].max()) - best_score, best_score)


def cost_save(points: Vector, best_score: float, best_cost: float) -> float:
    """What the cheapest setting that scores no less than the best single model saves, as a share of its cost.

    LLMRouterBench (arXiv 2601.07206). NaN where no setting does; negative where it takes more money.

    >>> cost_save(np.array([[1.0, 0.66], [2.0, 0.7]]), 0.6, 4.0)
    0.75
    """
    enough = points[points[:, 1] >= best_score * (1 - ROUNDING), 0]
    return 1 - ratio(float(enough.min()), best_cost) if len(enough) else math.nan


def pareto_front(points: Vector) -> Vector:
    """The points that no other beats in cost or score without losing in the other, by rising cost.

    >>> pareto_front(np.array([[1.0, 0.2], [2.0, 0.1], [3.0, 0.5]])).tolist()
    [[1.0, 0.2], [3.0, 0.5]]
    """
    ordered = points[np.lexsort((-points[:, 1], points[:, 0]))]
    before = np.concatenate([[-np.inf], np.maximum.accumulate(ordered[:-1, 1])])
    return ordered[ordered[:, 1] > before]


def pareto_dist(points: Vector, everyone: Vector) -> float:
    """Mean distance of the settings from the Pareto front of all settings compared; 0 is best.

    LLMRouterBench (arXiv 2601.07206) gives no scale for the axes: here each runs from 0 to 1 over `everyone`,
    settings that coincide count once, and the front is its points.

    Args:
        points: Settings of the policy, ``(n_points, 2)``.
        everyone: Settings of all that is compared, single models included, ``(n, 2)``.

    >>> pareto_dist(np.array([[1.0, 0.0]]), np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 0.0]]))
    1.0
    """
    low, extent = everyone.min(0), np.ptp(everyone, axis=0)
    extent = np.where(extent > 0, extent, 1.0)
    front = (pareto_front(everyone) - low) / extent
    settings = (np.unique(points, axis=0) - low) / extent
    steps = settings[:, None, :] - front[None, :, :]
    return float(np.sqrt((steps**2).sum(2)).min(1).mean())


def arena_score(score: Floats, cost_usd: Floats) -> Vector:
    """RouterArena's score: a harmonic mean of accuracy and of a logarithmic rating of cost.

    ``(1 + β) A C / (β A + C)`` with ``β = 0.1`` and ``C`` falling from 1 at 0.0044 USD per 1,000 prompts to 0
    at 200 USD (RouterArena, arXiv 2510.00202); beyond these costs `C` stays at 1 and 0.

    Args:
        score: Mean scores.
        cost_usd: Mean costs in USD a prompt, the same shape.

    >>> arena_score(np.array([0.7396]), np.array([10.02e-3])).round(3).tolist()
    [0.643]
    """
    cheap, dear = np.log2(ARENA_COSTS)
    with np.errstate(divide="ignore"):
        rated = (dear - np.log2(1000 * np.asarray(cost_usd, np.float64))) / (dear - cheap)
    rated = np.clip(rated, 0.0, 1.0)
    below = ARENA_BETA * score + rated
    return np.asarray(
        np.divide((1 + ARENA_BETA) * score * rated, below, out=np.zeros_like(rated), where=below > 0)
    )


def effective_models(shares: Vector) -> Vector:
    """How many models share the prompts: the exponential of the entropy of their shares.

    It is 1 where one model gets all, and k where k models get the same.

    Args:
        shares: Share of the prompts of each model, ``(..., n_models)``.

    >>> effective_models(np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])).round(6).tolist()
    [1.0, 2.0]
    """
    known = np.where(shares > 0, shares, 1.0)
    return np.asarray(np.exp(-(known * np.log(known)).sum(-1)), np.float64)


def in_hindsight(points: Vector, singles: SingleModels) -> tuple[float, float, float]:
    """Each of `IN_HINDSIGHT` for the settings `points`, ``(n_points, 2)``."""
    return (
        perf_gain(points, singles.best_score),
        cost_save(points, singles.best_score, singles.high_usd),
        float(arena_score(points[:, 1], points[:, 0]).max()),
    )


def collapse(chosen: npt.NDArray[np.integer[Any]], needless: Vector, best: int) -> float:
    """Share of the calls that go to the best single model though a cheaper one scores no less.

    Routers are known to drift to the dearest model as money allows, though cheaper ones would do (arXiv
    2602.03478). 0 where it is called only when needed; near 1 is a router that has collapsed.

    Args:
        chosen: The model of each prompt when money is no object, ``(n_prompts,)``.
        needless: 1 where a cheaper model scores no less, else 0, ``(n_prompts, n_models)``.
        best: Position of the best single model.

    >>> collapse(np.array([1, 1, 0, 0]), np.array([[0, 1.0], [0, 0], [0, 1.0], [0, 1.0]]), 1)
    0.25
    """
    return float(((chosen == best) & (needless[:, best] > 0)).mean())


def published_of(
    policy: Policy,
    policies: Sequence[Policy],
    trial: Trial,
    deferral: Deferral | None,
    ranges: Mapping[str, Interval],
) -> Published:
    """The measures of others for a policy that chooses.

    The front of `pareto_dist` is that of the single models and of every policy but the oracle (NaN).

    Args:
        policy: A policy with choices.
        policies: All that are compared.
        trial: What they are compared on.
        deferral: The policy between the cheapest and the best single model, where these are two.
        ranges: Those of `IN_HINDSIGHT` that are known.
    """
    assert policy.chosen is not None  # for the type checker
    singles = trial.singles
    gain, saved, arena = in_hindsight(policy.points, singles)
    budgets = np.linspace(singles.low_usd, singles.high_usd, _BUDGETS)
    compared = [p.points for p in policies if p.kind == "predicted"]
    return Published(
        aiq=aiq(singles.with_cheapest(policy.points), singles.low_usd, float(singles.points[:, 0].max())),
        perf_gain=gain,
        cost_save=saved,
        pareto_dist=math.nan
        if policy.kind == "oracle"
        else pareto_dist(policy.points, np.vstack([singles.points, *compared])),
        arena=arena,
        apgr_by_calls=math.nan if deferral is None else deferral.apgr_by_calls,
        cpt_50=math.nan if deferral is None else deferral.cpt(0.5),
        cpt_80=math.nan if deferral is None else deferral.cpt(0.8),
        effective_models=float(effective_models(policy.curve(trial).shares_at(budgets)).mean()),
        collapse=collapse(policy.chosen[NEARLY_FREE], trial.needless, singles.best),
        ranges=ranges,
    )
