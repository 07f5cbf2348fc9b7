from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.models.network.network import NetworkConfig, RouterNetwork
from routoo.models.network.predicting import predict_inputs
from routoo.models.training.nano import nano_network
from routoo.models.training.options import TrainOptions
from routoo.models.training.train import train_network
from routoo.models.training.trained_network import TrainedNetwork

ASKED = TrainOptions(seed=5, cache_dir=None, progress=False)


@pytest.fixture(scope="module")
def teacher(outcomes: Outcomes, pool: Pool) -> TrainedNetwork:
    options = TrainOptions(
        encoder="tiny",
        tune="full",
        members=2,
        width=24,
        max_tokens=16,
        cache_dir=None,
        progress=False,
    )
    return train_network(outcomes, pool, options)


@pytest.fixture(scope="module")
def nano(teacher: TrainedNetwork, outcomes: Outcomes) -> TrainedNetwork:
    return nano_network(teacher, outcomes, ASKED)


def p_correct(trained: TrainedNetwork, texts: list[str]) -> np.ndarray:
    encoded = trained.tokenizer.encode(texts)
    return predict_inputs(trained.network, encoded, np.arange(len(texts))).p_correct.numpy()


def test_it_says_what_its_teacher_says(
    teacher: TrainedNetwork, nano: TrainedNetwork, outcomes: Outcomes
) -> None:
    texts = outcomes.part("test").texts
    large, small = p_correct(teacher, texts), p_correct(nano, texts)
    assert np.abs(large - small).mean() < 0.08
    assert (large.std(0) > 0.2).tolist() == [True, True, False]  # the third model's scores are a coin's
    for column in range(2):
        assert np.corrcoef(large[:, column], small[:, column])[0, 1] > 0.8


def test_it_knows_what_answers_tell(nano: TrainedNetwork, outcomes: Outcomes) -> None:
    assert nano.answer_model is not None
    assert nano.answer_model.observation.n_prompts == len(outcomes.part("train", "val"))


def test_what_was_never_recorded_is_learned_from_the_teacher(
    teacher: TrainedNetwork, outcomes: Outcomes
) -> None:
    """The coder was never run on code: its recorded scores say nothing of what it is good at."""
    code = outcomes.prompts.filter(pl.col("domain") == "code")["prompt_id"].implode()
    unseen = (pl.col("model") == "coder") & pl.col("prompt_id").is_in(code)
    sparse = replace(outcomes, outcomes=outcomes.outcomes.filter(~unseen))
    texts = [f"write a function that sorts {n} {n + 7}" for n in range(20)]
    large = p_correct(teacher, texts)[:, 1].mean()
    taught = p_correct(nano_network(teacher, sparse, ASKED), texts)[:, 1].mean()
    elsewhere = float(np.nanmean(sparse.to_matrices(["coder"]).score))
    assert large > 0.65
    assert taught - elsewhere > 0.4 * (large - elsewhere)


def test_it_is_trained_as_its_teacher_was_but_for_what_is_asked(
    teacher: TrainedNetwork, nano: TrainedNetwork
) -> None:
    options = nano.trained_on["options"]
    assert options["seed"] == 5
    assert (options["members"], options["width"], options["max_tokens"]) == (2, 24, 16)
    assert options["tune"] == "frozen"
    assert nano.pool == teacher.pool
    assert nano.tokenizer.policy == teacher.tokenizer.policy
    assert nano.trained_on["teacher"]["options"] == teacher.trained_on["options"]


def test_the_same_seed_gives_the_same_network_and_the_teacher_stays_as_it_is(
    teacher: TrainedNetwork, nano: TrainedNetwork, outcomes: Outcomes
) -> None:
    before = {name: value.clone() for name, value in teacher.network.state_dict().items()}
    added = [{"model": "even", "data": "later", "prompts": 30}]
    as_added = replace(teacher, trained_on={**teacher.trained_on, "added": added})
    second = nano_network(as_added, outcomes, ASKED)
    assert second.trained_on["teacher"]["added"] == added
    again = second.network.state_dict()
    assert all(value.equal(again[name]) for name, value in nano.network.state_dict().items())
    assert all(value.equal(before[name]) for name, value in teacher.network.state_dict().items())


def test_it_is_built_again_from_its_configuration(nano: TrainedNetwork) -> None:
    again = RouterNetwork.from_config(NetworkConfig.from_dict(nano.network.config.to_dict())).eval()
    again.load_state_dict(nano.network.state_dict())
    ids, mask = torch.tensor([[2, 7, 8, 3]]), torch.ones(1, 4, dtype=torch.int64)
    assert again(ids, mask).p_correct.equal(nano.network(ids, mask).p_correct)


def test_a_model_without_outcomes_is_refused(teacher: TrainedNetwork, outcomes: Outcomes) -> None:
    fewer = replace(outcomes, outcomes=outcomes.outcomes.filter(pl.col("model") != "even"))
    with pytest.raises(InputError, match="even"):
        nano_network(teacher, fewer, ASKED)
