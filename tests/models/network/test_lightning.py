"""Losses: each member on the prompts that it may see, as if alone."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from routoo.models.network.heads import HeadConfig, HeadOutputs, Heads
from routoo.models.network.lightning import PromptData, router_loss
from routoo.models.training.options import TrainOptions
from routoo.models.training.targets import Targets

EVERYONE = torch.ones(1, 2, dtype=torch.bool)


def batch_of(score: torch.Tensor, attributes: torch.Tensor, seen: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"score": score, "observed": attributes, "seen": seen}


def test_unknown_cells_count_for_nothing() -> None:
    outputs = HeadOutputs(torch.full((1, 2, 2), 2.0), ())
    none = torch.zeros(2, 0, dtype=torch.int64)
    score = torch.tensor([[0.0, float("nan")], [float("nan"), float("nan")]])
    loss = router_loss(outputs, batch_of(score, none, EVERYONE), attribute_weight=1)
    assert float(loss) == pytest.approx(2.1269, abs=1e-3)
    empty = torch.full((2, 2), float("nan"))
    assert float(router_loss(outputs, batch_of(empty, none, EVERYONE), attribute_weight=1)) == 0


def test_soft_scores_have_their_own_probability_as_the_best() -> None:
    none = torch.zeros(1, 0, dtype=torch.int64)
    logits = torch.linspace(-3, 3, 61)
    losses = [
        float(
            router_loss(
                HeadOutputs(logit.reshape(1, 1, 1), ()),
                batch_of(torch.tensor([[0.8808]]), none, EVERYONE[:, :1]),
                attribute_weight=1,
            )
        )
        for logit in logits
    ]
    assert float(logits[int(np.argmin(losses))]) == pytest.approx(2.0, abs=0.05)


def test_only_observed_attributes_are_learned() -> None:
    logits = torch.randn(1, 2, 3)
    outputs = HeadOutputs(torch.zeros(1, 2, 1), (logits,))
    score = torch.full((2, 1), float("nan"))
    unknown, observed = (torch.tensor([[number], [-1]]) for number in (-1, 2))
    assert float(router_loss(outputs, batch_of(score, unknown, EVERYONE), attribute_weight=0.3)) == 0
    found = router_loss(outputs, batch_of(score, observed, EVERYONE), attribute_weight=0.3)
    torch.testing.assert_close(found, 0.3 * F.cross_entropy(logits[0, :1], torch.tensor([2])))


def test_members_learn_as_if_alone() -> None:
    """The gradient of a member is the same whatever the others are and see."""
    config = HeadConfig(n_features=5, n_models=3, n_domains=2, attributes=(3,), members=3)
    heads = Heads(config).eval()
    for parameter in heads.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    draw = np.random.default_rng(0)
    features = torch.from_numpy(draw.normal(size=(20, 5))).float()
    attributes = torch.from_numpy(draw.integers(-1, 2, (20, 2)))
    score = torch.from_numpy(np.where(draw.random((20, 3)) < 0.2, np.nan, draw.random((20, 3)))).float()
    seen = torch.from_numpy(draw.random((3, 20)) < 0.7)

    def gradient(score: torch.Tensor, seen: torch.Tensor) -> list[torch.Tensor]:
        loss = router_loss(heads(features), batch_of(score, attributes, seen), attribute_weight=0.3)
        return [found[1] for found in torch.autograd.grad(loss, list(heads.parameters()))]

    expected = gradient(score, seen)
    others = seen.clone()
    others[[0, 2]] = ~others[[0, 2]]
    hidden = torch.where(seen[1][:, None], score, 1 - score)
    for found in (gradient(score, others), gradient(hidden, seen)):
        for value, wanted in zip(found, expected, strict=True):
            torch.testing.assert_close(value, wanted)


def targets(n: int) -> Targets:
    return Targets(np.zeros((n, 2), np.float32), None, None, np.full(n, -1), ())


@pytest.mark.parametrize(("n", "steps"), [(10, 100), (64, 100), (65, 100), (6400, 1000)])
def test_few_prompts_are_passed_over_more_often(n: int, steps: int) -> None:
    features = np.zeros((n, 3), np.float32)
    options = TrainOptions(batch_size=64)
    data = PromptData(features, targets(n), seen=np.ones((1, n), bool), options=options)
    assert data.epochs * len(data) == steps
    assert data.epochs >= 10
    given = TrainOptions(batch_size=64, epochs=2)
    assert PromptData(features, targets(n), seen=np.ones((1, n), bool), options=given).epochs == 2


def test_what_no_member_sees_is_in_no_batch() -> None:
    seen = np.array([[True, False, False, True, True], [True, False, False, False, True]])
    features = np.arange(5, dtype=np.float32)[:, None]
    data = PromptData(features, targets(5), seen=seen, options=TrainOptions(batch_size=2))
    batches = list(data)
    assert sorted(torch.cat([batch["features"] for batch in batches]).flatten().tolist()) == [0, 3, 4]
    for batch in batches:
        rows = batch["features"].flatten().long()
        assert torch.equal(batch["seen"], torch.from_numpy(seen)[:, rows])
