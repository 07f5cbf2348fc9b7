from typing import Literal

import pytest
import torch

from routoo.data.errors import InputError
from routoo.models.network.heads import HeadConfig, Heads


@pytest.mark.parametrize("kind", ["factorised", "free"])
@pytest.mark.parametrize("n_domains", [0, 4])
def test_heads_speak_for_every_member_prompt_and_model(
    kind: Literal["factorised", "free"], n_domains: int
) -> None:
    config = HeadConfig(
        n_features=6, n_models=3, n_domains=n_domains, kind=kind, members=2, output_tokens=True
    )
    out = Heads(config).eval()(torch.randn(5, 6))
    assert out.logits.shape == (2, 5, 3)
    assert out.log_tokens is not None
    assert out.log_tokens.shape == (2, 5, 3)
    assert out.log_latency is None
    assert (out.domain_logits is None) == (n_domains == 0)


def test_without_evidence_the_posterior_mixes_the_domain_table() -> None:
    heads = Heads(HeadConfig(n_features=4, n_models=2, n_domains=2, members=1)).eval()
    with torch.no_grad():
        heads.base.copy_(torch.tensor([[[1.0, -1.0], [3.0, 1.0]]]))
        heads.loadings.zero_()
        assert heads.domain is not None
        heads.domain.weight.zero_()
        heads.domain.bias.copy_(torch.tensor([[[0.0, 100.0]]]))
    logits = heads(torch.randn(3, 4)).logits
    torch.testing.assert_close(logits, torch.tensor([3.0, 1.0]).expand(1, 3, 2))


@pytest.mark.parametrize(
    ("field", "value"), [("n_models", 0), ("members", 0), ("width", -1), ("kind", "deep"), ("dropout", 1.0)]
)
def test_a_bad_configuration_is_refused_by_name(field: str, value: object) -> None:
    values = {"n_features": 4, "n_models": 2, field: value}
    with pytest.raises(InputError, match=field):
        HeadConfig(**values)  # type: ignore[arg-type]  # the point of the test


def test_a_feature_that_hardly_varied_in_training_does_not_carry_a_prompt_away() -> None:
    """All prompts of training were cut to the same length, say: a short one is no millionfold exception."""
    heads = Heads(HeadConfig(n_features=4, n_models=2, members=2)).eval()
    heads.std.copy_(torch.tensor([1.0, 1.0, 1.0, 1e-6]))
    usual, short = torch.zeros(1, 4), torch.tensor([[0.0, 0.0, 0.0, -1.5]])
    assert (heads(short).logits - heads(usual).logits).abs().max() < 10
