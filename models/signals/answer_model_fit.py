"""Fits what answers tell on recorded answers and predictions that had not seen their prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.data.outcomes import Outcomes
from routoo.models.signals.agreement import answer_codes
from routoo.models.signals.answer_model import AnswerModel, log_ratios
from routoo.models.signals.answer_signals import answer_signals
from routoo.models.signals.calibration import Calibration
from routoo.models.signals.calibration_fit import fit_calibration
from routoo.models.signals.fusion import Fusion
from routoo.models.signals.fusion_fit import fit_fusion
from routoo.models.signals.generation import Vector
from routoo.models.signals.observation_fit import fit_observation
from routoo.models.signals.registry import SIGNALS as KNOWN

_ANSWERS = 50_000
"""Whose signals are learned from at most: more would change little."""


def fit_answer_model(
    outcomes: Outcomes, models: Sequence[str], p_correct: Vector, *, seed: int = 0
) -> AnswerModel | None:
    """What the recorded answers of these models tell; None where no answer was recorded.

    Every signal of single answers is calibrated to P(correct) and fused with what was expected. Curves are of
    models, not of domains: a router seldom knows the domain, and curves that know it mislead where it is not.
    Of more than 50,000 answers, the signals of those to some prompts are learned from.

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
    cells = prompt, model = np.nonzero(~np.isnan(score))
    answers = _Answers(
        signals={name: values[cells] for name, values in answer_signals(outcomes, models).items()},
        p_correct=before[cells],
        score=score[cells],
        models=np.array(models, object)[model],
        prompt_ids=np.array(outcomes.prompt_ids, object)[prompt],
    )
    most = -(-_ANSWERS // len(models))
    learned = np.random.default_rng(seed).permutation(len(score))[prompt] < most
    calibrations, fusion = _fusion(answers.rows(learned), seed)
    log_ratio = np.full(score.shape, np.nan)
    if fusion is not None:
        known = ~np.all([np.isnan(answers.signals[name]) for name in calibrations], axis=0)
        found = log_ratios(calibrations, fusion, answers.signals, answers.p_correct, answers.models.tolist())
        log_ratio[cells] = np.where(known, found, np.nan)
    codes = answer_codes(outcomes.responses(models))
    observation = fit_observation(
        models, p_correct=before, score=score, log_ratio=log_ratio, codes=codes, seed=seed
    )
    return AnswerModel(observation, calibrations, fusion)


@dataclass(frozen=True, eq=False)
class _Answers:
    """Answers whose scores are known, ``(n_answers,)`` each."""

    signals: Mapping[str, Vector]
    p_correct: Vector
    score: Vector
    models: npt.NDArray[np.object_]
    prompt_ids: npt.NDArray[np.object_]

    def rows(self, index: npt.NDArray[np.bool_]) -> _Answers:
        """These answers."""
        signals = {name: values[index] for name, values in self.signals.items()}
        return _Answers(
            signals, self.p_correct[index], self.score[index], self.models[index], self.prompt_ids[index]
        )


def _fusion(answers: _Answers, seed: int) -> tuple[dict[str, Calibration], Fusion | None]:
    """Calibrations of the signals that differ from answer to answer, and their fusion, if there are any."""
    calibrations: dict[str, Calibration] = {}
    left_out = []
    for name, values in answers.signals.items():
        known = ~np.isnan(values)
        if len(np.unique(values[known])) < 2:  # which tells nothing
            continue
        of = answers.rows(known)
        fit = fit_calibration(
            values[known],
            of.score,
            of.models.tolist(),
            prompt_ids=of.prompt_ids.tolist(),
            rising=KNOWN[name].rising,
            seed=seed,
        )
        calibrations[name] = fit.calibration
        left_out.append(np.full(len(values), np.nan))
        left_out[-1][known] = fit.left_out
    if not calibrations:
        return {}, None
    fusion = fit_fusion(
        np.column_stack(left_out),
        answers.p_correct,
        answers.score,
        answers.models.tolist(),
        prompt_ids=answers.prompt_ids.tolist(),
        seed=seed,
    )
    return calibrations, fusion
