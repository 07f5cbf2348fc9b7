"""Cascades over recorded answers."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from routoo.data.curves import choices
from routoo.data.observation import ObservationModel
from routoo.data.outcomes import Outcomes
from routoo.data.scores import Scores
from routoo.models.signals.answer_model import AnswerModel
from routoo.policies.evidence import Evidence
from routoo.policies.replayed import ReplayedCascades, replay_cascades

MODELS = ("small", "other", "large")


def recorded(n: int, seed: int) -> tuple[Outcomes, Scores]:
    """Answers of three models to sums: right ones agree, wrong ones hardly."""
    draw = np.random.default_rng(seed)
    p = draw.uniform(0.3, 0.9, (n, 3)).astype(np.float32)
    right = draw.uniform(size=(n, 3)) < p
    answer = np.where(right, "right", draw.integers(0, 9, (n, 3)).astype(str))
    ids = [str(at) for at in range(n)]
    rows = pl.DataFrame(
        {
            "prompt_id": np.repeat(ids, 3),
            "model": MODELS * n,
            "score": right.ravel().astype(float),
            "response": answer.ravel(),
        }
    )
    cost = np.tile(np.array([1e-4, 2e-4, 3e-3], np.float32), (n, 1))
    return Outcomes(pl.DataFrame({"prompt_id": ids, "prompt": ids}), rows), Scores(p, cost, models=MODELS)


def observation() -> ObservationModel:
    one = np.ones((3, 1))
    return ObservationModel(MODELS, np.zeros(3), one, one, np.tile([1 / 9, 0.001, 0.999], (3, 3, 1)))


def test_evidence_is_in_the_order_of_prompts_and_models() -> None:
    outcomes, scores = recorded(20, 0)
    found = Evidence.of(outcomes, scores, AnswerModel(observation()))
    right = outcomes.to_matrices(MODELS).score > 0
    assert (found.log_ratio == 0).all()
    for row in range(20):
        assert len(set(found.code[row][right[row]])) <= 1
    assert (found.code[0] == found.code[0, 0]).tolist() == [
        text == outcomes.responses(MODELS)[0][0] for text in outcomes.responses(MODELS)[0]
    ]


@pytest.mark.parametrize("seed", range(3))
def test_one_call_is_the_router_and_more_are_better(seed: int) -> None:
    outcomes, scores = recorded(400, seed)
    score, cost = outcomes.to_matrices(MODELS).score, scores.cost_usd.astype(np.float64)
    prices = np.geomspace(1, 1e4, 9)
    model = AnswerModel(observation())
    evidence = Evidence.of(outcomes, scores, model)

    def replay(calls: int) -> ReplayedCascades:
        return replay_cascades(
            scores, model.observation, evidence, cost_usd=cost, prices=prices, max_calls=calls
        )

    router, cascade = replay(1), replay(3)
    assert (router.chosen == choices(scores.p_correct, scores.cost_usd, prices)).all()
    assert (router.calls == 1).all()
    assert (router.wasted_usd(cost) == 0).all()
    values = [found.realised(score).mean(1) - prices * found.cost_usd.mean(1) for found in (router, cascade)]
    assert (values[1] >= values[0] - 0.01).all()
    assert (values[1] - values[0]).max() > 0.03
    assert cascade.calls[0].mean() > cascade.calls[-1].mean() == 1
    assert (cascade.wasted_usd(cost) >= 0).all()
    spent = np.take_along_axis(cost[None], cascade.asked.clip(0), 2) * (cascade.asked >= 0)
    assert cascade.cost_usd == pytest.approx(spent.sum(2))
