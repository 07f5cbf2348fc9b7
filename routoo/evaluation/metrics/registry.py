"""Every metric of a policy, in the order of its table: a new one is a file here and a line below."""

from __future__ import annotations

from routoo.evaluation.metrics.aiq import AIQ
from routoo.evaluation.metrics.arena import ARENA
from routoo.evaluation.metrics.call_shares import APGR_BY_CALLS, CPT_50, CPT_80
from routoo.evaluation.metrics.collapse import COLLAPSE
from routoo.evaluation.metrics.effective_models import EFFECTIVE_MODELS
from routoo.evaluation.metrics.pareto_dist import PARETO_DIST
from routoo.evaluation.metrics.perf_gain import COST_SAVE, PERF_GAIN

METRICS = (
    AIQ,
    PERF_GAIN,
    COST_SAVE,
    PARETO_DIST,
    ARENA,
    APGR_BY_CALLS,
    CPT_50,
    CPT_80,
    EFFECTIVE_MODELS,
    COLLAPSE,
)

IN_HINDSIGHT = tuple(metric.key for metric in METRICS if metric.best is not None)
"""Metrics of the best setting in hindsight: it is picked by the very outcomes that it is judged on."""
