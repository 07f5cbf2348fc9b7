import json

import pytest
import torch

from routoo.models.encoder.encoder import encoder_config, load_encoder
from routoo.models.encoder.features import default_layers
from routoo.models.evidence.evidence import Evidence, EvidenceConfig
from routoo.models.network.heads import HeadConfig
from routoo.models.network.network import NetworkConfig, RouterNetwork


def tiny_network() -> RouterNetwork:
    """Weights drawn at random, so that what is predicted differs from prompt to prompt."""
    torch.manual_seed(0)
    encoder = load_encoder("tiny", texts=["one two three four", "five six seven"])
    layers = default_layers(encoder.n_layers)
    n_features = encoder.width * len(layers) + 1
    heads = HeadConfig(n_features=n_features, n_models=3, n_domains=2, attributes=(3,), members=2)
    network = RouterNetwork(encoder.model, NetworkConfig(encoder_config(encoder), layers, heads))
    torch.nn.init.normal_(network.heads.level)
    evidence = Evidence(
        EvidenceConfig(
            n_features=n_features,
            skipped=encoder.width,
            n_centres=4,
            n_heads=3,
            inferred=(2, 3),
            n_models=3,
            output_tokens=True,
        )
    )
    evidence.basis.copy_(torch.eye(len(evidence.basis)))
    evidence.level.fill_(0.5)
    for weight in (evidence.weight, evidence.table, evidence.tokens, evidence.kernel.centres):
        weight.normal_(std=0.05)
    evidence.spread.fill_(0.01)
    return network.attach(evidence)


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


def test_what_the_heads_say_is_the_mean_of_the_members() -> None:
    network = tiny_network()
    features = torch.randn(5, network.config.heads.n_features)
    outputs, predicted = network.heads(features), network.head_predictions(features)
    torch.testing.assert_close(predicted.p, outputs.logits.mean(0).sigmoid())
    assert [posterior.shape for posterior in predicted.posteriors] == [(5, 2), (5, 3)]
    for posterior in predicted.posteriors:
        torch.testing.assert_close(posterior.sum(1), torch.ones(5))
    assert predicted.members is not None
    torch.testing.assert_close(predicted.members[..., -3:], outputs.logits.sigmoid())
    torch.testing.assert_close(predicted.members.mean(0)[:, :5], torch.cat(predicted.posteriors, 1))


def test_what_is_observed_is_read_by_its_name() -> None:
    network = tiny_network()
    features = torch.randn(2, network.config.heads.n_features)
    domain, attributes = torch.tensor([1, 1]), torch.tensor([[2], [2]])
    predicted, unknown = network.head_predictions(features), torch.tensor([-1, -1])

    def p_correct(*observed: torch.Tensor | None) -> torch.Tensor:
        return network.predict_features(features, *observed).p_correct

    for given, numbers in (
        ((), (unknown, unknown)),
        ((domain,), (domain, unknown)),
        ((None, attributes), (unknown, attributes[:, 0])),
        ((domain, attributes), (domain, attributes[:, 0])),
    ):
        expected = network.fitted(features, predicted, numbers).p_correct
        assert torch.equal(p_correct(*given), expected)
    assert not torch.equal(p_correct(domain), p_correct(None, attributes))


def test_other_evidence_heads_take_the_place_of_the_first() -> None:
    network = tiny_network()
    fewer = network.fitted.with_columns([network.fitted.column(2)], network.fitted.noise[2:, 2:])
    made = network.attach(fewer)
    assert made.config.evidence == fewer.config
    assert made.config.heads == network.config.heads
    assert network.fitted.config.n_models == 3
    ids = torch.tensor([[2, 5, 6, 3]])
    before, after = (each(ids, torch.ones_like(ids)).p_correct for each in (network, made))
    torch.testing.assert_close(after, before[:, 2:])


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
    encoder = load_encoder("tiny", texts=["a b"])
    layers = default_layers(encoder.n_layers)
    heads = HeadConfig(n_features=encoder.width * len(layers) + 1, n_models=1, width=4)
    config = NetworkConfig({**encoder_config(encoder), **code}, layers, heads)
    assert isinstance(RouterNetwork.from_config(config), RouterNetwork)


def test_a_configuration_that_json_kept_is_the_same() -> None:
    evidence = EvidenceConfig(n_features=9, skipped=4, n_centres=3, n_heads=2, inferred=(2, 3), n_models=2)
    heads = HeadConfig(n_features=9, n_models=2, n_domains=2, attributes=(3,))
    config = NetworkConfig({"hidden_size": 4}, (0, 1), heads, evidence)
    assert NetworkConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert evidence.n_inputs == 1 + 3 + 5 + 2
