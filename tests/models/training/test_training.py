import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.models.encoder.encoder import Encoder
from routoo.models.network.lightning import RouterModule
from routoo.models.network.predicting import predict_inputs
from routoo.models.training import train as training
from routoo.models.training.options import TrainOptions
from routoo.models.training.train import train_network
from routoo.models.training.trained_network import TrainedNetwork

QUICK: dict[str, Any] = {
    "encoder": "tiny",
    "tune": "full",
    "epochs": 12,
    "members": 3,
    "width": 32,
    "batch_size": 16,
    "encoder_learning_rate": 2e-3,
    "max_tokens": 32,
    "progress": False,
    "cache_dir": None,
    "accelerator": "cpu",
}


def predictions(trained: TrainedNetwork, texts: list[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
    encoded = trained.tokenizer.encode(texts)
    found: np.ndarray[Any, np.dtype[np.float32]] = predict_inputs(
        trained.network, encoded, np.arange(len(texts))
    ).p_correct.numpy()
    return found


@pytest.fixture(scope="module")
def trained(outcomes: Outcomes, pool: Pool) -> TrainedNetwork:
    return train_network(outcomes, pool, TrainOptions(**QUICK))


def test_it_learns_who_is_good_at_what(trained: TrainedNetwork, outcomes: Outcomes) -> None:
    test = outcomes.part("test")
    p = predictions(trained, test.texts)
    domains = np.array(test.domains)
    assert p[domains == "sum", 0].mean() > p[domains == "code", 0].mean() + 0.2
    assert p[domains == "code", 1].mean() > p[domains == "sum", 1].mean() + 0.2


def test_tokens_and_latency_are_learned_to_the_mean(trained: TrainedNetwork, outcomes: Outcomes) -> None:
    seen = outcomes.part("train", "val")
    out = predict_inputs(trained.network, trained.tokenizer.encode(seen.texts), np.arange(len(seen)))
    recorded = seen.to_matrices(trained.pool.names)
    for predicted, truth in (
        (out.output_tokens, recorded.output_tokens),
        (out.latency_s, recorded.latency_s),
    ):
        known = ~np.isnan(truth)
        np.testing.assert_allclose(predicted.numpy()[known].mean(), truth[known].mean(), rtol=0.1)
    code = np.array(seen.domains) == "code"
    assert out.output_tokens.numpy()[code].mean() > 1.2 * out.output_tokens.numpy()[~code].mean()


def test_an_answer_of_one_token_is_one_token(outcomes: Outcomes, pool: Pool) -> None:
    short = Outcomes(outcomes.prompts, outcomes.outcomes.with_columns(pl.lit(1).alias("output_tokens")))
    found = train_network(short, pool, TrainOptions(**QUICK | {"epochs": 1}))
    out = predict_inputs(found.network, found.tokenizer.encode(short.texts[:5]), np.arange(5))
    np.testing.assert_allclose(out.output_tokens, 1.0, rtol=0.01)


def test_what_answers_tell_is_learned_where_they_were_recorded(
    trained: TrainedNetwork, outcomes: Outcomes, pool: Pool
) -> None:
    known = trained.answer_model
    assert known is not None
    assert (known.models, known.signals) == (pool.names, ("sequence_log_prob_mean",))
    assert known.observation.n_prompts == len(outcomes.part("val"))
    both_right = known.observation.agreement[..., 2]
    assert both_right.min() > 0.8
    silent = Outcomes(outcomes.prompts, outcomes.outcomes.drop("response"))
    without = train_network(silent, pool, TrainOptions(**QUICK | {"epochs": 1, "tune": "full"}))
    assert without.answer_model is None


def test_the_record_says_what_it_was_trained_on(trained: TrainedNetwork, outcomes: Outcomes) -> None:
    assert trained.trained_on["data"] == "three kinds"
    assert trained.trained_on["n_train"] == len(outcomes.part("train"))
    assert set(trained.domains) == {"sum", "code", "history"}
    assert trained.trained_on["n_val"] == len(outcomes.part("val"))
    assert trained.metrics["left_out_brier"] < 0.9 * trained.metrics["left_out_brier_of_means"]
    np.testing.assert_allclose(trained.input_token_ratio, trained.input_token_ratio[0], rtol=0.2)


def test_the_same_seed_gives_the_same_network(outcomes: Outcomes, pool: Pool) -> None:
    quick = TrainOptions(**{**QUICK, "epochs": 1})
    first, again = (train_network(outcomes, pool, quick) for _ in range(2))
    other = train_network(outcomes, pool, dataclasses.replace(quick, seed=1))
    np.testing.assert_array_equal(predictions(first, ["add 1 2"]), predictions(again, ["add 1 2"]))
    assert not np.array_equal(predictions(first, ["add 1 2"]), predictions(other, ["add 1 2"]))


def test_the_test_prompts_are_never_looked_at(
    outcomes: Outcomes, pool: Pool, trained: TrainedNetwork
) -> None:
    without = outcomes.part("train", "val")
    assert without.has_split
    again = train_network(without, pool, TrainOptions(**QUICK))
    np.testing.assert_array_equal(predictions(trained, ["write 7"]), predictions(again, ["write 7"]))


def test_an_interrupted_run_goes_on_to_the_same_end(
    outcomes: Outcomes, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: TrainedNetwork
) -> None:
    step = RouterModule.training_step

    def interrupted(self: RouterModule, batch: dict[str, torch.Tensor], at: int) -> torch.Tensor:
        if self.current_epoch == 3 and at == 2:
            raise KeyboardInterrupt
        return step(self, batch, at)

    options = TrainOptions(**QUICK, checkpoint_dir=tmp_path, resume=True)
    monkeypatch.setattr(RouterModule, "training_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_network(outcomes, pool, options)
    assert list(tmp_path.rglob("last.ckpt"))
    monkeypatch.setattr(RouterModule, "training_step", step)
    resumed = train_network(outcomes, pool, options)
    again = trained.network.state_dict()
    assert all(torch.equal(value, again[name]) for name, value in resumed.network.state_dict().items())
    assert resumed.metrics == trained.metrics


def test_a_damaged_checkpoint_is_refused_in_words(outcomes: Outcomes, pool: Pool, tmp_path: Path) -> None:
    options = TrainOptions(**{**QUICK, "epochs": 1, "members": 2}, checkpoint_dir=tmp_path, resume=True)
    train_network(outcomes, pool, options)
    (checkpoint,) = tmp_path.rglob("last.ckpt")
    whole = checkpoint.read_bytes()
    middle = len(whole) // 2
    stream = io.BytesIO()
    torch.save({"epoch": 1}, stream)
    odd = [b"", b"x" * 100, whole[:middle], stream.getvalue()]
    odd.append(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    for content in odd:
        checkpoint.write_bytes(content)
        with pytest.raises(InputError, match=r"last\.ckpt is damaged: remove it to train from the start"):
            train_network(outcomes, pool, options)
    checkpoint.write_bytes(whole)
    train_network(outcomes, pool, options)


def test_a_model_without_outcomes_is_refused_by_name(outcomes: Outcomes, pool: Pool) -> None:
    ghost = PoolModel(name="ghost", usd_per_1m_input=1, usd_per_1m_output=1)
    with pytest.raises(InputError, match="ghost"):
        train_network(outcomes, Pool((*pool.models, ghost)), TrainOptions(**QUICK))


def test_too_little_data_is_refused_with_the_counts(outcomes: Outcomes, pool: Pool) -> None:
    few = outcomes.subset(outcomes.part("train").prompt_ids[:3])
    with pytest.raises(InputError, match=r"3 prompts to train on and 0 to validate"):
        train_network(few, pool, TrainOptions(**QUICK))


def test_fresh_weights_must_learn(outcomes: Outcomes, pool: Pool) -> None:
    with pytest.raises(InputError, match="tune='full'"):
        train_network(outcomes, pool, TrainOptions(**{**QUICK, "tune": "frozen"}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tune", "some"),
        ("epochs", 0),
        ("learning_rate", 2.0),
        ("attribute_weight", -1.0),
        ("layer_decay", 0.0),
        ("resume", True),
        ("threads", 0),
        ("max_tokens", 2),
        ("seed", -1),
        ("seed", "x"),
        ("epochs", 2.5),
        ("members", "3"),
        ("members", 1),
        ("width", 0),
        ("progress", 1),
        ("batch_size", True),
        ("threads", 1.0),
        ("weight_decay", float("nan")),
        ("dropout", "0.3"),
        ("dropout", 1.0),
        ("encoder", None),
        ("checkpoint_dir", 5),
    ],
)
def test_bad_options_are_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(InputError, match=field):
        TrainOptions(**{field: value})  # type: ignore[arg-type]  # the point of the test


def test_options_come_as_they_are_kept(tmp_path: Path) -> None:
    given: dict[str, Any] = {"checkpoint_dir": str(tmp_path), "epochs": np.int64(3), "weight_decay": 0}
    options = TrainOptions(**given, encoder=tmp_path, cache_dir=None)  # type: ignore[arg-type]  # the point
    assert options.checkpoint_dir == tmp_path
    assert (type(options.epochs), type(options.weight_decay), options.encoder) == (int, float, str(tmp_path))


@pytest.mark.parametrize("change", ["nothing", "prompt", "domain", "split", "output_tokens", "latency_s"])
def test_only_a_run_on_the_same_data_is_resumed(
    change: str, outcomes: Outcomes, pool: Pool, tmp_path: Path
) -> None:
    once = TrainOptions(**{**QUICK, "epochs": 1, "members": 2}, checkpoint_dir=tmp_path, resume=True)
    train_network(outcomes, pool, once)
    (first,) = tmp_path.iterdir()
    prompts, rows = outcomes.prompts, outcomes.outcomes
    if change in prompts.columns:
        prompts = prompts.with_columns(pl.col(change).reverse())
    elif change in rows.columns:
        rows = rows.with_columns(pl.col(change) * 2)
    train_network(dataclasses.replace(outcomes, prompts=prompts, outcomes=rows), pool, once)
    assert (set(tmp_path.iterdir()) == {first}) == (change == "nothing")


def test_a_validation_part_without_outcomes_is_refused_before_training(
    outcomes: Outcomes, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    validation = outcomes.part("val")
    rows = outcomes.outcomes.filter(~pl.col("prompt_id").is_in(validation.prompt_ids))
    monkeypatch.setattr(training, "fit_network", None)  # not to be reached
    words = f"no outcome to weigh the heads by: none of the {len(validation)} prompts in val has a score"
    with pytest.raises(InputError, match=words):
        train_network(dataclasses.replace(outcomes, outcomes=rows), pool, TrainOptions(**QUICK))


FROZEN: dict[str, Any] = {**QUICK, "tune": "frozen", "epochs": 4, "batch_size": 32}


def turned(outcomes: Outcomes, prompt_ids: list[str]) -> Outcomes:
    """The outcomes with other scores on these prompts."""
    these = pl.col("prompt_id").is_in(prompt_ids)
    score = pl.when(these).then(1 - pl.col("score")).otherwise(pl.col("score"))
    return dataclasses.replace(outcomes, outcomes=outcomes.outcomes.with_columns(score=score))


def test_no_member_hears_of_the_scores_that_it_may_not_see(
    outcomes: Outcomes, pool: Pool, frozen_encoder: Encoder
) -> None:
    """What a member says of the prompts that it is without is what it would say had nobody scored them."""
    options = TrainOptions(**FROZEN)
    learned = outcomes.part("train", "val")
    seen = training._seen(np.ones(len(learned), bool), options)
    assert ((~seen).sum(0) == 1).all()
    unseen = [learned.prompt_ids[row] for row in np.flatnonzero(~seen[1])]
    before, after = (
        train_network(each, pool, options, encoder=frozen_encoder).network.heads.state_dict()
        for each in (outcomes, turned(outcomes, unseen))
    )
    learn = [name for name in before if name not in ("mean", "std")]
    for name in learn:
        torch.testing.assert_close(after[name][1], before[name][1], rtol=0, atol=1e-6)
    assert all(not torch.equal(after["score.weight"][at], before["score.weight"][at]) for at in (0, 2))


def test_with_a_frozen_encoder_validation_is_learned_from_too(
    outcomes: Outcomes, pool: Pool, frozen_encoder: Encoder
) -> None:
    options = TrainOptions(**FROZEN)
    validation = outcomes.part("val")
    texts, known = validation.texts, validation.to_matrices(pool.names).score
    made = [
        train_network(each, pool, options, encoder=frozen_encoder)
        for each in (outcomes, turned(outcomes, validation.prompt_ids))
    ]
    losses = [float(np.nanmean((predictions(each, texts) - known) ** 2)) for each in made]
    assert losses[0] < losses[1]


def test_an_encoder_that_learns_does_not_see_validation(
    outcomes: Outcomes, pool: Pool, trained: TrainedNetwork
) -> None:
    """The evidence heads alone do, which are fitted on what the network says of it."""
    again = train_network(turned(outcomes, outcomes.part("val").prompt_ids), pool, TrainOptions(**QUICK))
    before, after = trained.network.state_dict(), again.network.state_dict()
    for name, value in before.items():
        if not name.startswith("evidence."):
            assert torch.equal(after[name], value), name
    assert not torch.equal(after["evidence.level"], before["evidence.level"])


def test_the_names_of_files_and_of_threads_say_nothing_of_a_run(
    outcomes: Outcomes, pool: Pool, tmp_path: Path, trained: TrainedNetwork
) -> None:
    options = TrainOptions(**QUICK | {"cache_dir": tmp_path / "c", "checkpoint_dir": tmp_path / "s"})
    options = dataclasses.replace(options, threads=1)
    again = train_network(outcomes, pool, options)
    np.testing.assert_array_equal(predictions(again, ["write 7"]), predictions(trained, ["write 7"]))
    assert "cache_dir" not in again.trained_on["options"]
