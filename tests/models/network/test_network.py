import pytest
import torch

from routoo.models.encoder.pooling import default_layers
from routoo.models.encoder.trunk import load_trunk, trunk_config
from routoo.models.network.heads import HeadConfig
from routoo.models.network.network import NetworkConfig, RouterNetwork


def tiny_network() -> RouterNetwork:
    trunk = load_trunk("tiny", texts=["one two three four", "five six seven"])
    layers = default_layers(trunk.n_layers)
    heads = HeadConfig(n_features=trunk.width * len(layers) + 1, n_models=3, output_tokens=True)
    return RouterNetwork(trunk.model, NetworkConfig(trunk_config(trunk), layers, heads)).eval()


def test_padding_changes_nothing() -> None:
    network = tiny_network()
    ids = torch.tensor([[2, 5, 6, 3]])
    padded = torch.tensor([[2, 5, 6, 3, 0, 0, 0]])
    alone = network(ids, torch.ones_like(ids))
    beside = network(padded, (torch.arange(7) < 4).long()[None])
    torch.testing.assert_close(alone.p_correct, beside.p_correct, atol=1e-5, rtol=0)
    torch.testing.assert_close(alone.output_tokens, beside.output_tokens, atol=1e-4, rtol=1e-4)


def test_what_was_never_recorded_is_nan() -> None:
    ids = torch.tensor([[2, 5, 3]])
    out = tiny_network()(ids, torch.ones_like(ids))
    assert out.latency_s.isnan().all()
    assert (out.output_tokens > 0).all()
    assert ((out.p_correct > 0) & (out.p_correct < 1)).all()


def test_a_network_is_built_again_from_its_configuration() -> None:
    network = tiny_network()
    again = RouterNetwork.from_config(NetworkConfig.from_dict(network.config.to_dict())).eval()
    again.load_state_dict(network.state_dict())
    ids = torch.tensor([[2, 7, 8, 3]])
    torch.testing.assert_close(
        network(ids, torch.ones_like(ids)).p_correct, again(ids, torch.ones_like(ids)).p_correct
    )


def test_calibration_is_inside_the_forward_pass() -> None:
    network = tiny_network()
    ids = torch.tensor([[2, 5, 6, 3]])
    before = network(ids, torch.ones_like(ids)).p_correct
    network.calibration[0] *= 2
    network.calibration[1] -= 1
    after = network(ids, torch.ones_like(ids)).p_correct
    torch.testing.assert_close(after.logit(), 2 * before.logit() - 1)


def test_the_default_layers_are_words_form_and_meaning() -> None:
    assert default_layers(6) == (0, 3, 6)
    assert default_layers(2) == (0, 1, 2)
    assert default_layers(1) == (0, 1)


@pytest.mark.parametrize(
    "code",
    [
        {"attn_implementation": "somebody/kernel"},
        {"_attn_implementation": "somebody/kernel"},
        {
            "auto_map": {"AutoModel": "somebody/code--model.Model"},
            "quantization_config": {"quant_method": "x"},
        },
    ],
)
def test_no_configuration_names_code(code: dict[str, object]) -> None:
    trunk = load_trunk("tiny", texts=["a b"])
    layers = default_layers(trunk.n_layers)
    heads = HeadConfig(n_features=trunk.width * len(layers) + 1, n_models=1, n_domains=0, width=4, rank=1)
    config = NetworkConfig({**trunk_config(trunk), **code}, layers, heads)
    assert isinstance(RouterNetwork.from_config(config), RouterNetwork)
