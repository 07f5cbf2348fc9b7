"""Losses against what they say they are, worked out in the plain way."""

from __future__ import annotations

import math

import pytest
import torch
from toy import toy_model

from routoo.tuning.examples import Example, batches, padded
from routoo.tuning.losses import cross_entropy, preference_loss, token_log_probs
from routoo.tuning.low_rank import Adapted, LowRank, adapted

EXAMPLES = [Example((5, 6, 7), (8, 2)), Example((5,), (9, 10, 11, 2))]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Adapted:
    folder = toy_model(tmp_path_factory.mktemp("toy"), steps=2)
    return adapted(str(folder), LowRank(dtype="float32"))


def test_log_probabilities_are_those_of_the_targets_alone(model: Adapted) -> None:
    found = token_log_probs(model.network, padded(EXAMPLES, torch.device("cpu"))).sum(1).tolist()
    for example, total in zip(EXAMPLES, found, strict=True):
        ids = torch.tensor([example.sent + example.target])
        logs = model.network(ids).logits[0].log_softmax(-1)
        start = len(example.sent)
        plain = sum(logs[start + at - 1, token].item() for at, token in enumerate(example.target))
        assert total == pytest.approx(plain, abs=1e-4)


def test_cross_entropy_is_their_mean(model: Adapted) -> None:
    batch = padded(EXAMPLES, torch.device("cpu"))
    total = token_log_probs(model.network, batch).sum().item()
    assert cross_entropy(model.network, batch).item() == pytest.approx(-total / 6)


def test_first_tokens_count_once_more_as_they_weigh(model: Adapted) -> None:
    batch = padded(EXAMPLES, torch.device("cpu"))
    found = token_log_probs(model.network, batch)
    first = -(found[0, 2] + found[1, 0]).item() / 2  # what follows the last token that was sent
    plain = cross_entropy(model.network, batch).item()
    assert cross_entropy(model.network, batch, first=2.0).item() == pytest.approx(plain + 2 * first)


def test_preference_loss_by_hand() -> None:
    # ratios (2, -1): margin 3; ratios (0, 1): margin -1
    loss = preference_loss(
        *map(torch.tensor, ([-1.0, -4.0], [-6.0, -3.0], [-3.0, -4.0], [-5.0, -4.0])), beta=0.5
    )
    plain = [math.log(1 + math.exp(-0.5 * margin)) for margin in (3.0, -1.0)]
    assert loss.item() == pytest.approx(sum(plain) / 2)


def test_adapters_begin_as_nothing_and_lie_on_upper_layers(model: Adapted) -> None:
    ids = torch.tensor([[5, 6, 7]])
    with model.model.disable_adapter():
        bare = model.network(ids).logits
    assert torch.equal(model.network(ids).logits, bare)
    assert all(".layers.1." in name for name in model.trained())


def test_batches_hold_every_example_of_an_epoch_once_but_for_the_last_few() -> None:
    found = batches(list(range(70)), batch_size=8, epochs=2, seed=1)
    for epoch in (found[:8], found[8:]):
        seen = [at for batch in epoch for at in batch]
        assert len(seen) == len(set(seen)) == 64
    assert batches([3, 1], batch_size=8) in ([[0, 1]], [[1, 0]])
