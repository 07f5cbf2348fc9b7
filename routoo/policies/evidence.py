"""What recorded answers tell, as arrays over prompts and models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.data.outcomes import Outcomes
from routoo.data.scores import Scores
from routoo.models.signals.agreement import answer_codes
from routoo.models.signals.answer_model import AnswerModel
from routoo.models.signals.answer_signals import answer_signals

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What each answer tells, ``(n_prompts, n_models)``.

    Args:
        log_ratio: Log of how much likelier its signals are of a right answer than of a wrong one; 0 where
            nothing is known.
        code: Equal numbers for equal answers of a prompt; -1 for one that equals no other.
    """

    log_ratio: Array
    code: npt.NDArray[np.int64]

    @classmethod
    def of(cls, outcomes: Outcomes, scores: Scores, model: AnswerModel) -> Evidence:
        """The evidence in recorded answers to the prompts of the scores, in their order.

        Args:
            outcomes: With answers (``response``) and signals of the prompts, in the same order.
            scores: What was predicted of them, of models that the answer model knows.
            model: What answers tell.
        """
        names = scores.models
        at = prompt, member = np.nonzero(~np.isnan(outcomes.to_matrices(names).score))
        signals = {name: values[at] for name, values in answer_signals(outcomes, names).items()}
        before = scores.p_correct.astype(np.float64)[prompt, member]
        log_ratio = np.zeros(scores.p_correct.shape)
        log_ratio[at] = model.log_ratio(signals, before, [names[column] for column in member.tolist()])
        return cls(log_ratio, answer_codes(outcomes.responses(names)))
