"""An orchestra of toy models: what it learns, what its bundle says, what tuning does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from routoo.data.errors import BundleError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.export.bundle import Bundle
from routoo.export.writer import read_trained
from routoo.lab.dialogues.simulate import lab_turns
from routoo.orchestra.embedding import Embedding
from routoo.orchestra.joint_goal import joint_goal
from routoo.orchestra.orchestra import Orchestra
from routoo.orchestra.pairs import expert_pairs, task_pairs
from routoo.router import Router

POOL = Pool(
    tuple(
        PoolModel(name=name, usd_per_1m_input=price, usd_per_1m_output=price)
        for name, price in (("small", 0.1), ("large", 1.0))
    )
)
EASY = ("hotel", "taxi", "train")


def toy_outcomes(n_dialogues: int = 60) -> Outcomes:
    """Turns of which the small model knows some domains, and the large one all others."""
    turns = lab_turns(n_dialogues).with_columns(
        split=pl.when(pl.col("dialogue") < "0-0040").then(pl.lit("train")).otherwise(pl.lit("test"))
    )
    rows = []
    for prompt_id, domain, answer in turns.select("prompt_id", "domain", "answer").iter_rows():
        for model, right in (("small", domain in EASY), ("large", domain not in EASY)):
            said = answer if right else '{"odd": "1"}'
            rows.append((prompt_id, model, float(right), said, 50, 12))
    columns = ["prompt_id", "model", "score", "response", "input_tokens", "output_tokens"]
    return Outcomes(turns, pl.DataFrame(rows, schema=columns, orient="row"), "toy dialogues")


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    return toy_outcomes()


@pytest.fixture(scope="module")
def embedding(outcomes: Outcomes) -> Embedding:
    held = outcomes.part("train")
    plain = Embedding("tiny", cache_dir=None)
    pairs = task_pairs(held.prompts) + expert_pairs(held, POOL, plain)
    return plain.tuned(held.texts, pairs, epochs=20)


@pytest.fixture(scope="module")
def orchestra(outcomes: Outcomes, embedding: Embedding) -> Orchestra:
    return Orchestra.learn(outcomes, POOL, embedding=embedding)


def best_single(outcomes: Outcomes) -> float:
    """The same share of the better model alone."""
    return float(outcomes.part("test").to_matrices().score.mean(0).max())


def right(orchestra: Orchestra, outcomes: Outcomes) -> float:
    """Share of the test turns whose chosen model is right."""
    test = outcomes.part("test")
    chosen = orchestra.predict(test.texts).p_correct.argmax(1)
    return float(test.to_matrices(POOL.names).score[np.arange(len(test)), chosen].mean())


def test_turns_go_to_whom_was_right_on_those_like_them(orchestra: Orchestra, outcomes: Outcomes) -> None:
    assert right(orchestra, outcomes) > best_single(outcomes) + 0.05


def test_tuning_brings_the_pools_apart(outcomes: Outcomes, orchestra: Orchestra) -> None:
    def agreement(found: Orchestra) -> float:
        mine = found.learner.value.argmax(1)
        return float((found.learner.left_out().argmax(1) == mine).mean())

    plain = Orchestra.learn(outcomes, POOL, embedding=Embedding("tiny", cache_dir=None))
    assert agreement(orchestra) > agreement(plain)


def test_the_form_for_many_models_expects_scores(outcomes: Outcomes, embedding: Embedding) -> None:
    found = Orchestra.learn(outcomes, POOL, embedding=embedding, k=20, vote=False)
    assert right(found, outcomes) > best_single(outcomes) + 0.05
    assert len(found.learner.vectors) == len(outcomes.part("train"))


@pytest.mark.parametrize("vote", [True, False])
def test_a_bundle_says_what_the_orchestra_does(
    vote: bool, outcomes: Outcomes, embedding: Embedding, tmp_path: Path
) -> None:
    made = Orchestra.learn(outcomes, POOL, embedding=embedding, vote=vote)
    report = made.export(tmp_path / "router")
    assert report.fp32.p_max < 1e-4
    router = Router.from_pretrained(tmp_path / "router")
    texts = outcomes.part("test").texts
    expected, found = made.predict(texts), router.predict(texts)
    np.testing.assert_allclose(found.p_correct, expected.p_correct, atol=0.11)  # a vote may move by rounding
    assert (found.p_correct.argmax(1) == expected.p_correct.argmax(1)).mean() > 0.95
    assert found.cost_usd[0, 1] > found.cost_usd[0, 0] > 0
    best = expected.models[int(expected.p_correct[0].argmax())]
    assert router.select(texts[0]).model == best
    with pytest.raises(BundleError, match="train it again"):
        read_trained(Bundle.open(tmp_path / "router"))


def test_a_new_expert_needs_no_other_embedding(outcomes: Outcomes, embedding: Embedding) -> None:
    renamed = outcomes.outcomes.with_columns(pl.col("model").replace({"large": "newcomer"}))
    pool = Pool((POOL["small"], PoolModel(name="newcomer", usd_per_1m_input=1.0, usd_per_1m_output=1.0)))
    found = Orchestra.learn(Outcomes(outcomes.prompts, renamed), pool, embedding=embedding)
    assert found.embedding is embedding
    assert right(found, outcomes) > best_single(outcomes) + 0.05


def test_joint_goals_add_up_along_dialogues(outcomes: Outcomes) -> None:
    test = outcomes.part("test")
    score = test.to_matrices(test.models).score
    for column in range(2):
        found = joint_goal(test, np.full(len(test), column))
        assert found.by_turn == pytest.approx(score[:, column].mean())
        assert found.by_state <= found.by_turn
    oracle = joint_goal(test, score.argmax(1))
    assert oracle.by_turn == oracle.by_state == 1
    first = test.prompts["turn"].to_numpy() == 0
    found = joint_goal(test, np.zeros(len(test), np.intp))
    assert (found.state[first] == found.turn[first]).all()
