"""A model more or less: the others stay to the bit, and a few prompts are enough."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.data.splits import Split, fingerprint
from routoo.models.adding.new_model import with_model, with_prices, without_model
from routoo.models.evidence.evidence import Column, Predictions
from routoo.models.network.predicting import predict_inputs
from routoo.models.training.trained_network import TrainedNetwork

TWIN = PoolModel(name="twin", usd_per_1m_input=1.0, usd_per_1m_output=3.0)


def twins(outcomes: Outcomes, of: str, n: int | None = None, *, others: bool = True) -> Outcomes:
    """The outcomes with a model beside the known ones that did what one of them did on n prompts."""
    theirs = outcomes.part("train", "val").outcomes.filter(model=of).sort("prompt_id")
    mine = theirs.head(len(theirs) if n is None else n).with_columns(pl.lit("twin").alias("model"))
    frame = pl.concat([outcomes.outcomes, mine]) if others else mine
    return Outcomes(outcomes.prompts, frame, "twins")


def predicted(trained: TrainedNetwork, texts: list[str]) -> Predictions:
    return predict_inputs(trained.network, trained.tokenizer.encode(texts), np.arange(len(texts)))


def last_column(trained: TrainedNetwork) -> Column:
    return trained.network.fitted.column(-1)


@pytest.mark.parametrize("change", ["add", "remove"])
def test_the_others_stay_to_the_bit(change: str, trained: TrainedNetwork, outcomes: Outcomes) -> None:
    kept = {name: value.clone() for name, value in trained.network.state_dict().items()}
    if change == "add":
        after = with_model(trained, TWIN, twins(outcomes, "adder", 30))
        was, now = np.arange(3), np.arange(3)
        assert after.pool.names == ("adder", "coder", "even", "twin")
    else:
        after = without_model(trained, "coder")
        was, now = np.array([0, 2]), np.arange(2)
        assert after.pool.names == ("adder", "even")
    assert len(after.input_token_ratio) == after.network.fitted.config.n_models == len(after.pool)
    assert after.network.config.heads == trained.network.config.heads
    found = after.network.state_dict()
    for name, value in kept.items():
        assert torch.equal(trained.network.state_dict()[name], value)
        if name == "evidence.noise":
            assert torch.equal(found[name][np.ix_(now, now)], value[np.ix_(was, was)])
        elif name.removeprefix("evidence.") in Column._fields:
            assert torch.equal(found[name][..., now], value[..., was])
        else:
            assert torch.equal(found[name], value), name
    texts = outcomes.texts[:20]
    before, later = predicted(trained, texts), predicted(after, texts)
    for field, value in before._asdict().items():
        np.testing.assert_allclose(getattr(later, field)[:, now], value[:, was], rtol=1e-5, atol=1e-6)


def test_a_model_that_is_removed_can_be_added_again(trained: TrainedNetwork, outcomes: Outcomes) -> None:
    again = with_model(without_model(trained, "adder"), trained.pool["adder"], outcomes)
    test = outcomes.part("test")
    p = predicted(again, test.texts).p_correct[:, 2].numpy()
    truth = np.array([{"sum": 0.9, "code": 0.2, "history": 0.5}[str(label)] for label in test.domains or []])
    assert np.abs(p - truth).mean() < 0.08


def test_of_answers_of_a_new_model_what_the_others_do_is_expected(
    trained: TrainedNetwork, outcomes: Outcomes
) -> None:
    known = trained.answer_model
    more = with_model(trained, TWIN, twins(outcomes, "adder", 30)).answer_model
    assert known is not None
    assert more is not None
    assert more.models == (*known.models, "twin")
    assert more.observation.loading[-1] == pytest.approx(known.observation.loading.mean())
    less = without_model(trained, "adder").answer_model
    assert less is not None
    assert less.models == ("coder", "even")
    assert less.observation.to_dict() == known.observation.select(["coder", "even"]).to_dict()


def test_a_twin_is_known_after_twenty_prompts(frozen: TrainedNetwork, outcomes: Outcomes) -> None:
    """By a network whose encoder has not learned what the twin's prompts came out as."""
    test = outcomes.part("test")
    truth = np.array([{"sum": 0.3, "code": 0.9, "history": 0.5}[str(label)] for label in test.domains or []])
    known = predicted(frozen, test.texts)
    errors = [np.abs(known.p_correct.mean(1).numpy() - truth).mean()]
    for n in (20, 300):
        found = predicted(with_model(frozen, TWIN, twins(outcomes, "coder", n)), test.texts)
        errors.append(np.abs(found.p_correct[:, -1].numpy() - truth).mean())
    assert errors[0] > 2 * max(errors[1:])
    assert errors[2] < 0.08
    off = (found.output_tokens[:, -1] / known.output_tokens[:, 1]).log().abs()
    assert float(off.mean()) < 0.1
    off = (found.latency_s[:, -1] / known.latency_s[:, 1]).log().abs()
    assert float(off.mean()) < 0.1


