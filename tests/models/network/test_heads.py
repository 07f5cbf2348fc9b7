import pytest
import torch

from routoo.models.network.heads import HeadConfig, Heads


@pytest.mark.parametrize("n_domains", [0, 4])
@pytest.mark.parametrize("attributes", [(), (3, 2)])
def test_heads_speak_for_every_member_prompt_and_model(n_domains: int, attributes: tuple[int, ...]) -> None:
    config = HeadConfig(n_features=6, n_models=3, n_domains=n_domains, attributes=attributes, members=2)
    out = Heads(config).eval()(torch.randn(5, 6))
    assert out.logits.shape == (2, 5, 3)
    assert [logits.shape[2] for logits in out.attribute_logits] == list(config.inferred)
    assert config.inferred == ((4,) if n_domains else ()) + attributes


def test_members_do_not_know_of_one_another() -> None:
    heads = Heads(HeadConfig(n_features=6, n_models=3, n_domains=2, members=3)).eval()
    with torch.no_grad():
        for parameter in heads.parameters():
            parameter.normal_()
        before = heads(torch.ones(2, 6)).logits
        for parameter in heads.parameters():
            parameter[1] += 1
        after = heads(torch.ones(2, 6)).logits
    assert torch.equal(after[[0, 2]], before[[0, 2]])
    assert not torch.equal(after[1], before[1])


def test_before_training_the_inferred_domain_mixes_the_table() -> None:
    heads = Heads(HeadConfig(n_features=4, n_models=2, n_domains=2, members=1)).eval()
    with torch.no_grad():
        heads.level.copy_(torch.tensor([[[1.0, -1.0], [3.0, 1.0]]]))
        heads.attributes[0].load_state_dict(
            {"weight": torch.zeros(1, 128, 2), "bias": torch.tensor([[[0.0, 100.0]]])}
        )
    logits = heads(torch.randn(3, 4)).logits
    torch.testing.assert_close(logits, torch.tensor([3.0, 1.0]).expand(1, 3, 2))


def test_a_feature_that_hardly_varied_in_training_does_not_carry_a_prompt_away() -> None:
    """All prompts of training were cut to the same length, say: a short one is no millionfold exception."""
    heads = Heads(HeadConfig(n_features=4, n_models=2, members=2)).eval()
    torch.nn.init.normal_(heads.score.weight, std=0.1)
    heads.std.copy_(torch.tensor([1.0, 1.0, 1.0, 1e-6]))
    usual, short = torch.zeros(1, 4), torch.tensor([[0.0, 0.0, 0.0, -1.5]])
    assert 0 < (heads(short).logits - heads(usual).logits).abs().max() < 20
