"""The stack inside a network: trained, rebuilt, and cut to other models."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.export.bundle import Bundle
from routoo.export.onnx import to_onnx
from routoo.export.session import open_graph
from routoo.export.writer import read_trained, torch_graph, write_trained
from routoo.models import ensemble
from routoo.models.adding.new_model import with_prices, without_model
from routoo.models.blend import Blend, Held
from routoo.models.columns import Column, column_values, with_column, without_column
from routoo.models.encoder.trunk import load_trunk
from routoo.models.ensemble import MEANS, expert_fits
from routoo.models.expert_fits import Fit
from routoo.models.experts import Table
from routoo.models.network.network import NetworkConfig, RouterNetwork
from routoo.models.network.predicting import predict_inputs
from routoo.models.stack import Stack
from routoo.models.training.options import TrainOptions
from routoo.models.training.targets import Targets
from routoo.models.training.train import TrainedNetwork, train_network

SHARE = 0.25  # of the heads, the domain table, the exemplars and the other heads
CHOSEN = ("domain table", "nearest exemplars", "free heads")


MODELS = ("adder", "coder", "even")


@pytest.fixture(scope="module")
def options(outcomes: Outcomes, tmp_path_factory: pytest.TempPathFactory) -> TrainOptions:
    """Options for a frozen trunk, whose weights mean nothing but tell words apart."""
    folder = tmp_path_factory.mktemp("trunk")
    trunk = load_trunk("tiny", texts=outcomes.texts)
    trunk.model.save_pretrained(folder)
    trunk.tokenizer.save(str(folder / "tokenizer.json"))
    quick: dict[str, Any] = {"epochs": 2, "width": 16, "members": 2, "max_tokens": 32, "progress": False}
    return TrainOptions(
        trunk=str(folder),
        heads="factorised",
        ensemble=True,
        accelerator="cpu",
        cache_dir=None,
        **quick,
    )


@pytest.fixture(scope="module")
def stacked(options: TrainOptions, outcomes: Outcomes, pool: Pool) -> TrainedNetwork:
    """A network whose stack was told its weights."""

    def fits(targets: Targets) -> dict[str, Fit]:
        return {name: fit for name, fit in expert_fits(targets).items() if name in (MEANS, *CHOSEN)}

    def told(held: Held, *, seed: int = 0) -> Blend:
        weights = tuple(0.0 if at == held.means else SHARE for at in range(len(held.logits)))
        return Blend(weights, weights, 0.01, 0.005, 0.02, 0.003)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ensemble, "fit_blend", told)
        patch.setattr(ensemble, "expert_fits", fits)
        return train_network(outcomes, pool, options)


def p_correct(trained: TrainedNetwork, network: RouterNetwork, texts: list[str]) -> np.ndarray[Any, Any]:
    encoded = trained.encoder.encode(texts)
    return np.asarray(predict_inputs(network, encoded, np.arange(len(texts))).p_correct.numpy())


def test_the_chosen_parts_speak_with_the_heads(stacked: TrainedNetwork, outcomes: Outcomes) -> None:
    network = stacked.network
    assert isinstance(network.stack, Stack)
    assert len(network.stack.experts) == 2
    assert len(network.stack.heads) == 1
    torch.testing.assert_close(network.stack.weight, torch.full((2, 4, 3), SHARE))
    ids, mask = (torch.from_numpy(a) for a in stacked.encoder.encode(outcomes.texts[:5]).batch(np.arange(5)))
    with torch.inference_mode():
        features = network.features(ids, mask)
        parts = [network.heads(features).logits.mean(0), *(part(features) for part in network.stack.experts)]
        parts.append(network.stack.heads[0](features).logits.mean(0))
        mean = torch.stack(parts).mean(0) * network.calibration[0] + network.calibration[1]
        torch.testing.assert_close(network(ids, mask).p_correct, mean.sigmoid())


def test_prompts_whose_domain_is_known_have_weights_of_their_own(stacked: TrainedNetwork) -> None:
    network = stacked.network
    assert network.stack is not None
    heads, table = network.heads, next(part for part in network.stack.experts if isinstance(part, Table))
    stack = Stack.of([(table, (0.25, 1.0))], 3)
    features = torch.randn(4, network.config.heads.n_features, generator=torch.Generator().manual_seed(0))
    domain = torch.tensor([-1, 0, 2, -1])
    with torch.inference_mode():
        own = heads(features, domain).logits.mean(0)
        found, said = stack(features, own, domain), table(features, domain)
        torch.testing.assert_close(found[1:3], said[1:3])
        torch.testing.assert_close(found[[0, 3]], (0.75 * own + 0.25 * said)[[0, 3]])
        torch.testing.assert_close(stack(features, own)[0], found[0])


def test_what_was_chosen_is_on_record(stacked: TrainedNetwork) -> None:
    found = stacked.metrics["ensemble"]
    assert found["weights"] == dict.fromkeys(("heads", *CHOSEN), SHARE)
    assert found["gain"] == 0.01
    assert found["told"]["weights"] == found["weights"]
    assert json.loads(json.dumps(found)) == found


def test_the_parts_are_fitted_again_on_all_prompts(stacked: TrainedNetwork, outcomes: Outcomes) -> None:
    stack = stacked.network.stack
    assert stack is not None
    assert stack.config.experts[0].kind in ("table", "neighbours")
    sizes = {expert.kind: expert.size for expert in stack.config.experts}
    assert sizes == {"neighbours": len(outcomes.part("train", "val")), "table": 3}


def test_it_is_built_again_from_its_configuration(stacked: TrainedNetwork, outcomes: Outcomes) -> None:
    network = stacked.network
    config = NetworkConfig.from_dict(json.loads(json.dumps(network.config.to_dict())))
    again = RouterNetwork.from_config(config).eval()
    again.load_state_dict(network.state_dict())
    texts = outcomes.texts[:9]
    np.testing.assert_array_equal(p_correct(stacked, again, texts), p_correct(stacked, network, texts))


def test_models_come_and_go(stacked: TrainedNetwork, outcomes: Outcomes) -> None:
    network, texts = stacked.network, outcomes.texts[:9]
    before = p_correct(stacked, network, texts)
    fewer = without_column(network, 1)
    np.testing.assert_allclose(p_correct(stacked, fewer, texts), before[:, [0, 2]], rtol=1e-6)
    column = Column({said: column_values(network, said)[:, 0] for said in network.heads.columns})
    more = with_column(network, column)
    found = p_correct(stacked, more, texts)
    np.testing.assert_allclose(found[:, :3], before, rtol=1e-6)
    assert more.stack is not None
    assert more.stack.weight[:, :, 3].tolist() == [[1.0, 0.0, 0.0, 0.0]] * 2
    assert np.isfinite(found).all()


def test_the_validation_record_is_of_predictions_that_have_not_seen_it(
    options: TrainOptions, outcomes: Outcomes, pool: Pool
) -> None:
    """Heads and usage that learn from validation afterwards change nothing of the record."""
    once, twice = (
        train_network(outcomes, pool, dataclasses.replace(options, ensemble=False, refit=refit))
        for refit in (False, True)
    )
    assert once.validation is not None
    assert twice.validation is not None
    assert once.validation.to_dict() == twice.validation.to_dict()
    assert once.validation.n_prompts == len(outcomes.part("val"))
    assert not np.array_equal(once.network.heads.base, twice.network.heads.base)


def test_a_record_is_dropped_where_it_would_no_longer_be_true(stacked: TrainedNetwork, pool: Pool) -> None:
    assert stacked.validation is not None
    assert without_model(stacked, MODELS[0]).validation is None
    assert with_prices(stacked, pool.select(pool.names[::-1])).validation is stacked.validation
    roomier = Pool(tuple(dataclasses.replace(model, context_window=9999) for model in pool.models))
    assert with_prices(stacked, roomier).validation is stacked.validation
    dearer = Pool(tuple(dataclasses.replace(model, usd_per_1m_input=9.0) for model in pool.models))
    assert with_prices(stacked, dearer).validation is None


def test_a_bundle_keeps_the_stack(stacked: TrainedNetwork, tmp_path: Path) -> None:
    write_trained(stacked, tmp_path / "bundle")
    read = read_trained(Bundle.open(tmp_path / "bundle"))
    texts = ["add the numbers 4 5", "write a function that sorts 7", "when did the war end 1"]
    found, expected = p_correct(read, read.network, texts), p_correct(stacked, stacked.network, texts)
    np.testing.assert_array_equal(found, expected)


def test_the_graph_says_what_the_stack_says(stacked: TrainedNetwork, outcomes: Outcomes) -> None:
    network = stacked.network
    graph = open_graph(to_onnx(network).SerializeToString(), threads=1)
    ids, mask = stacked.encoder.encode(outcomes.texts[:7]).batch(np.arange(7))
    told = np.array([-1, 0, 1, 2, -1, 0, -1])
    np.testing.assert_allclose(
        graph(ids, mask, told).p_correct, torch_graph(network)(ids, mask, told).p_correct, atol=1e-5
    )


def test_left_to_itself_it_is_chosen_by_validation(
    options: TrainOptions, outcomes: Outcomes, pool: Pool
) -> None:
    trained = train_network(outcomes, pool, dataclasses.replace(options, refit=False))
    found = trained.metrics["ensemble"]
    for blend in (found, found["told"]):
        kept = blend["likelihood_gain"] > 0 and blend["gain"] > -2 * blend["gain_error"]
        assert blend["weights"] == (blend["proposed"] if kept else {"heads": 1.0})
    chosen = set(found["weights"]) | set(found["told"]["weights"])
    assert (trained.network.stack is not None) == (chosen != {"heads"})


def test_an_ensemble_needs_a_frozen_trunk() -> None:
    with pytest.raises(InputError, match="ensemble needs the features of a frozen trunk"):
        TrainOptions(tune="full", ensemble=True)