def test_the_scores_of_others_are_used_but_not_needed(trained: TrainedNetwork, outcomes: Outcomes) -> None:
    mine = twins(outcomes, "even", 60, others=False)
    as_one = [mine.outcomes.with_columns(pl.lit(name).alias("model")) for name in trained.pool.names]
    beside = Outcomes(mine.prompts, pl.concat([mine.outcomes, *as_one]), "as one")
    p, q = (
        predicted(with_model(trained, TWIN, seen), outcomes.texts).p_correct[:, -1].numpy()
        for seen in (mine, beside)
    )
    assert np.abs(p - q).max() > 0.01
    assert abs(p.mean() - 0.6) < 0.15


def test_the_test_prompts_are_not_looked_at(trained: TrainedNetwork, outcomes: Outcomes) -> None:
    first = with_model(trained, TWIN, twins(outcomes, "adder", 50))
    more = twins(outcomes, "adder", 50)
    tested = outcomes.part("test").outcomes.filter(model="even").with_columns(pl.lit("twin").alias("model"))
    again = with_model(trained, TWIN, Outcomes(more.prompts, pl.concat([more.outcomes, tested]), "twins"))
    for value, expected in zip(last_column(again), last_column(first), strict=True):
        assert torch.equal(value, expected)
    assert first.trained_on["added"] == [{"model": "twin", "data": "twins", "prompts": 50}]


def test_of_the_new_model_alone_all_prompts_are_learned_from(
    trained: TrainedNetwork, outcomes: Outcomes
) -> None:
    some = twins(outcomes, "adder", 40, others=False)
    after = with_model(trained, TWIN, Outcomes(some.prompts.drop("split"), some.outcomes, "few"))
    assert after.trained_on["added"][0]["prompts"] == 40
    assert "added" not in trained.trained_on
    assert without_model(after, "twin").trained_on["added"] == []


@pytest.mark.parametrize("seed", [0, 5])
def test_beside_known_models_the_test_part_of_the_split_of_training_is_left_out(
    trained: TrainedNetwork, outcomes: Outcomes, seed: int
) -> None:
    both = twins(outcomes, "adder", 200)
    unsplit = Outcomes(both.prompts.drop("split"), both.outcomes, "unsplit")
    before = dataclasses.replace(trained, split=Split(seed))
    split = unsplit.with_split(seed=seed)
    found, expected = (with_model(before, TWIN, given) for given in (unsplit, split))
    scored = split.part("train", "val").select(["twin"]).outcomes
    assert found.trained_on["added"][0]["prompts"] == len(scored) < 200
    for value, wanted in zip(last_column(found), last_column(expected), strict=True):
        assert torch.equal(value, wanted)


def test_too_few_prompts_outside_test_are_counted(trained: TrainedNetwork, outcomes: Outcomes) -> None:
    both = twins(outcomes, "adder", 20)
    unsplit = Outcomes(both.prompts.drop("split"), both.outcomes, "unsplit")
    kept = len(unsplit.with_split(seed=0).part("train", "val").select(["twin"]).outcomes)
    words = (
        f"unsplit has {kept} scored prompts of 'twin' to learn from, at least 20 are needed; {20 - kept} "
        "more are left out as test, which a column split decides otherwise"
    )
    assert kept < 20
    with pytest.raises(InputError, match=f"^{words}$"):
        with_model(dataclasses.replace(trained, split=Split()), TWIN, unsplit)


