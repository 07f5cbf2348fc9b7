"""Tokens are drawn with the probabilities that the logits give them."""

from __future__ import annotations

import numpy as np
import torch

from routoo.members.causal.choosing import drawn, draws, log_normaliser


def test_a_token_is_where_the_cumulative_probability_passes_the_number() -> None:
    logits = torch.randn(50, 700, generator=torch.Generator().manual_seed(0)) * 3
    uniforms = torch.rand(50, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = drawn(logits, 0.7, uniforms)
    cumulative = (logits.double() / 0.7).softmax(-1).cumsum(-1).numpy()
    expected = [
        np.searchsorted(row, float(at), side="right") for row, at in zip(cumulative, uniforms, strict=True)
    ]
    assert (found.numpy() == expected).mean() > 0.97  # the rest lie within rounding of the next
    assert abs(found.numpy() - expected).max() <= 1


def test_the_ends_of_the_range_are_tokens() -> None:
    logits = torch.zeros(2, 300)
    uniforms = torch.tensor([0.0, np.nextafter(1.0, 0.0)], dtype=torch.float64)
    assert drawn(logits, 1.0, uniforms).tolist() == [0, 299]


def test_numbers_belong_to_seed_prompt_and_sample() -> None:
    given = [(0, "p", 0), (1, "p", 0), (0, "q", 0), (0, "p", 1)]
    assert len({tuple(draws(*one, 3)) for one in given}) == 4
    assert (draws(0, "p", 0, 5)[:3] == draws(0, "p", 0, 3)).all()


def test_the_normaliser_makes_probabilities() -> None:
    logits = torch.tensor([[1e4, 1e4 - 1, -1e4], [0.0, 1.0, 2.0]])
    assert torch.allclose(log_normaliser(logits), logits.logsumexp(-1))
