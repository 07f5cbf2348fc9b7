"""The sample is varied, the same each time, and worth routing."""

import zlib

import numpy as np
import numpy.typing as npt
import pytest
from simulated.outcomes import simulated_outcomes, simulated_pool
from simulated.prompts import LEVELS, WRITERS, simulated_prompts

from routoo.data.costs.derived_pool import derive_pool
from routoo.data.errors import InputError
from routoo.data.near_duplicates import near_duplicate_groups
from routoo.data.outcomes import Outcomes
from routoo.data.splits import count_straddling


@pytest.fixture(name="sample", scope="module")
def _sample() -> Outcomes:
    return simulated_outcomes()


def test_it_is_called_simulated(sample: Outcomes) -> None:
    assert "simulated" in sample.name
    assert all(name.startswith("simulated-") for name in sample.models)
    assert set(sample.models) == set(simulated_pool().names)


def test_it_is_whole_unless_gaps_are_asked_for(sample: Outcomes) -> None:
    assert sample.to_matrices().score.shape == (3000, 6)
    assert not np.isnan(sample.to_matrices().score).any()
    holed = simulated_outcomes(2000, missing=0.3).to_matrices().score
    assert np.isnan(holed).mean() == pytest.approx(0.3 * 5 / 6, abs=0.02)
    assert not np.isnan(holed).all(axis=1).any()


def test_nothing_recorded_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="missing"):
        simulated_outcomes(10, missing=1.0)


def test_texts_are_varied(sample: Outcomes) -> None:
    sizes = np.bincount(near_duplicate_groups(sample.texts))
    assert len(sizes) > 0.9 * len(sample)
    assert sizes.max() <= 0.01 * len(sample)
    assert set(sample.domains or []) == set(WRITERS)


def test_it_splits(sample: Outcomes) -> None:
    split = sample.with_split(seed=0)
    sizes = np.array([len(split.part(part)) for part in ("train", "val", "test")])
    np.testing.assert_allclose(sizes / len(sample), [0.6, 0.1, 0.3], atol=0.03)
    assert count_straddling(split.texts, split.prompts["split"].to_list()) == 0


def test_the_pool_can_be_derived_from_it(sample: Outcomes) -> None:
    derived = derive_pool(sample)
    for model in simulated_pool().models:
        assert derived[model.name].usd_per_1m_output == pytest.approx(model.usd_per_1m_output, rel=1e-4)
        assert derived[model.name].tokens_per_second == pytest.approx(model.tokens_per_second, rel=0.15)


def test_the_seed_decides(sample: Outcomes) -> None:
    few = simulated_outcomes(200, seed=1)
    assert few.outcomes.equals(simulated_outcomes(200, seed=1).outcomes)
    assert few.texts == simulated_outcomes(200, seed=1).texts
    assert len(set(few.texts) & set(sample.texts)) < 20
    assert len(simulated_outcomes(1)) == 1
    with pytest.raises(InputError, match="n_prompts must be at least 1, got 0"):
        simulated_outcomes(0)


@pytest.mark.parametrize("domain", sorted(WRITERS))
def test_levels_make_prompts_harder(domain: str, sample: Outcomes) -> None:
    prompts = [prompt for prompt in simulated_prompts(3000, seed=0) if prompt.domain == domain]
    score = dict(zip(sample.texts, np.nanmean(sample.to_matrices().score, axis=1), strict=True))
    hardness = np.array([prompt.difficulty for prompt in prompts])
    solved = np.array([score[prompt.text] for prompt in prompts])
    assert np.corrcoef(hardness, solved)[0, 1] < -0.5
    assert np.ptp(hardness) > 0.8 * (LEVELS - 1)


def test_routing_by_words_holds_the_best_score_at_half_its_cost(sample: Outcomes) -> None:
    """Least squares on hashed words, fitted on train, chooses per prompt on test."""
    split = sample.with_split(seed=0)
    names = simulated_pool().names
    train, test = split.part("train", "val"), split.part("test")
    known, judged = train.to_matrices(names), test.to_matrices(names)
    predicted = np.stack(
        [_ridge(_words(train.texts), known.score[:, at], _words(test.texts)) for at in range(len(names))],
        axis=1,
    )
    mean_cost = np.nanmean(known.cost_usd, axis=0)
    cost = np.where(np.isnan(judged.cost_usd), mean_cost, judged.cost_usd)
    singles = np.nanmean(judged.score, axis=0)
    best = int(singles.argmax())
    rows = np.arange(len(test))
    reached = []
    for price in np.geomspace(1, 1e4, 80):
        choice = (predicted - price * mean_cost).argmax(axis=1)
        if cost[rows, choice].mean() <= 0.5 * cost[:, best].mean():
            reached.append(np.nanmean(judged.score[rows, choice]))
    assert names[best] == "simulated-large"
    assert max(reached) > singles[best] - 0.03
    assert max(reached) > np.interp(0.5 * mean_cost[best], mean_cost[:3], singles[:3]) + 0.1


def _words(texts: list[str], width: int = 1024) -> npt.NDArray[np.float64]:
    out = np.zeros((len(texts), width + 2))
    for row, text in enumerate(texts):
        for word in "".join("0" if sign.isdigit() else sign for sign in text.lower()).split():
            out[row, zlib.crc32(word.encode()) % width] += 1
        out[row, :width] = np.log1p(out[row, :width]) / np.linalg.norm(np.log1p(out[row, :width]))
        out[row, width:] = 1, np.log(len(text))
    return out


def _ridge(
    known: npt.NDArray[np.float64],
    score: npt.NDArray[np.float64],
    asked: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    there = ~np.isnan(score)
    x = known[there]
    weights = np.linalg.solve(x.T @ x + np.eye(x.shape[1]), x.T @ score[there])
    return np.asarray(asked @ weights)