def test_what_was_in_test_is_left_out_and_what_is_learned_from_is_remembered(
    trained: TrainedNetwork, outcomes: Outcomes
) -> None:
    """Outcomes without a split, of prompts in test, of prompts in train, and of one that is new."""
    tested, known = outcomes.part("test").prompts.head(5), outcomes.part("train").prompts.head(25)
    new = pl.DataFrame(
        {"prompt_id": ["new", "like"], "prompt": ["How tall is a giraffe?", tested["prompt"][0]]}
    )
    asked = pl.concat([tested, known, new], how="diagonal").drop("split")
    rows = asked.select("prompt_id", pl.lit("twin").alias("model"), pl.lit(1.0).alias("score"))
    after = with_model(trained, TWIN, Outcomes(asked, rows, "no split"))
    assert after.trained_on["added"][0]["prompts"] == 26
    assert trained.split.parts.items() <= after.split.parts.items()
    assert set(after.split.parts) - set(trained.split.parts) == {fingerprint("How tall is a giraffe?")}
    whole = Outcomes(asked, rows, "no split").with_split(keep=after.split)
    assert whole.part("test").prompt_ids == sorted([*tested["prompt_id"], "like"])


def test_what_was_not_recorded_is_taken_from_the_pool(trained: TrainedNetwork, outcomes: Outcomes) -> None:
    scores = twins(outcomes, "adder", 40, others=False)
    bare = scores.outcomes.select("prompt_id", "model", "score")
    after = with_model(trained, TWIN, Outcomes(scores.prompts, bare, "bare"))
    texts = outcomes.texts[:20]
    found = predicted(after, texts)
    pool = found.output_tokens[:, :3]
    assert bool((found.output_tokens[:, -1] >= pool.min(1).values * 0.99).all())
    assert bool((found.output_tokens[:, -1] <= pool.max(1).values * 1.01).all())
    np.testing.assert_allclose(after.input_token_ratio[-1], trained.input_token_ratio.mean(), rtol=1e-6)


def test_fractional_scores_are_learned(trained: TrainedNetwork, outcomes: Outcomes) -> None:
    mine = twins(outcomes, "adder", 200, others=False)
    soft = mine.outcomes.with_columns(pl.lit(0.37, pl.Float32).alias("score"))
    after = with_model(trained, TWIN, Outcomes(mine.prompts, soft, "soft"))
    found = predicted(after, outcomes.texts).p_correct[:, -1]
    np.testing.assert_allclose(found.mean(), 0.37, atol=0.03)


def test_prices_change_without_training(trained: TrainedNetwork, pool: Pool) -> None:
    dear = Pool(tuple(dataclasses.replace(m, usd_per_1m_output=9.0) for m in reversed(pool.models)))
    after = with_prices(trained, dear)
    assert after.network is trained.network
    assert after.pool.names == trained.pool.names
    assert after.pool["coder"].usd_per_1m_output == 9.0


Fault = Callable[[TrainedNetwork, Outcomes], Any]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda t, o: with_model(t, t.pool["even"], o), "knows a model 'even' already"),
        (
            lambda t, o: with_model(t, TWIN, o),
            "no outcomes of twin in three kinds; it has adder, coder, even",
        ),
        (
            lambda t, o: with_model(t, TWIN, twins(o, "adder", 19)),
            "twins has 19 scored prompts of 'twin' to learn from, at least 20 are needed$",
        ),
        (lambda t, o: without_model(t, "twin"), "unknown model 'twin'; the pool has adder, coder, even"),
        (
            lambda t, o: without_model(without_model(without_model(t, "even"), "adder"), "coder"),
            "'coder' is the only model of the predictor",
        ),
        (
            lambda t, o: with_prices(t, Pool((*t.pool.models[1:], TWIN))),
            "lacks adder: take it out of the predictor; the pool has beyond them twin: add it",
        ),
        (
            lambda t, o: with_prices(t, Pool(t.pool.models[2:])),
            "lacks adder, coder: take them out of the predictor$",
        ),
    ],
)
def test_faults_are_said(fault: Fault, words: str, trained: TrainedNetwork, outcomes: Outcomes) -> None:
    with pytest.raises(InputError, match=words):
        fault(trained, outcomes)


def test_the_fewer_prompts_the_less_sure_the_new_model_and_it_alone(
    trained: TrainedNetwork, outcomes: Outcomes
) -> None:
    texts = outcomes.texts[:50]
    before = predicted(trained, texts).logit_std
    few, many = (
        predicted(with_model(trained, TWIN, twins(outcomes, "adder", n)), texts).logit_std for n in (20, 200)
    )
    torch.testing.assert_close(few[:, :3], before)
    torch.testing.assert_close(many[:, :3], before)
    assert few[:, 3].mean() > 1.1 * many[:, 3].mean()
    smaller = without_model(with_model(trained, TWIN, twins(outcomes, "adder", 20)), "even")
    torch.testing.assert_close(predicted(smaller, texts).logit_std, few[:, [0, 1, 3]])
