"""The recorded sets, read, priced and split; skipped where they are not at hand."""

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from routoo.data.costs.derived_pool import derive_pool
from routoo.data.costs.recorded_costs import recorded_cost_usd
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.splits import count_straddling

pytestmark = pytest.mark.recorded

SHAPES = {
    "llmdrift": (1550, 4),
    "llmrouter_mix": (5686, 9),
    "mmlu_pro": (9598, 29),
    "routellm_mmlu": (14042, 2),
    "routerarena_sub10": (760, 2),
}


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_the_sets_are_read_whole(recorded: Path, name: str) -> None:
    outcomes = Outcomes.read(recorded / name)
    score = outcomes.to_matrices().score
    assert (outcomes.name, score.shape) == (name, SHAPES[name])
    assert np.isnan(score).mean() < 0.01
    assert outcomes.has_split


@pytest.mark.parametrize("name", ["mmlu_pro", "routerarena_sub10"])
def test_derived_prices_are_the_list_prices(recorded: Path, name: str) -> None:
    derived = derive_pool(Outcomes.read(recorded / name))
    listed = Pool.read(recorded / name / "models.json", names=derived.names)
    for field in ("usd_per_1m_input", "usd_per_1m_output"):
        np.testing.assert_allclose(derived.rates(field), listed.rates(field), rtol=1e-5)
    assert derived.rates("usd_per_call").max() == 0


def test_measured_prices_and_speeds_are_near_what_was_charged(recorded: Path) -> None:
    outcomes = Outcomes.read(recorded / "llmdrift")
    pool = derive_pool(outcomes)
    np.testing.assert_allclose(pool.rates("usd_per_1m_input"), [2, 2, 30, 30], rtol=0.03)
    np.testing.assert_allclose(pool.rates("usd_per_1m_output"), [2, 2, 60, 60], rtol=0.03)
    recorded_latency = outcomes.to_matrices().latency_s
    listed = pool.latency_s(outcomes.to_matrices().output_tokens)
    ratio = np.nanmedian(listed, axis=0) / np.nanmedian(recorded_latency, axis=0)
    assert ratio == pytest.approx(np.ones(4), abs=0.15)


@pytest.mark.parametrize("name", ["llmrouter_mix", "routellm_mmlu"])
def test_without_recorded_costs_a_pool_is_asked_for(recorded: Path, name: str) -> None:
    outcomes = Outcomes.read(recorded / name)
    with pytest.raises(InputError, match="have no recorded cost_usd"):
        derive_pool(outcomes)
    assert set(Pool.read(recorded / name / "models.json", names=outcomes.models).names) == set(
        outcomes.models
    )


@pytest.fixture(name="independent_scorer")
def _independent_scorer(recorded: Path) -> ModuleType:
    path = recorded.parent / "referee" / "score.py"
    if not path.is_file():
        pytest.skip("no independent scorer beside the recorded sets")
    spec = importlib.util.spec_from_file_location("independent_scorer", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_costs_are_those_of_an_independent_scorer(
    recorded: Path, independent_scorer: ModuleType, name: str
) -> None:
    outcomes = Outcomes.read(recorded / name)
    _, models, score, cost = independent_scorer.load(recorded / name, "open")
    pool = Pool.read(recorded / name / "models.json", names=models)
    if not outcomes.records("cost_usd"):  # the scorer then prices output alone
        pool = Pool(tuple(replace(model, usd_per_1m_input=0.0) for model in pool.models))
    np.testing.assert_allclose(recorded_cost_usd(outcomes, pool), cost, rtol=1e-12)
    np.testing.assert_array_equal(outcomes.to_matrices(models).score, score)


@pytest.mark.parametrize("name", ["llmrouter_mix", "mmlu_pro"])
def test_their_own_splits_have_near_duplicates_that_ours_have_not(recorded: Path, name: str) -> None:
    outcomes = Outcomes.read(recorded / name)
    assert count_straddling(outcomes.texts, outcomes.prompts["split"].to_list()) > 10
    ours = Outcomes(outcomes.prompts.drop("split"), outcomes.outcomes).with_split(seed=0)
    assert count_straddling(ours.texts, ours.prompts["split"].to_list()) == 0
