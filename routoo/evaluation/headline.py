"""What a router buys, in one sentence: at a price chosen on validation, or else in hindsight."""

from __future__ import annotations

from routoo.evaluation.compare.validated import ValidatedSetting
from routoo.evaluation.trial.bootstrap import Interval
from routoo.evaluation.trial.policy import HULL
from routoo.evaluation.trial.single_models import SingleModel

SPENDS = {0.5: "half of", 0.75: "three quarters of", 1.0: "all of"}
"""Shares of the best single model's cost at which hindsight is asked, until one is reached."""


def validated_words(router: str, best: SingleModel, setting: ValidatedSetting, mixed_score: float) -> str:
    """What a price chosen on validation keeps and costs, beside the best mixture of single models."""
    share = f"{setting.share:.0%}"
    did = f"kept {share} of the best single model's score"
    if not setting.keeps:
        did = f"spent {share} of the best single model's cost"
    between = setting.kept_range
    held = "" if between is None else f" ({between.low:.1%} to {between.high:.1%})"
    return (
        f"at the price that {did} on validation, {router} keeps {setting.kept:.1%}{held} of what "
        f"{best.name} scores, for {setting.cost:.1%} of what it costs; the {HULL} (their best mixtures) "
        f"keeps {mixed_score / best.score:.1%} for that{_unless_sure(setting.over_mixtures)}."
    )


def hindsight_words(
    router: str, best: SingleModel, share: float, score: float, mixed_score: float, gap: Interval | None
) -> str:
    """What the best setting in hindsight keeps at one of `SPENDS`, beside the best mixture."""
    return (
        f"in hindsight, at {SPENDS[share]} what {best.name} costs, {router} keeps "
        f"{score / best.score:.1%} of its score; the {HULL} (their best mixtures) keeps "
        f"{mixed_score / best.score:.1%}{_unless_sure(gap)}."
    )


def _unless_sure(gap: Interval | None) -> str:
    return "" if gap is None or gap.excludes_zero else ", a difference that may be chance"
