"""Observation models, drawn at random."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from routoo.data.observation import ObservationModel


def drawn_model(draw: np.random.Generator, n_models: int, n_levels: int) -> ObservationModel:
    """Any observation model: answers agree rather when both are right, signals say something or nothing."""
    ranges = ((0.0, 0.5), (0.0, 0.1), (0.5, 1.0))
    rates = np.stack([draw.uniform(*span, (n_models, n_models)) for span in ranges], -1)
    return ObservationModel(
        tuple(f"m{at}" for at in range(n_models)),
        draw.uniform(-0.5, 0.9, n_models),
        draw.dirichlet(np.ones(n_levels), n_models),
        draw.dirichlet(np.ones(n_levels), n_models),
        (rates + rates.transpose(1, 0, 2)) / 2,
        agreement_slope=float(draw.uniform(-0.5, 1)),
        loading_slope=float(draw.uniform(-0.3, 0.3)),
    )


@pytest.fixture
def drawn() -> Callable[[np.random.Generator, int, int], ObservationModel]:
    """Draws an observation model of so many models and levels."""
    return drawn_model
