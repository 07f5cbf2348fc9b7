"""Fits what answers tell on recorded answers and predictions that had not seen their prompts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from routoo.data.outcomes import Outcomes
from routoo.data.tables.columns import SIGNALS
from routoo.models.signals.agreement import answer_codes
from routoo.models.signals.answer_model import AnswerModel, log_ratios
from routoo.models.signals.calibration import Calibration
from routoo.models.signals.fusion import Fusion
from routoo.models.signals.fusion_fit import fit_fusion
from routoo.models.signals.generation import Vector
from routoo.models.signals.observation_fit import fit_observation
from routoo.models.signals.recorded import recorded_signal
from routoo.models.signals.registry import SIGNALS as KNOWN

_OF_ANOTHER = "member_agreement"
"""The signal that is of two answers: the observation model has it."""


def fit_answer_model(
    outcomes: Outcomes, models: Sequence[str], p_correct: Vector, *, seed: int = 0
) -> AnswerModel | None:
    """What the recorded answers of these models tell; None where no answer was recorded.

    Every recorded signal of the registry is calibrated to P(correct) and fused with what was expected. Curves
    are of models, not of domains: a router seldom knows the domain, and curves that know it mislead where
    it is not.

    Args:
        outcomes: Scores with answers (the column ``response``) and signals; no answer counts as an empty one.
        models: The models, in the order of the columns.
        p_correct: Expected of them on each prompt by a predictor that had not seen it,
            ``(n_prompts, n_models)``.
        seed: Of folds and samples.
    """
    if not outcomes.records("response"):
        return None
    score = outcomes.to_matrices(models).score
    before = np.asarray(p_correct, np.float64).clip(0, 1)
    row = {name: at for at, name in enumerate(outcomes.prompt_ids)}
    column = {name: at for at, name in enumerate(models)}
    calibrations: dict[str, Calibration] = {}
    calibrated = []
    for name in KNOWN:
        if name == _OF_ANOTHER or not outcomes.records(SIGNALS + name):
            continue
        found = recorded_signal(outcomes, name)
        fit = found.calibrated(by_domain=False, seed=seed)
        values = np.full(score.shape, np.nan)
        values[[row[name] for name in found.prompt_ids], [column[name] for name in found.models]] = (
            fit.left_out
        )
        calibrations[name] = fit.calibration
        calibrated.append(values)
    log_ratio = np.full(score.shape, np.nan)
    fusion: Fusion | None = None
    if calibrated:
        stack = np.stack(calibrated, axis=2)
        known = ~np.isnan(stack).all(2) & ~np.isnan(score)
        prompt, model = np.nonzero(known)
        names = [models[at] for at in model.tolist()]
        ids = [outcomes.prompt_ids[at] for at in prompt.tolist()]
        fusion = fit_fusion(stack[known], before[known], score[known], names, prompt_ids=ids, seed=seed)
        log_ratio[known] = log_ratios(fusion, stack[known], before[known], names)
    observation = fit_observation(
        models,
        p_correct=before,
        score=score,
        log_ratio=log_ratio,
        codes=answer_codes(outcomes.responses(models)),
        seed=seed,
    )
    return AnswerModel(observation, calibrations, fusion)
