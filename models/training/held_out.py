"""What a trained network shows on prompts by predictions that have not seen their outcomes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from routoo.data.pool import Pool
from routoo.data.scores import priced_scores
from routoo.data.validation import ValidationRecord
from routoo.models.evidence.fit import FittedEvidence
from routoo.models.groups.group_table import without_gaps
from routoo.models.training.targets import Targets


def validation_record(
    fitted: FittedEvidence,
    targets: Targets,
    *,
    pool: Pool,
    input_tokens: npt.NDArray[np.floating[Any]],
    cost_usd: npt.NDArray[np.float64],
) -> ValidationRecord:
    """The record of choosing by left-out predictions.

    Domains and attributes are inferred.

    Args:
        fitted: The evidence heads with what they say of the prompts they were fitted on, each left out.
        targets: What was recorded of these prompts.
        pool: Prices.
        input_tokens: Tokens sent to each model, ``(n_prompts, n_models)``.
        cost_usd: What calls cost, the same shape; NaN where not recorded.
    """
    unknown = np.full(fitted.p_correct.shape, np.nan, np.float32)
    tokens = unknown if fitted.output_tokens is None else fitted.output_tokens.astype(np.float32)
    scores = priced_scores(
        pool,
        input_tokens,
        p_correct=fitted.p_correct.astype(np.float32),
        logit_std=unknown,
        output_tokens=tokens,
        latency_s=unknown,
        unrecorded=targets.unrecorded(pool.names),
    )
    domains = targets.domain.astype(str).tolist()
    return ValidationRecord.of(scores, without_gaps(targets.score.astype(np.float64), domains), cost_usd)
