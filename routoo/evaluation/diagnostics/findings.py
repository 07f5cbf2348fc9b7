"""What an evaluation shows, in one sentence a picture: the headlines of the report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from routoo.evaluation.in_words import listed, number, percent, signed
from routoo.evaluation.metrics.group_calibration import Group
from routoo.evaluation.metrics.usage_errors import ALL_MODELS, Quantity, UsageError
from routoo.evaluation.trial.curve import NEARLY_FREE
from routoo.evaluation.trial.policy import BEST_SINGLE, MIXING

if TYPE_CHECKING:
    from routoo.evaluation.evaluation import Evaluation

_SHOWN_LEVEL = 0.9
_EQUAL = 0.005  # share of choices below which nobody would speak of a flip


def findings(evaluation: Evaluation) -> dict[str, str]:
    """A sentence for each picture, by the picture's name."""
    return {
        "curve": _curve(evaluation),
        "differences": _rivals(evaluation),
        "equal_cost": _equal_cost(evaluation),
        "shares": _shares(evaluation),
        "models": _effective(evaluation),
        "needless": _needless(evaluation),
        "reliability": _reliability(evaluation),
        "coverage": _coverage(evaluation),
        "by_domain": _furthest_off(evaluation, "domain"),
        "by_model": _furthest_off(evaluation, "model"),
        "deferral": _deferral(evaluation),
        "flips": flips(evaluation),
        "tokens": _usage(evaluation, "output_tokens", "Output tokens"),
        "latency": _usage(evaluation, "latency_s", "Seconds"),
        "spend": _spend(evaluation),
    }


def _curve(evaluation: Evaluation) -> str:
    gap = evaluation.row(evaluation.router).over_hull
    if gap is None:
        return "What a score costs"
    if not gap.excludes_zero:
        return f"{evaluation.router} cannot be told from the best mixture of single models"
    return f"{evaluation.router} lies {'above' if gap.value > 0 else 'below'} every mixture of single models"


def _rivals(evaluation: Evaluation) -> str:
    """Whom the router surely beats, by area, and whom not."""
    kinds = {row.name: row.kind for row in evaluation.rows}
    gaps = {
        found.other: found.figures["area"]
        for found in evaluation.differences
        if "area" in found.figures and kinds[found.other] != "oracle"
    }
    ahead = [name for name, gap in gaps.items() if gap.low > 0]
    behind = [name for name, gap in gaps.items() if gap.high < 0]
    open_ = [name for name in gaps if name not in ahead and name not in behind]
    parts = []
    if ahead:
        parts.append(f"ahead of {listed(ahead)}")
    if behind:
        parts.append(f"behind {listed(behind)}")
    if open_:
        parts.append(f"too close to call with {listed(open_)}")
    return f"Over all budgets, {evaluation.router} is {'; '.join(parts)}" if parts else "Against each rival"


def _equal_cost(evaluation: Evaluation) -> str:
    """What the router has above the best mixture at half of the cost."""
    gap = evaluation.over_mixtures(0.5)
    if gap is None:
        return "At the same cost"
    sure = "" if gap.excludes_zero else ", which may be chance"
    return f"At half of the cost it scores {signed(gap)} above the best mixture of single models{sure}"


def _shares(evaluation: Evaluation) -> str:
    best = evaluation.models.index(evaluation.best_single.name)
    share = float(evaluation.curves[evaluation.router].shares[NEARLY_FREE, best])
    return f"When money is no object, {evaluation.best_single.name} gets {percent(share)} of the prompts"


def _effective(evaluation: Evaluation) -> str:
    models = evaluation.published[evaluation.router].effective_models
    return f"On average over all budgets, {models:.1f} models share the prompts"


def _needless(evaluation: Evaluation) -> str:
    curve = evaluation.curves[evaluation.router]
    most = np.array([evaluation.best_single.cost_usd])
    return f"At full cost, {percent(float(curve.needless_at(most)[0]))} of the calls are dearer than needed"


def _reliability(evaluation: Evaluation) -> str:
    bins = evaluation.reliability[evaluation.router]
    return f"Predictions are off by {number(bins.ece)} on average over {len(bins.count)} bins of them"


def _coverage(evaluation: Evaluation) -> str:
    for found in evaluation.coverage:
        if found.level == _SHOWN_LEVEL:
            return (
                f"{percent(found.level)} intervals hold the mean score of {percent(found.held)} of the groups"
            )
    return ""


def _furthest_off(evaluation: Evaluation, by: Group) -> str:
    worst = evaluation.furthest_off(by)
    if worst is None:
        return ""
    return f"Furthest off about {worst.name}: promised {number(worst.p_correct)}, came {number(worst.score)}"


def _deferral(evaluation: Evaluation) -> str:
    found = evaluation.deferral.get(evaluation.router)
    if found is None or math.isnan(found.cpt(0.5)):
        return "With two models alone"
    return f"Deferring {percent(found.cpt(0.5))} of the prompts to {found.strong} closes half of the gap"


def flips(evaluation: Evaluation) -> str:
    """How often the worst kind of harmless change moves a choice; empty where that was not asked."""
    if not evaluation.robustness:
        return ""
    worst = max(evaluation.robustness, key=lambda kind: kind.flips)
    if worst.flips < _EQUAL:
        return "No harmless change moves a choice in two hundred"
    return f"Harmless changes move {percent(worst.flips, 1)} of the choices at most: {worst.name}"


def total_of(evaluation: Evaluation, quantity: Quantity) -> UsageError | None:
    """The error of all models together, where the quantity was predicted and recorded."""
    for error in evaluation.usage:
        if error.quantity == quantity and error.model == ALL_MODELS:
            return error
    return None


def _usage(evaluation: Evaluation, quantity: Quantity, word: str) -> str:
    error = total_of(evaluation, quantity)
    if error is None:
        return ""
    ours, mean = math.exp(error.error), math.exp(error.mean_error)
    return f"{word} are off by a factor of {ours:.2f}; each model's mean is off by {mean:.2f}"


def _spend(evaluation: Evaluation) -> str:
    errors = [abs(error.off) for error in evaluation.spending.spend.errors if not math.isnan(error.off)]
    if not errors:
        return "What a batch was to cost, and cost"
    return f"A batch costs within {percent(max(errors), 1)} of what was expected"


def rivals(evaluation: Evaluation) -> list[str]:
    """The rows that the router is held against in pictures: all but the oracle, and what has no area."""
    kinds = {row.name: row.kind for row in evaluation.rows}
    others = [found.other for found in evaluation.differences]
    return [name for name in others if kinds[name] != "oracle" and name not in (BEST_SINGLE, MIXING)]
