import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from transformers import DistilBertConfig, DistilBertModel

from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.text import EncodedPrompts
from routoo.models.encoder.encoder import Encoder, encoder_config, load_encoder
from routoo.models.encoder.features import default_layers, prompt_features
from routoo.models.encoder.lower_layers import LowerLayers, has_plain_layers, upper_features
from routoo.models.network.heads import HeadConfig
from routoo.models.network.lightning import PromptData, RouterModule
from routoo.models.network.network import NetworkConfig, RouterNetwork
from routoo.models.training import train as training
from routoo.models.training.options import TrainOptions
from routoo.models.training.targets import Targets
from routoo.models.training.train import train_network
from routoo.models.training.trained_network import TrainedNetwork


@pytest.mark.parametrize("first", [0, 1, 2])
def test_the_features_are_those_of_the_whole_encoder(
    encoder: Encoder, encoded: EncodedPrompts, first: int
) -> None:
    layers, rows = (0, 1, 2), np.array([2, 0, 1])
    lower = LowerLayers(encoder, encoded, layers, first=first)
    with torch.inference_mode():
        found = upper_features(encoder.model, layers, lower.batch(rows)).numpy()
    np.testing.assert_allclose(found, prompt_features(encoder, encoded, layers)[rows], atol=5e-3)


def test_a_prompt_takes_two_bytes_a_number(encoder: Encoder, encoded: EncodedPrompts) -> None:
    told: list[tuple[int, int]] = []
    lower = LowerLayers(
        encoder, encoded, (0, 2), first=1, progress=lambda done, total: told.append((done, total))
    )
    assert lower.states.nbytes == 2 * encoder.width * encoded.lengths.sum()
    assert lower.means.shape == (3, encoder.width)  # the last layer learns: its mean is not known yet
    assert told[-1] == (3, 3)


def test_an_encoder_of_another_kind_is_left_whole(encoder: Encoder) -> None:
    assert has_plain_layers(encoder.model)
    config = DistilBertConfig(vocab_size=8, dim=8, n_layers=1, n_heads=1, hidden_dim=8)
    assert not has_plain_layers(DistilBertModel(config))


def test_the_rate_falls_from_layer_to_layer(encoder: Encoder) -> None:
    layers = default_layers(encoder.n_layers)
    heads = HeadConfig(n_features=3 * encoder.width + 1, n_models=2)
    network = RouterNetwork(encoder.model, NetworkConfig(encoder_config(encoder), layers, heads))
    encoder.model.requires_grad_(True)
    options = TrainOptions(tune="full", learning_rate=1e-2, encoder_learning_rate=1e-3, layer_decay=0.5)
    nothing = Targets(np.zeros((1, 2), np.float32), None, None, np.array([-1]), ())
    data = PromptData(np.zeros((1, 1), np.float32), nothing, seen=np.ones((1, 1), bool), options=options)
    groups = RouterModule(network, data).configure_optimizers()["optimizer"].param_groups
    encoder.model.requires_grad_(False)
    assert [group["max_lr"] for group in groups] == pytest.approx([1e-2, 1e-3, 5e-4, 2.5e-4])
    assert sum(len(group["params"]) for group in groups) == len(list(network.parameters()))
    lowest = {id(p) for p in encoder.model.get_input_embeddings().parameters()}
    assert lowest <= {id(p) for p in groups[-1]["params"]}


def test_training_comes_out_as_without_them(
    outcomes: Outcomes, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = outcomes.texts

    def tuned(*, kept: bool) -> TrainedNetwork:
        monkeypatch.setattr(training, "load_encoder", lambda *_, **__: dataclasses.replace(
            load_encoder("tiny", texts=texts), pretrained=True
        ))  # fmt: skip
        monkeypatch.setattr(training, "has_plain_layers", lambda _: kept)
        quick: dict[str, Any] = {
            "epochs": 1,
            "batch_size": 16,
            "encoder_learning_rate": 2e-3,
            "max_tokens": 32,
        }
        still: dict[str, Any] = {"progress": False, "cache_dir": None, "accelerator": "cpu"}
        return train_network(outcomes, pool, TrainOptions(tune="last", tuned_layers=1, **quick, **still))

    kept, whole = tuned(kept=True), tuned(kept=False)
    brier = [made.metrics["left_out_brier"] for made in (kept, whole)]
    assert brier[0] == pytest.approx(brier[1], abs=2e-3)
    fresh = load_encoder("tiny", texts=texts).model.state_dict()
    for made in (kept, whole):
        moved = {
            name for name, value in made.network.encoder.state_dict().items() if not value.equal(fresh[name])
        }
        assert moved
        assert all(name.startswith("encoder.layer.1.") for name in moved)
