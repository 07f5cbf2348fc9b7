"""Every diagnostic of the report, in the order of the page: a new one is a file here and a line below."""

from __future__ import annotations

from routoo.evaluation.diagnostics import (
    batch_spend,
    calibration_by_group,
    cascade_curve,
    cascade_depth,
    cost_quality,
    deferral_curves,
    effective_models,
    equal_cost,
    flips,
    interval_coverage,
    needless_calls,
    over_rivals,
    reliability_diagram,
    shares,
    usage_factors,
)

DIAGNOSTICS = (
    cost_quality.DIAGNOSTIC,
    equal_cost.DIAGNOSTIC,
    over_rivals.DIAGNOSTIC,
    shares.DIAGNOSTIC,
    cascade_curve.DIAGNOSTIC,
    cascade_depth.DIAGNOSTIC,
    effective_models.DIAGNOSTIC,
    needless_calls.DIAGNOSTIC,
    reliability_diagram.DIAGNOSTIC,
    interval_coverage.DIAGNOSTIC,
    deferral_curves.DIAGNOSTIC,
    calibration_by_group.BY_DOMAIN,
    calibration_by_group.BY_MODEL,
    batch_spend.DIAGNOSTIC,
    usage_factors.OUTPUT_TOKENS,
    usage_factors.LATENCY,
    flips.DIAGNOSTIC,
)
