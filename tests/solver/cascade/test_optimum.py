"""Cascades against the best policy there is, on simulated worlds where dynamic programming finds it."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

_BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
PRICES = np.array([0.0, 0.001, 0.003, 0.01, 0.03])


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(_BENCHMARKS))
    import cascade_optimum

    return cascade_optimum


def test_one_call_is_the_best_model_of_each_type(simulated: ModuleType) -> None:
    world = simulated.World.drawn(0)
    start = simulated.Beliefs.start(world.p, world.model)
    value = start.expected[None] - PRICES[:, None, None] * world.cost
    assert simulated.optimum(world, PRICES, 1) == pytest.approx(value.max(2).mean(1))


@pytest.mark.parametrize("seed", range(3))
def test_with_the_true_rates_two_calls_are_the_optimum(seed: int, simulated: ModuleType) -> None:
    world = simulated.World.drawn(seed)
    most = simulated.optimum(world, PRICES, 2)
    found = simulated.achieved(world, world.model, world.log_ratio, PRICES, 2)
    assert found == pytest.approx(most, abs=1e-5)


@pytest.mark.parametrize("seed", range(2))
def test_three_calls_are_within_half_a_per_cent_of_the_optimum(seed: int, simulated: ModuleType) -> None:
    """Further calls are planned one after the other; rates are the true ones, or learned from answers."""
    world = simulated.World.drawn(seed)
    most = simulated.optimum(world, PRICES, 3)
    for model, log_ratio in ((world.model, world.log_ratio), simulated.fitted(world, 2000, seed)):
        loss = 1 - simulated.achieved(world, model, log_ratio, PRICES, 3) / most
        assert (loss >= -1e-9).all()
        assert (loss < 0.005).all()
    assert (simulated.optimum(world, PRICES, 1) < 0.97 * most).all()
