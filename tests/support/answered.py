"""Recorded answers of three models, of which right ones agree, and what cascades are worth on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from routoo.data.observation import ObservationModel
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.data.scores import Scores
from routoo.evaluation.evaluate import evaluate
from routoo.evaluation.evaluation import Evaluation
from routoo.models.signals.answer_model import AnswerModel

MODELS = ("large", "other", "small")


@dataclass(frozen=True, eq=False)
class Answered:
    """Outcomes with answers, what a router predicts of them, and what answers tell."""

    outcomes: Outcomes
    scores: Scores
    answer_model: AnswerModel
    pool: Pool

    def evaluation(self, *, max_calls: int = 3, samples: int = 100) -> Evaluation:
        return evaluate(
            self.outcomes,
            {"router": self.scores},
            pool=self.pool,
            answer_model=self.answer_model,
            max_calls=max_calls,
            samples=samples,
        )


def answered_prompts() -> Answered:
    """Five hundred prompts: right answers are the same, wrong ones hardly; the large model costs most."""
    n, draw = 500, np.random.default_rng(0)
    p = draw.uniform([0.7, 0.4, 0.3], [1.0, 0.9, 0.9], (n, 3)).astype(np.float32)
    right = draw.uniform(size=(n, 3)) < p
    ids = [f"q{at:03d}" for at in range(n)]
    expected = np.tile(np.array([3e-3, 2e-4, 1e-4]), (n, 1))
    paid = expected * draw.uniform(0.5, 1.5, (n, 3))
    prompts = pl.DataFrame({"prompt_id": ids, "prompt": ids, "split": ["test"] * n})
    rows = pl.DataFrame(
        {
            "prompt_id": np.repeat(ids, 3),
            "model": MODELS * n,
            "score": right.ravel().astype(float),
            "cost_usd": paid.ravel(),
            "response": np.where(right, "right", draw.integers(0, 99, (n, 3)).astype(str)).ravel(),
        }
    )
    one = np.ones((3, 1))
    same = ObservationModel(MODELS, np.zeros(3), one, one, np.tile([0.01, 0.001, 0.999], (3, 3, 1)))
    pool = Pool(tuple(PoolModel(name=name, usd_per_1m_input=1, usd_per_1m_output=1) for name in MODELS))
    scores = Scores(
        p, expected.astype(np.float32), np.full((n, 3), 2.0, np.float32), models=MODELS, prompt_ids=ids
    )
    return Answered(Outcomes(prompts, rows, "made up"), scores, AnswerModel(same), pool)
