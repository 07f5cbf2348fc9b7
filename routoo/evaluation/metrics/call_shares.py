"""RouteLLM's metrics by share of calls, between the cheapest and the best single model alone."""

from __future__ import annotations

import math
from functools import partial

from routoo.evaluation.metrics.metric import Metric, Subject


def _apgr(subject: Subject) -> float:
    return math.nan if subject.deferral is None else subject.deferral.apgr_by_calls


def _cpt(subject: Subject, *, quality: float) -> float:
    return math.nan if subject.deferral is None else subject.deferral.cpt(quality)


APGR_BY_CALLS = Metric(
    key="apgr_by_calls",
    heading="APGR by share of calls",
    source="RouteLLM",
    words=(
        "between the cheapest and the best model alone, share of their gap closed on average over all shares "
        "of calls to the best one; apgr above is by cost"
    ),
    of=_apgr,
)

CPT_50 = Metric(
    key="cpt_50",
    heading="CPT 50 %",
    source="RouteLLM",
    words="share of the calls to the best one that closes half of their gap",
    of=partial(_cpt, quality=0.5),
)

CPT_80 = Metric(
    key="cpt_80",
    heading="CPT 80 %",
    source="RouteLLM",
    words="share that closes four fifths of it",
    of=partial(_cpt, quality=0.8),
)
