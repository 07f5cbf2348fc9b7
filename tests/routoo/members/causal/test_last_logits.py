"""Logits of the last token alone, exact where a token is chosen."""

from __future__ import annotations

import torch

from routoo.members.causal.last_logits import LastLogits


def test_the_likeliest_are_exact_in_bfloat16() -> None:
    layer = torch.nn.Linear(32, 500).bfloat16()
    hidden = (torch.randn(4, 7, 32, generator=torch.Generator().manual_seed(0)) * 20).bfloat16()
    exact = torch.nn.functional.linear(hidden.float(), layer.weight.float(), layer.bias.float())
    before = layer(hidden)
    logits = LastLogits(layer)
    logits.last = torch.tensor([6, 0, 3, 2])
    found = layer(hidden)[:, 0]
    wanted = exact[torch.arange(4), logits.last]
    assert (found.argmax(-1) == wanted.argmax(-1)).all()
    likeliest = wanted.topk(8).indices
    error = (found - wanted).gather(1, likeliest).abs().max()
    rounded = (before.float()[torch.arange(4), logits.last] - wanted).gather(1, likeliest).abs().max()
    assert error < 1e-4 < rounded
    logits.last = None
    assert torch.equal(layer(hidden)[:, 0].argmax(-1), exact[:, -1].argmax(-1))
    logits.remove()
    assert torch.equal(layer(hidden), before)
