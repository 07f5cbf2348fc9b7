"""What a trained network shows on validation, by predictions for which it has not learned from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from routoo.data.pool import Pool
from routoo.data.scores import priced_scores
from routoo.data.validation import ValidationRecord
from routoo.models.encoder.inputs import Inputs
from routoo.models.groups.group_table import without_gaps
from routoo.models.network.network import RouterNetwork
from routoo.models.network.predicting import predict_inputs
from routoo.models.training.targets import Targets

Array = npt.NDArray[np.float64]


def validation_record(
    network: RouterNetwork,
    inputs: Inputs,
    targets: Targets,
    rows: npt.NDArray[np.intp],
    *,
    pool: Pool,
    input_tokens: npt.NDArray[np.floating[Any]],
    cost_usd: Array,
) -> ValidationRecord:
    """The record of choosing by this network on prompts whose outcomes its heads have not learned.

    Its calibration and the weights of its stack, a handful of numbers, were fitted on them. Domains and
    labels are guessed.

    Args:
        network: Calibrated, its heads fitted on other prompts alone.
        inputs: Of all prompts.
        targets: Of all prompts.
        rows: The validation prompts.
        pool: Prices.
        input_tokens: Tokens sent to each model, of all prompts.
        cost_usd: What calls cost, of all prompts; NaN where not recorded.
    """
    said = predict_inputs(network, inputs, rows)
    outputs = {name: value.numpy() for name, value in said._asdict().items()}
    unrecorded = targets.unrecorded(pool.names)
    scores = priced_scores(pool, input_tokens[rows], **outputs, unrecorded=unrecorded)
    domains = targets.domain[rows].astype(str).tolist()
    return ValidationRecord.of(
        scores, without_gaps(targets.score[rows].astype(np.float64), domains), cost_usd[rows]
    )
