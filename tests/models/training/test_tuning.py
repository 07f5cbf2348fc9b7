"""An encoder that learns: which layers do, and by which rates."""

import dataclasses

import numpy as np
import pytest

from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.models.encoder.encoder import encoder_config, load_encoder
from routoo.models.encoder.features import default_layers
from routoo.models.network.heads import HeadConfig
from routoo.models.network.lightning import PromptData, RouterModule
from routoo.models.network.network import NetworkConfig, RouterNetwork
from routoo.models.training import train as training
from routoo.models.training.options import TrainOptions
from routoo.models.training.targets import Targets
from routoo.models.training.train import train_network


def test_the_rate_falls_from_layer_to_layer() -> None:
    encoder = load_encoder("tiny", texts=["one two three"])
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


def test_the_last_layers_learn_alone(outcomes: Outcomes, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = outcomes.texts
    pretrained = dataclasses.replace(load_encoder("tiny", texts=texts), pretrained=True)
    monkeypatch.setattr(training, "load_encoder", lambda *_, **__: pretrained)
    options = TrainOptions(
        tune="last",
        tuned_layers=1,
        epochs=1,
        batch_size=16,
        encoder_learning_rate=2e-3,
        max_tokens=32,
        progress=False,
        cache_dir=None,
        accelerator="cpu",
    )
    learned = train_network(outcomes, pool, options).network.encoder.state_dict()
    fresh = load_encoder("tiny", texts=texts).model.state_dict()
    moved = {name for name, value in learned.items() if not value.equal(fresh[name])}
    assert moved
    assert all(name.startswith("encoder.layer.1.") for name in moved)
